"""Commands start fast because they import little: what `--help`, completion and `status` must not load."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eurostat_assets_tests.test_cli import cli

__all__ = ["cli"]

LOCAL = "http://127.0.0.1:9/eurostat/api/dissemination"  # no sandbox need run, to look at what it filled
ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import json, sys
from eurostat_assets.cli import main
try:
    main()
finally:
    print("\\n" + json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
HEAVY = {
    "dagster", "dagster_shared", "fsspec", "grpc", "ijson", "jinja2", "matplotlib", "numpy", "pyarrow", "requests",
    "sqlalchemy", "starlette", "upath", "urllib3", "uvicorn",
}  # fmt: skip
SETTINGS_AND_DATABASE = {"psycopg2", "pydantic_settings"}


def modules(*words: str, **environment: str) -> set[str]:
    """Names of the top-level modules that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["status", "--help"], ["db", "--help"]])
def test_help_loads_neither_dagster_nor_arrow_nor_a_database_driver(words, tmp_path):
    loaded = modules(*words, EUROSTAT_HOME=str(tmp_path))
    assert (loaded & (HEAVY | SETTINGS_AND_DATABASE)) == set()


def test_completion_loads_no_more_than_help_and_completes_commands():
    environment = {"COMP_WORDS": "eurostat-assets sta", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, **environment, "_EUROSTAT_ASSETS_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "status" in done.stdout.split()
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert (loaded & (HEAVY | SETTINGS_AND_DATABASE)) == set()


def test_status_loads_the_settings_and_the_database_driver_only(cli):
    assert cli("sync", "HLTH_SILC_10").returncode == 0
    loaded = modules("status", EUROSTAT_DATABASE_URL=cli("db", "url").stdout.strip(), EUROSTAT_API_URL=LOCAL)
    assert loaded >= SETTINGS_AND_DATABASE
    assert (loaded & HEAVY) == set()
