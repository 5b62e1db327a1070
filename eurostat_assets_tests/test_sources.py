"""A mirror refuses every other source than its own, also when both are on this machine. Real sandboxes, real PostgreSQL."""

from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2
import pytest
from pydantic import SecretStr

from eurostat_assets import postgres, resources, sandbox
from eurostat_assets.settings import EUROSTAT_API, Settings

DEAD = "http://127.0.0.1:9" + sandbox.API_PATH


def fill(database: str, api_url: str, tmp_path: Path, *, fills: bool = True) -> None:
    """Open the mirror as whoever fills it does."""
    settings = Settings(home=tmp_path / "home", api_url=api_url, database_url=SecretStr(database))
    assert resources.Mirror(settings, fills=fills).database


def test_a_sandbox_is_the_same_on_every_port_and_no_other(database: str, tmp_path: Path) -> None:
    with sandbox.running(tmp_path / "one", "tests") as one:
        fill(database, one.api_url, tmp_path)
    with (
        sandbox.running(tmp_path / "one", "tests") as again,
        sandbox.running(tmp_path / "two", "tests") as two,
    ):
        assert again.url != one.url
        fill(database, again.api_url, tmp_path)
        for fills in (True, False):
            with pytest.raises(postgres.MirrorMismatch, match="set EUROSTAT_API_URL"):
                fill(database, two.api_url, tmp_path, fills=fills)
    with pytest.raises(postgres.MirrorMismatch):
        fill(database, EUROSTAT_API, tmp_path)
    fill(database, DEAD, tmp_path, fills=False)  # it is looked at while no sandbox runs


def test_in_memory_a_sandbox_is_what_it_is_made_from(shared: Path) -> None:
    def identity(**made: Any) -> str | None:
        with sandbox.running(**made) as source:
            return sandbox.identity(source.api_url)

    invented = identity(profile="tests")
    assert invented == identity(profile="tests")
    assert len({invented, identity(profile="tests", seed=1), identity(recorded=shared / "real")}) == 3


def test_what_is_no_sandbox_is_a_source_of_its_own(database: str, tmp_path: Path) -> None:
    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy, sandbox.running(profile="tests") as invented:
        Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{proxy.server_port}{sandbox.API_PATH}"
        fill(database, address, tmp_path)
        assert postgres.claimed_source(database) == address
        with pytest.raises(postgres.MirrorMismatch):
            fill(database, invented.api_url, tmp_path)
        proxy.shutdown()


def test_a_home_of_before_sandboxes_had_an_identity_goes_on(database: str, tmp_path: Path) -> None:
    postgres.migrate(database)
    with closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO eurostat.mirror (api_url) VALUES (%s)", (resources.INVENTED,))
    with sandbox.running(tmp_path / "one", "tests") as one:
        fill(database, one.api_url, tmp_path, fills=False)
        fill(database, one.api_url, tmp_path)
    with sandbox.running(tmp_path / "two", "tests") as two, pytest.raises(postgres.MirrorMismatch):
        fill(database, two.api_url, tmp_path)


def test_a_mirror_of_eurostat_refuses_this_machine_even_while_nothing_answers(
    database: str, tmp_path: Path
) -> None:
    fill(database, EUROSTAT_API, tmp_path)
    with pytest.raises(postgres.MirrorMismatch):
        fill(database, DEAD, tmp_path)
