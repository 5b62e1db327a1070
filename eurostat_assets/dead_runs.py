"""Runs whose process is gone: found by their leases, failed in Dagster, and their places in the pool set free.

For whoever comes next: the daemon's sensor, its run monitoring, or the next command. What a dead run means for its dataset
is written down together with its death (postgres/leases.py).
"""

from __future__ import annotations

import os
import time

import dagster as dg

from eurostat_assets.postgres import leases
from eurostat_assets.resources import Mirror

SECONDS_TO_TAKE_A_LEASE = 60
"""From Dagster's note that a run is being started to its launcher's lease for it, which takes milliseconds."""


def fail_dead_runs(instance: dg.DagsterInstance, mirror: Mirror) -> list[str]:
    """Fail every run whose lease expired, or that never got one; returns their ids. Raises DatabaseUnavailable."""
    for holder in _never_started(instance):
        leases.record_never_started(mirror.database, holder)
    leases.expire(mirror.database, mirror.settings.retry_after)
    failed = []
    for dead in leases.unreported(mirror.database):
        run = instance.get_run_by_id(dead.run_id)
        if run and not run.is_finished:
            story = f"This run is dead: {dead}."
            if run.status == dg.DagsterRunStatus.CANCELING:
                instance.report_run_canceled(run, story)
            else:
                instance.report_run_failed(run, story)
            failed.append(run.run_id)
        # Without a daemon nobody else does it, and a full pool would let no download in any more.
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(dead.run_id)
        leases.reported(mirror.database, dead.run_id)
    return failed


def _never_started(instance: dg.DagsterInstance) -> list[leases.Holder]:
    """Return the runs that have been starting for too long: where the daemon was killed before it could take a lease.

    Most have one all the same. Under `dagster dev`, which launches runs in its own way, none has.
    """
    if os.environ.get("DAGSTER_IS_DEV_CLI"):
        return []
    starting = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING]))
    return [
        leases.Holder(run.run_id, "daemon", run.tags.get("dagster/partition"))
        for run in starting
        if time.time() - (instance.get_run_stats(run.run_id).launch_time or 0) > SECONDS_TO_TAKE_A_LEASE
    ]
