"""The whole platform on one screen: assets, sensors, the schedule, jobs, and what they work with.

This is what Dagster loads (`workspace.yaml`, `[tool.dg.project]`). Everything here is made by the rooms below.
"""

import warnings
from pathlib import Path

import dagster as dg
from upath import UPath

from eurostat_assets import assets, jobs, resources, sensors, settings, source_asset
from eurostat_assets import defs as user_defs
from eurostat_assets.checks.mirror import audit
from eurostat_assets.checks.standing import release_checks
from eurostat_assets.io_managers import ParquetStore, RawStore, TableStore
from eurostat_assets.quality import Quarantine


def build(knobs: settings.Settings) -> dg.Definitions:
    """The platform for given settings; tests and the command line build their own."""
    mirror = resources.Mirror(knobs)
    workbench = resources.Workbench(knobs.scratch)
    return dg.Definitions(
        assets=[
            assets.catalogue,
            source_asset.eurostat_dataset,
            assets.raw_json,
            assets.observations,
            assets.published_table,
            audit,
        ],
        asset_checks=[release_checks],
        jobs=[jobs.refresh_catalogue, jobs.mirror_dataset, jobs.audit, jobs.load_parquet],
        sensors=[
            sensors.eurostat_releases(knobs),
            sensors.stale_datasets(knobs.request_interval),
            sensors.sweep_when_feed_is_silent(knobs),
            sensors.failed_runs(),
            sensors.cancelled_runs(),
            sensors.alarms(knobs),
        ],
        schedules=[sensors.sweep(knobs.sweep_cron), *sensors.audits(knobs)],
        executor=dg.in_process_executor,  # a step process of its own costs more than these steps
        resources={
            "eurostat": resources.client(knobs),
            "mirror": mirror,
            "workbench": workbench,
            "quarantine": Quarantine(UPath(knobs.store) / "quarantine"),
            "raw_store": RawStore(knobs.store),
            "parquet_store": ParquetStore(knobs.store),
            "table_store": TableStore(mirror),
        },
    )


def scaffolded() -> dg.Definitions:
    """What lies in the folder `defs`, where `dg scaffold defs` puts new files; in a checkout, or installed from one."""
    folder = Path(user_defs.__file__ or "").parent
    if not any(path for path in folder.iterdir() if path.name not in ("__init__.py", "__pycache__")):
        return dg.Definitions()  # to look takes a third of a second, and every run of a dataset is a process
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.ComponentTree.from_module(user_defs, project_root=folder.parents[1]).build_defs()


defs = dg.Definitions.merge(build(settings.load()), scaffolded())
