"""The job `load_parquet`: a folder of Parquet files into any table, as the command `load-parquet` does it; and a schedule.

Here belongs what a person sees of it in the UI: the configuration in the Launchpad, progress in the run's log, the figures.
The loading is in `postgres/bulk.py`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from pathlib import Path

import dagster as dg
from pydantic import Field

from eurostat_assets import resources, room, run_tags
from eurostat_assets.failures import told
from eurostat_assets.postgres import bulk
from eurostat_assets.resources import Mirror


class Mode(Enum):
    """What becomes of the rows that are in the table."""

    create = "create"
    replace = "replace"
    append = "append"
    scope = "scope"


class LoadConfig(dg.Config):
    """What to load, and where to."""

    folders: list[str] = Field(description="Parquet files, or folders of them; all of one schema.")
    table: str = Field(description="The table to load into: schema.name.")
    mode: Mode = Field(
        default=Mode.create,
        description="create: the table is new. replace: its rows go. append: files that are in it are left out."
        " scope: the rows of `scope` go.",
    )
    scope: str = Field(
        default="",
        description="With mode scope: `day = 2024-05-01` or `day >= 2024-05-01 AND day < 2024-06-01`.",
    )
    processes: int = Field(default=2, ge=1, description="Processes that load at the same time.")


@dg.op(
    name="load_files",
    out=dg.Out(dg.Nothing),
    tags={"dagster/kind/parquet": "", "dagster/kind/postgres": ""},
)
def load_files(
    context: dg.OpExecutionContext, config: LoadConfig, mirror: dg.ResourceParam[Mirror]
) -> Iterator[dg.AssetMaterialization | dg.Output[None]]:
    """Load Parquet files into one table, all of them or none, and count it. The figures are events of an asset
    named like the table."""
    run_tags.complete(context)
    url = resources.database_url(mirror.settings, resources.MIRROR_DATABASE)
    with told(config.table):
        done = bulk.load_parquet(
            url,
            [Path(folder) for folder in config.folders],
            config.table,
            mode=config.mode.value,
            scope=config.scope or None,
            jobs=config.processes,
            on_progress=resources.progress(context.log, config.table, "rows"),
            patience=replace(resources.patience(mirror.settings), report=context.log.warning),
            room=room.for_tables(mirror.settings),
        )
        rows = bulk.count_rows(url, config.table)
    context.log.info(f"{done}. The table has {rows:,} rows.")
    yield dg.AssetMaterialization(
        asset_key=config.table.split("."),
        description=f"{done}.",
        metadata={
            "dagster/row_count": rows,
            "rows loaded": done.rows,
            "rows deleted": done.deleted or 0,
            "files loaded": done.files,
            "files already there": done.skipped,
            "seconds": round(done.seconds, 3),
            "mode": config.mode.value,
            "scope": config.scope,
        },
    )
    yield dg.Output(None)


@dg.job(
    name="load_parquet",
    description="Load a folder of Parquet files into any table: new, replaced, added to, or the rows of a scope replaced.",
)
def load_parquet_job() -> None:
    load_files()


def reload_yesterday(
    folder: str, table: str, column: str, *, cron: str = "15 3 * * *", processes: int = 2
) -> dg.ScheduleDefinition:
    """A schedule that replaces yesterday's rows (UTC) of `table` by the files of `folder`, where `{day}` is the day.

    It is off until somebody turns it on in the UI, and asks for each day once.
    """

    def requests(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = (context.scheduled_execution_time - timedelta(days=1)).date()
        config = {
            "folders": [folder.format(day=day)],
            "table": table,
            "mode": Mode.scope.name,
            "scope": f"{column} = {day}",
            "processes": processes,
        }
        return dg.RunRequest(
            run_key=str(day),
            run_config={"ops": {"load_files": {"config": config}}},
            tags=run_tags.why(f"reload of {day} by the clock"),
        )

    return dg.ScheduleDefinition(
        name=f"reload_yesterday_of_{table.replace('.', '_')}",
        job_name="load_parquet",
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        execution_fn=requests,
        description=f"Replaces yesterday's rows of {table} by the files of {folder}.",
    )
