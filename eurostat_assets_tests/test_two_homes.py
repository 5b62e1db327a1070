"""Two homes of one checkout, at work at the same time: no row and no event of one is in the other."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from eurostat_assets import launcher, resources, sandbox
from eurostat_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
CODE = "HLTH_SILC_10"
LEFT = """\
DAGSTER_PG_HOST=127.0.0.1
DAGSTER_PG_PORT={port}
DAGSTER_PG_USERNAME=postgres
DAGSTER_PG_DB=dagster
EUROSTAT_HOME={home}
EUROSTAT_API_URL={api_url}
EUROSTAT_THEME={theme}
"""
"""The first home's `.env`: its own settings, and what `db start` of an earlier version wrote."""


@pytest.fixture
def checkout() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-homes-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user
        for file in ("pyproject.toml", "dagster.yaml", "workspace.yaml"):
            shutil.copy(ROOT / file, folder)
        try:
            yield folder
        finally:
            for home in ("first", "second"):
                launcher.stop(Settings(home=folder / home))


def test_no_row_and_no_event_crosses(checkout: Path) -> None:
    with sandbox.running(profile="tests", seed=1) as one, sandbox.running(profile="tests", seed=2) as two:
        homes = {"first": one, "second": two}
        clean = {name: v for name, v in os.environ.items() if not name.startswith(("DAGSTER_", "EUROSTAT_"))}
        clean["PYTHONPATH"] = str(ROOT)
        named = {"EUROSTAT_HOME": "second", "EUROSTAT_API_URL": two.api_url}
        _run(checkout, clean | {"EUROSTAT_HOME": "first", "EUROSTAT_API_URL": one.api_url}, "db", "start")
        server = resources.embedded_server(Settings(home=checkout / "first"))
        assert server is not None
        left = LEFT.format(
            port=server.status().port, home=checkout / "first", api_url=one.api_url, theme=CODE
        )
        (checkout / ".env").write_text(left)

        at_work = [_start(checkout, variables, "sync", CODE) for variables in (clean, clean | named)]
        assert [process.wait(300) for process in at_work] == [0, 0]
        dagster = [sys.executable, "-m", "dagster", "job", "execute", "-m", "eurostat_assets.definitions"]
        done = subprocess.run(
            [*dagster, "-j", "refresh_catalogue"],
            cwd=checkout,
            env=clean | named,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

        for home, source in homes.items():
            true = [
                row
                for batch in source.cells(CODE)
                for row in batch.column("obs_value").to_pylist()
                if row is not None
            ]
            query = f"SELECT count(obs_value), sum(obs_value) FROM eurostat.{CODE.lower()}"  # noqa: S608
            ((count, total),) = _ask(checkout / home, resources.MIRROR_DATABASE, query)
            assert (count, pytest.approx(total)) == (len(true), sum(true))
        jobs = "SELECT pipeline_name FROM runs ORDER BY 1"
        assert _ask(checkout / "first", resources.DAGSTER_DATABASE, jobs) == [("mirror_dataset",)]
        both = [("mirror_dataset",), ("refresh_catalogue",)]
        assert _ask(checkout / "second", resources.DAGSTER_DATABASE, jobs) == both
        assert (checkout / ".env").read_text() == left


def _ask(home: Path, database: str, query: str) -> list[tuple[Any, ...]]:
    url = resources.database_url(Settings(home=home), database)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def _start(checkout: Path, variables: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from eurostat_assets.cli import main; main()", *words]
    return subprocess.Popen(command, cwd=checkout, env=variables)


def _run(checkout: Path, variables: dict[str, str], *words: str) -> None:
    assert _start(checkout, variables, *words).wait(300) == 0
