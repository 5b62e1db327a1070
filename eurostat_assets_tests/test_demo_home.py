"""Where the demo puts its data: never into a mirror of real ones, and it says which settings of the user it does not use."""

import json
import os
import stat
import subprocess

import psutil
import pytest

from eurostat_assets import sandbox, settings
from eurostat_assets.cli import demo
from eurostat_assets.cli.run import up
from eurostat_assets.launcher import LauncherError
from eurostat_assets.processes import REGISTER, AlreadyRunning

SANDBOX = "http://127.0.0.1:8765/eurostat/api/dissemination"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A working folder of the test's own, and an environment that is restored whatever the demo puts into it."""
    monkeypatch.chdir(tmp_path)
    for name in settings.Settings.model_fields:
        monkeypatch.setenv(f"EUROSTAT_{name.upper()}", "")  # so that it is restored
        monkeypatch.delenv(f"EUROSTAT_{name.upper()}")
    return tmp_path


def test_the_home_of_the_environment_is_the_demos_unless_a_mirror_is_in_it(place, monkeypatch):
    assert demo._home() == place / ".eurostat" / "demo"
    monkeypatch.setenv("EUROSTAT_HOME", "mine")
    assert demo._home() == place / "mine"
    (place / "mine" / "store").mkdir(parents=True)
    with pytest.raises(LauncherError, match=r"mine holds a mirror that is not the demo's"):
        demo._home()


def test_a_home_that_a_demo_has_filled_is_used_again(place, monkeypatch):
    monkeypatch.setenv("EUROSTAT_HOME", "mine")
    demo._settings(demo._home(), SANDBOX)
    (place / "mine" / "store").mkdir()
    assert demo._home() == place / "mine"
    with pytest.raises(LauncherError, match="invented data"):
        up()


def test_settings_that_the_demo_does_not_use_are_named_wherever_they_come_from(place, monkeypatch, capsys):
    (place / ".env").write_text("EUROSTAT_HOME=elsewhere\nEUROSTAT_THEME=HLTH_CD\n")
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", "postgresql://example/mirror")
    used = demo._settings(demo._home(), SANDBOX)
    told = capsys.readouterr().out
    assert "EUROSTAT_HOME" in told
    assert "EUROSTAT_DATABASE_URL" in told
    assert "EUROSTAT_THEME" not in told
    assert (used.home, used.api_url, used.theme) == (place / ".eurostat" / "demo", SANDBOX, "HLTH_CD")
    assert used.database_url.get_secret_value() == ""


def test_a_second_demo_is_refused_before_it_touches_the_first(place, monkeypatch):
    """`sleep` stands for the launcher that holds the home."""
    home = place / "mine"
    monkeypatch.setenv("EUROSTAT_HOME", str(home))
    settings.remember_source(demo._settings(demo._home(), SANDBOX))
    remembered = (home / settings.SOURCE_FILE).read_text()
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            started = psutil.Process(other.pid).create_time()
            (home / REGISTER).write_text(json.dumps({"pid": other.pid, "started": started}))
            with pytest.raises(AlreadyRunning, match="running already"):
                demo.demo()
        finally:
            other.kill()
    assert (home / settings.SOURCE_FILE).read_text() == remembered
    assert not (home / "sandbox").exists()


def test_the_home_is_closed_before_the_invented_eurostat_writes_into_it(monkeypatch):
    monkeypatch.setenv("EUROSTAT_HOME", "mine")
    modes = []

    def running(*, folder, **_):
        modes.append(stat.S_IMODE(folder.parent.stat().st_mode))
        raise LauncherError("enough was seen")

    monkeypatch.setattr(sandbox, "running", running)
    before = os.umask(0o022)
    try:
        with pytest.raises(LauncherError, match="enough"):
            demo.demo()
    finally:
        os.umask(before)
    assert modes == [0o750]
