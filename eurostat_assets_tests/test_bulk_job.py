"""Parquet files are loaded from the Launchpad as from the command line."""

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from eurostat_assets import definitions
from eurostat_assets.bulk_loading import reload_yesterday
from eurostat_assets.failures import reason
from eurostat_assets.settings import Settings
from eurostat_assets_tests.test_cli import call

DAYS = [dt.date(2024, 5, day) for day in (1, 2, 3)]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    for day in DAYS:
        folder = tmp_path / "days" / str(day)
        folder.mkdir(parents=True)
        for n in range(4):
            pq.write_table(pa.table({"day": [day] * 25, "n": range(25)}), folder / f"{n}.parquet")
    return tmp_path / "days"


def run(home: Path, database: str, instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:
    settings = Settings(home=home, database_url=SecretStr(database))
    job = definitions.build(settings).resolve_job_def("load_parquet")
    return job.execute_in_process(
        instance=instance, run_config={"ops": {"load_files": {"config": config}}}, raise_on_error=False
    )


def test_the_job_loads_and_tells_figures_of_an_asset_named_like_the_table(
    tmp_path: Path, database: str, days: Path
) -> None:
    scope = {"table": "weather.days", "mode": "scope", "scope": "day = 2024-05-02", "processes": 1}
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(tmp_path, database, instance, folders=[str(days)], table="weather.days").success
        assert run(tmp_path, database, instance, folders=[str(days / "2024-05-02")], **scope).success
        assert {run.tags["eurostat/why"] for run in instance.get_runs()} == {"person"}
        events = instance.fetch_materializations(dg.AssetKey(["weather", "days"]), limit=10).records
        figures = [
            {name: value.value for name, value in record.asset_materialization.metadata.items()}
            for record in reversed(events)
            if record.asset_materialization
        ]
        wanted = ("dagster/row_count", "rows loaded", "rows deleted", "files loaded")
        assert [[each[name] for name in wanted] for each in figures] == [
            [300, 300, 0, 12],
            [300, 100, 100, 4],
        ]
        assert all(float(str(each["seconds"])) > 0 for each in figures)

        failed = run(tmp_path, database, instance, folders=[str(days / "2024-05-03")], **scope)
        assert not failed.success
        assert "day 2024-05-03, which is not of the scope" in reason(failed.all_events)
        failed = run(tmp_path, database, instance, folders=[str(days / "nowhere")], table="weather.other")
        assert "nowhere" in reason(failed.all_events)


def test_the_schedule_asks_for_yesterday_once_and_is_off() -> None:
    schedule = reload_yesterday("/data/{day}", "public.days", "day")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    at = dt.datetime(2024, 5, 3, 3, 15, tzinfo=dt.UTC)
    (request,) = (
        schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at)).run_requests or []
    )
    config = request.run_config["ops"]["load_files"]["config"]
    assert (request.run_key, config["folders"], config["scope"]) == (
        "2024-05-02",
        ["/data/2024-05-02"],
        "day = 2024-05-02",
    )
    assert request.tags["eurostat/why"] == "reload of 2024-05-02 by the clock"
    mine = dg.Definitions.merge(definitions.build(Settings()), dg.Definitions(schedules=[schedule]))
    dg.Definitions.validate_loadable(mine)


def test_the_command_line_says_what_was_there_and_what_is_wrong(
    tmp_path: Path, database: str, days: Path
) -> None:
    def load(*words: str) -> tuple[int, str]:
        done = call(tmp_path, "load-parquet", *words, "--table", "public.days", "--jobs", "1",
                    EUROSTAT_DATABASE_URL=database)  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    first, whole = str(days / "2024-05-01"), str(days)
    code, said = load(first, "--scope", "day = 2024-05-01")
    assert (code, "100 rows from 4 files" in said, "; 0 rows were there before" in said) == (0, True, True)
    wrong = {
        "date = 2024-05-01": "no column 'date'",
        "day = soon": "column 'day' needs a day",
        "day": "COLUMN = VALUE",
    }
    for scope, words in wrong.items():
        code, said = load(first, "--scope", scope)
        assert code == 2
        assert words in " ".join(said.replace("│", " ").split())
    assert load(whole, "--scope", "day = 2024-05-01", "--append")[0] == 2
    code, said = load(whole, "--append")
    assert (code, "4 files were there already" in said) == (0, True)
    code, said = load(first, "--scope", "day = 2024-05-01")
    assert "; 100 rows were there before" in said
