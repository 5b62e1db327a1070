"""How a run of the daemon gets its process, and how Dagster knows whether it is alive.

A Dagster run launcher for runs of this platform on the daemon's own machine (`run_launcher` in dagster.yaml). Dagster's
default launcher cannot tell a run at work from one whose process was killed, so that such a run, and its dataset, would
wait for ever.
"""

from __future__ import annotations

import os
from functools import cache

from dagster import DagsterInstance, DefaultRunLauncher
from dagster._core.instance import InstanceRef
from dagster._core.launcher import LaunchRunContext
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.dagster_run import DagsterRun
from dagster._serdes import ConfigurableClassData

from eurostat_assets import postgres, resources, run_processes, settings
from eurostat_assets.postgres import leases

SECONDS_TO_START = 45
"""From the fork to the first sign of life of the run itself."""


class WarmRunLauncher(DefaultRunLauncher):
    """Launches each run in a process forked from a warm one; as Dagster does under `dagster dev`, where code changes."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._forks = run_processes.fork_server()
        self._first = True

    def launch_run(self, context: LaunchRunContext) -> None:
        if os.environ.get("DAGSTER_IS_DEV_CLI"):
            return super().launch_run(context)
        if self._first:
            run_processes.keep_connections(self._instance)  # the daemon's, whose instance this is
            self._first = False
        run = context.dagster_run
        holder = leases.Holder(run.run_id, "daemon", run.tags.get("dagster/partition"))
        # Ours until the fork has its own: the first one may wait long for the fork server's imports.
        lease = leases.Lease(_database(), holder, leases.TERMS, on_lost=lambda _why: None)
        try:
            self._forks.Process(target=work, args=(holder, self._instance.get_ref())).start()
        finally:
            lease.stop(SECONDS_TO_START)
        return None

    def terminate(self, run_id: str) -> bool:
        """Ask for the end of a run, from whatever machine: its own process looks for this every few seconds."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if leases.is_held(_database(), run_id) is None:
            return super().terminate(run_id)
        self._instance.report_run_canceling(run)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """By its lease alone, which every machine sees alike. A run without one is not ours: `dg launch`, say."""
        retry = settings.load().retry_after
        for dead in leases.expire(_database(), retry, run.run_id):
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, str(dead))
        if leases.is_held(_database(), run.run_id) is False:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its lease expired")
        return CheckRunHealthResult(WorkerStatus.RUNNING)


def work(holder: leases.Holder, instance: InstanceRef) -> None:
    """Execute a run of the daemon in this process; Dagster writes what happened into the run's log."""
    from dagster._cli.api import _execute_run_command_body

    with (
        DagsterInstance.from_ref(instance) as opened,
        run_processes.executing(settings.load(), opened, holder),
    ):
        _execute_run_command_body(holder.run_id, opened, lambda _event: None, set_exit_code_on_failure=False)


@cache
def _database() -> str:
    """The mirror's, with the table of leases: a run may be launched before anything else was done with it."""
    present = settings.load()
    url = resources.database_url(present, resources.MIRROR_DATABASE)
    postgres.migrate(url, resources.patience(present))
    return url
