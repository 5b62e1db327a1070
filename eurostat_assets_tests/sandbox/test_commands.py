"""The sandbox from a terminal."""

from __future__ import annotations

from typer.testing import CliRunner

from eurostat_assets.cli.sandbox import app
from eurostat_assets.sandbox import NotReady, Running, running
from eurostat_assets_tests.sandbox.conftest import data


def call(sandbox: Running, *arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--url", sandbox.url], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_whatever_a_sandbox_can_do_is_a_command() -> None:
    with running(profile="tests", day_seconds=3600) as sandbox:
        assert "HLTH_CD_NEW: data of 2026-03-" in call(sandbox, "add", "HLTH_CD_NEW")
        assert "HLTH_CD_NEWER: data of" in call(sandbox, "rename", "HLTH_CD_NEW", "HLTH_CD_NEWER")
        assert "HLTH_CD_NEWER: withdrawn" in call(sandbox, "withdraw", "HLTH_CD_NEWER")
        assert "HLTH_RS_BDS: data of" in call(sandbox, "release", "HLTH_RS_BDS", "--what", "both")
        assert "HLTH_RS_BDS: data of" in call(sandbox, "restructure", "HLTH_RS_BDS", "remove facility")
        call(sandbox, "faults", "503=1", "--dataset", "HLTH_RS_BDS")
        assert [data(sandbox, code).status for code in ("HLTH_RS_BDS", "HLTH_CD_ARO")] == [503, 200]
        report = call(sandbox, "tally")
        assert "requests: data 2" in report
        assert "faults met: 503 1" in report
        assert "whole datasets delivered: 1, again: 0" in report
        assert "stopped at 2026-03-09T08:" in call(sandbox, "calendar", "--stop")
        assert "running at 2026-03-09T08:" in call(sandbox, "calendar", "--resume")


def test_a_command_finds_the_sandbox_of_the_home_without_being_told_where(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    demo, mirror = tmp_path / ".eurostat" / "demo", tmp_path / ".eurostat" / "mirror"
    nowhere = CliRunner().invoke(app, ["tally"])
    assert isinstance(nowhere.exception, NotReady)
    assert "--url" in str(nowhere.exception)
    with running(profile="tests", folder=demo / "sandbox") as sandbox:
        for home in (demo, mirror):
            monkeypatch.setenv("EUROSTAT_HOME", str(home))
            done = CliRunner().invoke(
                app, ["faults", "503=1", "--dataset", "HLTH_RS_BDS"], catch_exceptions=False
            )
            assert done.exit_code == 0, done.output
            assert data(sandbox, "HLTH_RS_BDS").status == 503
            CliRunner().invoke(app, ["faults", ""], catch_exceptions=False)
    assert isinstance(CliRunner().invoke(app, ["tally"]).exception, NotReady)
