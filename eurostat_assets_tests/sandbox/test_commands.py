"""The sandbox from a terminal."""

from __future__ import annotations

from typer.testing import CliRunner

from eurostat_assets.cli.sandbox import app
from eurostat_assets.sandbox import Running, running
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
