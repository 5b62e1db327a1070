"""The sensors that remember: a run that did not succeed leaves its reason and the next attempt in `eurostat.datasets`.

The published table stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from eurostat_assets.eurostat import MalformedCode, check_code
from eurostat_assets.failures import failed_in, interrupted, reason, superseded, worth_retrying
from eurostat_assets.jobs import refresh_catalogue
from eurostat_assets.postgres import poll_failed, record_failure, record_waiting
from eurostat_assets.postgres.leases import DIED_RETRY, is_held
from eurostat_assets.resources import Mirror


def failed_runs() -> dg.SensorDefinition:
    """The sensor for runs that failed."""

    @dg.run_failure_sensor(name="failed_runs", default_status=dg.DefaultSensorStatus.RUNNING)
    def remember(context: dg.RunFailureSensorContext, mirror: dg.ResourceParam[Mirror]) -> None:
        """Writes into `eurostat.datasets` that mirroring a dataset failed, why, and when it is tried again."""
        events = [*context.get_step_failure_events(), context.failure_event]
        if code := _dataset(context.dagster_run):
            # Of a run that died, this was written down with its death.
            if is_held(mirror.database, context.dagster_run.run_id) is not False:
                record_failed_run(mirror, code, events)
        elif context.dagster_run.job_name == refresh_catalogue.name:
            poll_failed(mirror.database, "sweep", reason(events))

    return remember


def cancelled_runs() -> dg.SensorDefinition:
    """The sensor for runs that a person cancelled."""

    @dg.run_status_sensor(
        name="cancelled_runs",
        run_status=dg.DagsterRunStatus.CANCELED,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def remember(context: dg.RunStatusSensorContext, mirror: dg.ResourceParam[Mirror]) -> None:
        """Keeps a dataset whose run a person cancelled from being requested again at once."""
        if code := _dataset(context.dagster_run):
            record_waiting(mirror.database, code, "its run was cancelled", mirror.settings.retry_after)

    return remember


def record_failed_run(mirror: Mirror, code: str, events: Iterable[dg.DagsterEvent]) -> None:
    """Remember why a run of `code` failed; from that follows when it is tried again.

    Nothing where another run published a newer release meanwhile: the dataset is current.
    """
    events = list(events)
    if superseded(events):
        return
    record_failure(
        mirror.database,
        code,
        reason(events),
        failed_in=failed_in(events),
        retry=min(DIED_RETRY, mirror.settings.retry_after)
        if interrupted(events)
        else mirror.settings.retry_after,
        worth_retrying=worth_retrying(events),
    )


def _dataset(run: dg.DagsterRun) -> str | None:
    """The dataset a run was for; what somebody typed as a partition key need not be one."""
    try:
        return check_code(run.tags.get("dagster/partition", ""))
    except MalformedCode:
        return None
