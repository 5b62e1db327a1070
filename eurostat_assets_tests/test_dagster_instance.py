"""Dagster's tools in a fresh clone, without a database; and what a package brings along for Dagster."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef

from eurostat_assets import dagster_instance, launcher
from eurostat_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
Dg = Callable[..., str]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a fresh clone holds of the project itself."""
    folder = tmp_path / "clone"
    shutil.copytree(
        ROOT / "eurostat_assets", folder / "eurostat_assets", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def run_dg(clone: Path) -> Dg:
    """Run `dg …` in the clone, with the environment of somebody who has set nothing; returns what it printed."""
    environment = {
        name: v for name, v in os.environ.items() if not name.startswith(("DAGSTER_", "EUROSTAT_"))
    }

    def run(*words: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("dg"), *words],
            cwd=clone, env={**environment, "PYTHONPATH": str(clone)}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_dg_checks_lists_and_scaffolds_in_a_fresh_clone_without_a_database(run_dg: Dg, clone: Path) -> None:
    assert "All definitions loaded successfully" in run_dg("check", "defs")
    run_dg("scaffold", "defs", "dagster.asset", "hospital_beds.py")
    assert (clone / "eurostat_assets" / "defs" / "hospital_beds.py").exists()
    listed = json.loads(run_dg("list", "defs", "--json"))
    assert {"hospital_beds", "published_table"} <= {asset["asset_key"] for asset in listed["assets"]}


def test_without_a_database_an_instance_refuses_runs_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("DAGSTER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EUROSTAT_HOME", str(tmp_path / "home"))
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), config_dir=str(ROOT))) as instance:
        assert instance.get_runs_count() == 0
        with pytest.raises(Exception, match="eurostat-assets"):
            instance.create_run_for_job(_nothing)


@dg.job
def _nothing() -> None:
    """A job."""


def test_the_queue_takes_as_many_runs_as_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EUROSTAT_PARALLEL_RUNS", "3")
    asked = yaml.safe_load((ROOT / "dagster.yaml").read_text())["run_coordinator"]
    queue = dagster_instance.RunQueue.from_config_value(None, asked["config"])
    assert queue.get_run_queue_config().max_concurrent_runs == 3
    assert queue.dequeue_interval_seconds == 1


def test_the_home_gets_the_files_of_the_checkout(tmp_path: Path) -> None:
    folder = launcher.dagster_home(Settings(home=tmp_path))
    (folder / "dagster.yaml").write_text("of an earlier version")
    (folder / "workspace.yaml").write_text("the one that `up` wrote")
    assert launcher.dagster_home(Settings(home=tmp_path)) == folder
    assert (folder / "dagster.yaml").read_text() == (ROOT / "dagster.yaml").read_text()
    assert (folder / "workspace.yaml").read_text() == "the one that `up` wrote"
    assert {path.name for path in folder.iterdir()} == {"dagster.yaml", "workspace.yaml"}


def test_a_wheel_brings_both_files_and_dagster_yaml_asks_for_no_variable() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    brought = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert brought == {name: f"eurostat_assets/{name}" for name in ("dagster.yaml", "workspace.yaml")}
    assert "env:" not in (ROOT / "dagster.yaml").read_text()
