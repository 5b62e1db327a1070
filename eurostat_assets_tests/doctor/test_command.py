"""`eurostat-assets doctor` as a person calls it: exit codes, 80 columns, JSON, recordings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eurostat_assets.doctor.contract import CHECKS
from eurostat_assets.doctor.machine import MACHINE_CHECKS
from eurostat_assets.sandbox import Running

ENTRY = [sys.executable, "-c", "from eurostat_assets.cli import main; main()", "doctor"]


@pytest.fixture
def call(source: Running, tmp_path: Path):
    def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "TERM")}
        own = {"EUROSTAT_HOME": str(tmp_path / "home"), "EUROSTAT_API_URL": source.api_url}
        return subprocess.run(
            [*ENTRY, *words],
            env={**inherited, **own, "EUROSTAT_WEBSERVER_PORT": "29917", **environment},
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,
        )

    return call


def test_all_as_expected_in_eighty_columns_with_visible_progress(call, tmp_path: Path):
    done = call()
    assert done.returncode == 0, done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert f"{len(CHECKS) + len(MACHINE_CHECKS)} as expected." in done.stdout
    assert "Asking Eurostat, 1 of 20" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_change_is_told_with_what_it_means_and_what_to_do(call, source: Running):
    source.change_contract("feed_dates_utc")
    done = call()
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("changed")]
    assert "Brussels" in line
    for word in ("found: ", "means: ", "do: "):
        assert f"               {word}" in done.stdout


def test_offline_asks_nothing(call, source: Running):
    before = sum(source.tally()["requests"].values())
    done = call("--offline")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(source.tally()["requests"].values()) == before
    assert "as expected" in done.stdout
    assert "Eurostat's API" not in done.stdout


def test_not_reachable_is_code_3(call):
    done = call(EUROSTAT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "not reachable" in done.stdout


def test_json_record_and_replay(call, source: Running):
    source.change_contract("etag")
    done = call("--json", "--record", "kept")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["exit_code"] == 1
    assert [one["check"] for one in report["verdicts"] if one["outcome"] == "changed"] == ["no_validators"]
    again = json.loads(call("--json", "--replay", "kept").stdout)
    assert again["verdicts"] == [one for one in report["verdicts"] if one["check"] in CHECKS]


@pytest.mark.parametrize(
    "words", [["--offline", "--record", "x"], ["--replay", "nowhere"], ["--dataset", "../x"]]
)
def test_a_wrong_call_is_code_2(words: list[str], call):
    done = call(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
