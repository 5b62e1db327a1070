"""The reader's address: it reads every table, also those of later releases, and writes nothing; who has which password."""

import os
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege
from pydantic import SecretStr

from eurostat_assets import access, sandbox
from eurostat_assets.postgres import EmbeddedPostgres
from eurostat_assets.postgres.errors import ServerStopped
from eurostat_assets.settings import Settings
from eurostat_assets_tests.mirroring import mirroring

CODE = "HLTH_RS_BDS"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory):
    """The embedded server of a home; roles belong to a whole server, so it is this test's own."""
    home = tmp_path_factory.mktemp("mirror")
    for folder in (home, home.parent):
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    started = EmbeddedPostgres(home / "postgres", settings={"fsync": "off"})
    started.start()
    yield started
    started.stop()


def query(url: str, statement: str) -> list[tuple]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_the_reader_reads_what_is_there_and_what_comes_and_writes_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", "")
    settings = Settings(home=server.folder.parent)
    with sandbox.running(profile="tests") as source:
        with mirroring(tmp_path, source.api_url, server.url("eurostat")) as chain:
            assert chain.mirror(CODE) is None
            url = access.reader_url(settings)
            count = f"SELECT count(*) FROM eurostat.{CODE.lower()}"  # noqa: S608 - no input
            before = query(url, count)
            source.release(CODE)
            assert chain.mirror(CODE) is None
            assert chain.mirror("HLTH_SILC_10") is None
        assert query(url, count)[0][0] > 0
        assert before[0][0] > 0
        assert query(url, "SELECT count(*) > 0 FROM eurostat.hlth_silc_10") == [(True,)]
        assert query(url, "SELECT count(*) FROM eurostat.datasets WHERE rows > 0") == [(2,)]
    assert access.reader_url(settings) == url
    for forbidden in (
        f"UPDATE eurostat.{CODE.lower()} SET obs_value = 1",  # noqa: S608 - no input
        "DELETE FROM eurostat.datasets",
        "DROP TABLE eurostat.hlth_silc_10",
        "CREATE TABLE eurostat.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE somebody",
    ):
        with pytest.raises(InsufficientPrivilege):
            query(url, forbidden)
    file = server.folder.parent / access.PASSWORD_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_server_of_ones_own_keeps_the_password_of_a_reader_it_has_and_a_second_home_says_what_to_do(
    server, tmp_path
):
    address = server.url("eurostat")
    own = f"{address}?application_name=me"
    first, second = (
        Settings(home=tmp_path / name, database_url=SecretStr(own)) for name in ("first", "second")
    )
    with pytest.raises(access.ReaderUnknown, match="db init"):
        access.reader_url(first)  # printing an address changes nothing on somebody's server
    access.initialise(first)
    url = access.reader_url(first)
    assert url.endswith("?application_name=me")
    assert query(url, "SELECT current_user") == [("eurostat_reader",)]
    access.initialise(second)
    assert query(url, "SELECT current_user") == [("eurostat_reader",)]
    with pytest.raises(access.ReaderUnknown, match="db init"):
        access.reader_url(second)
    access.initialise(second, reader_password="it's/new@")
    assert query(access.reader_url(second), "SELECT current_user") == [("eurostat_reader",)]


def test_url_and_shell_are_the_readers_unless_admin_is_asked_for(server):
    home = server.folder.parent

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        program = "from eurostat_assets.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, "db", *words],
            env={**os.environ, "EUROSTAT_HOME": str(home), "EUROSTAT_DATABASE_URL": ""},
            capture_output=True,
            text=True,
        )

    for words, user in ((("url",), "eurostat_reader"), (("url", "--admin"), "postgres")):
        done = call(*words)
        assert done.returncode == 0, done.stderr
        assert query(done.stdout.strip(), "SELECT current_user, current_database()") == [(user, "eurostat")]
    for words, user in (((), "eurostat_reader"), (("--admin",), "postgres")):
        done = call("shell", *words, "-Atc", "SELECT current_user")
        assert (done.stdout, done.returncode) == (f"{user}\n", 0), done.stderr
    server.stop()
    stopped = call("url")
    assert stopped.returncode == 4
    assert "not running" in stopped.stderr


def test_without_any_psql_the_shell_says_how_to_get_one(monkeypatch):
    from typer.testing import CliRunner

    from eurostat_assets.cli.database import app

    monkeypatch.setattr(access, "psql", lambda: None)
    done = CliRunner().invoke(app, ["shell"])
    assert done.exit_code == 2
    assert "psql is not installed" in done.output


def test_what_is_asked_of_a_closed_server_is_an_error_and_not_a_new_password(tmp_path: Path):
    settings = Settings(home=tmp_path, database_url=SecretStr(""))
    with pytest.raises(ServerStopped):
        access.reader_url(settings)
    assert not (tmp_path / access.PASSWORD_FILE).exists()
