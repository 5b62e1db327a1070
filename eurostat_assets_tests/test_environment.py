"""The environment of the process beats `.env`, also in the processes of Dagster, which write `.env` over it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eurostat_assets import environment, settings

PROBE = """
import json, os
from dagster._cli.utils import get_possibly_temporary_instance_for_cli
from eurostat_assets import settings
NAMES = "EUROSTAT_HOME", "EUROSTAT_THEME", "EUROSTAT_LANGUAGE", "EUROSTAT_STORE_URL", "DAGSTER_PG_PORT", "A_USERS_OWN"
with get_possibly_temporary_instance_for_cli():  # as every command of Dagster begins
    print(json.dumps({name: os.environ.get(name) for name in NAMES} | {"home": settings.load().home.name}))
"""


def test_dagsters_processes_and_what_they_start_believe_the_environment(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[1]
    (tmp_path / "dagster.yaml").write_text((root / "dagster.yaml").read_text())
    left = "EUROSTAT_HOME=a\nEUROSTAT_STORE_URL=a\nDAGSTER_PG_HOST=127.0.0.1\nDAGSTER_PG_PORT=1\n"
    own = "A_USERS_OWN=file\nEUROSTAT_THEME=HLTH_CD\nEUROSTAT_LANGUAGE=fr\n"
    (tmp_path / ".env").write_text(left + own)
    clean = {name: v for name, v in os.environ.items() if not name.startswith(("DAGSTER_", "EUROSTAT_"))}
    said = {"EUROSTAT_HOME": "b", "EUROSTAT_THEME": "HLTH_SILC"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=tmp_path, env={**clean, **said}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        **said,
        "EUROSTAT_LANGUAGE": "fr",
        "EUROSTAT_STORE_URL": None,
        "DAGSTER_PG_PORT": None,
        "A_USERS_OWN": "file",
        "home": "b",
    }


def test_a_file_that_names_another_home_says_nothing_about_this_one(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"EUROSTAT_{name.upper()}", raising=False)
    (tmp_path / ".env").write_text("EUROSTAT_HOME=a\nEUROSTAT_STORE_URL=s\nEUROSTAT_THEME=HLTH_CD\n")
    assert settings.load().store == str(tmp_path / "s")
    monkeypatch.setenv("EUROSTAT_HOME", str(tmp_path / "x" / ".." / "a"))
    assert settings.load().store == str(tmp_path / "s")  # the same one
    monkeypatch.setenv("EUROSTAT_HOME", "b")
    assert settings.load().store == str(tmp_path / "b" / "store")
    assert settings.load().theme == "HLTH_CD"


def test_one_home_has_one_name(monkeypatch, tmp_path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to("home")
    monkeypatch.chdir(tmp_path)
    spellings = ("home", "./home/", "link", "link/../home", str(tmp_path / "home"), f"{tmp_path}//link/")
    assert {settings.Settings(home=Path(one)).home for one in spellings} == {tmp_path.resolve() / "home"}


def test_a_file_that_is_no_text_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"EUROSTAT_THEME=\xff\xfe\n")
    with pytest.raises(environment.UnreadableFile, match=r"\.env cannot be read"):
        settings.load()


def test_what_the_launcher_says_of_its_own_database_stays(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("EUROSTAT_HOME=a\nDAGSTER_PG_HOST=127.0.0.1\nDAGSTER_PG_PORT=1\n")
    said = {
        "EUROSTAT_HOME": "b",
        "DAGSTER_PG_HOST": "127.0.0.1",
        "DAGSTER_PG_PORT": "2",
        environment.MADE_FOR: "b",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    environment.restore()
    assert {name: os.environ.get(name) for name in said} == said
