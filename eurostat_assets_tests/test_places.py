"""The database and the command line where people are; `make places` runs the whole demo there."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from eurostat_assets_tests.places.__main__ import CHARACTERS, PROXY

COMMAND = Path(sys.executable).with_name("eurostat-assets")
PLACES: dict[str, tuple[str, int, dict[str, str | None]]] = {
    "blanks and letters beyond ASCII": (CHARACTERS, 0o022, {}),
    "a C locale": (CHARACTERS, 0o022, {"LANG": "C", "LC_ALL": "C"}),
    "an odd time zone": ("home", 0o022, {"TZ": "Pacific/Apia"}),
    "no HOME": ("home", 0o022, {"HOME": None}),
    "umask 077": ("home", 0o077, {}),
    "behind a dead proxy": ("home", 0o022, dict(PROXY)),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-place-") as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.mark.parametrize("place", PLACES)
def test_the_database_starts_is_filled_and_stops(folder: Path, place: str) -> None:
    name, umask, changed = PLACES[place]
    merged: dict[str, str | None] = {**os.environ, **changed, "EUROSTAT_HOME": str(folder / name)}
    environment = {key: value for key, value in merged.items() if value is not None}

    def run(*words: str) -> str:
        done = subprocess.run(
            [COMMAND, *words], cwd=folder, env=environment, umask=umask, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("db", "init")
    try:
        assert "PostgreSQL runs on port" in run("db", "status")
        run("status")
    finally:
        run("db", "stop")
