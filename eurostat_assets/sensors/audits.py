"""The audits by the clock: a fast look at every table each day, a checksum of each every week. Both are the job `audit`."""

from __future__ import annotations

import dagster as dg

from eurostat_assets import run_tags
from eurostat_assets.jobs import audit
from eurostat_assets.settings import Settings


def audits(knobs: Settings) -> list[dg.ScheduleDefinition]:
    """The two schedules, at night in Brussels, when Eurostat publishes nothing."""
    return [
        _schedule("audit", knobs.audit_cron, deep=False),
        _schedule("deep_audit", knobs.deep_audit_cron, deep=True),
    ]


def _schedule(name: str, cron: str, *, deep: bool) -> dg.ScheduleDefinition:
    how = (
        "by checksum, all of them"
        if deep
        else "by count and writing transaction; by checksum where those differ"
    )
    return dg.ScheduleDefinition(
        name=name,
        job=audit,
        cron_schedule=cron,
        execution_timezone="Europe/Brussels",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        run_config={"ops": {"audit": {"config": {"deep": deep}}}},
        tags=run_tags.why(f"{name.replace('_', ' ')} by the clock"),
        description=f"Compares the published tables with their Parquet files: {how}.",
    )
