"""How a run gets its process: forked from one that has imported everything already, and known to be dead when it is.

A Dagster run launcher for runs of this platform on the daemon's own machine (`run_launcher` in dagster.yaml). Starting
Python and importing Dagster costs a second of processor time; with 490 datasets, that is most of what Dagster costs.
Dagster's default launcher, besides, cannot tell a run at work from one whose process was killed, so that such a run, and
its dataset, would wait for ever.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import threading

import psutil
from dagster import DagsterInstance, DagsterRunStatus, DefaultRunLauncher
from dagster._core.instance import InstanceRef
from dagster._core.launcher import LaunchRunContext
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.dagster_run import DagsterRun
from dagster._serdes import ConfigurableClassData

PROCESS = "eurostat/process"
PRELOADED = ["__main__", "eurostat_assets.preloaded"]
SECONDS_BETWEEN_LOOKS = 3.0


class WarmRunLauncher(DefaultRunLauncher):
    """Launches each run in a process forked from a warm one; as Dagster does under `dagster dev`, where code changes."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(PRELOADED)
        self._first = True

    def launch_run(self, context: LaunchRunContext) -> None:
        if os.environ.get("DAGSTER_IS_DEV_CLI"):
            return super().launch_run(context)
        if self._first:
            keep_connections(self._instance)  # the daemon's, whose instance this is
            self._first = False
        run_id = context.dagster_run.run_id
        process = self._forks.Process(target=work, args=(run_id, self._instance.get_ref()))
        process.start()
        self._instance.add_run_tags(run_id, {PROCESS: _identity(process.pid)})
        return None

    def terminate(self, run_id: str) -> bool:
        """Ask for the end of a run, from whatever machine: its own process looks for this every few seconds."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if PROCESS not in run.tags:
            return super().terminate(run_id)
        self._instance.report_run_canceling(run)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        said = json.loads(run.tags.get(PROCESS, "null"))
        if said is None or (said and said == json.loads(_identity(said["pid"]))):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.NOT_FOUND, "its process is gone: killed, or the machine went down"
        )


def work(run_id: str, instance: InstanceRef) -> None:
    """Execute a run in this process. Never raises: Dagster writes what happened into the run's log."""
    from dagster._cli.api import _execute_run_command_body
    from dagster._utils.interrupts import capture_interrupts

    os.setsid()  # Ctrl-C at the launcher is not meant for a run in the midst of its work
    with DagsterInstance.from_ref(instance) as opened, capture_interrupts():
        keep_connections(opened)
        ended = threading.Event()
        watcher = threading.Thread(target=_interrupt_if_cancelled, args=(opened, run_id, ended), daemon=True)
        watcher.start()
        _execute_run_command_body(run_id, opened, lambda _event: None, set_exit_code_on_failure=False)
        ended.set()
        watcher.join()


def keep_connections(instance: DagsterInstance) -> None:
    """Let a process keep its connections to Dagster's storage, as Dagster does for its webserver only.

    Else it connects anew for each statement: more than a hundred times in a run, which is half of what a run costs.
    """
    instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=10)


def _interrupt_if_cancelled(instance: DagsterInstance, run_id: str, ended: threading.Event) -> None:
    while not ended.wait(SECONDS_BETWEEN_LOOKS):
        run = instance.get_run_by_id(run_id)
        if run is None or run.status in (DagsterRunStatus.CANCELING, DagsterRunStatus.CANCELED):
            os.kill(os.getpid(), signal.SIGINT)
            return


def _identity(pid: int | None) -> str:
    """What tells a process from all others, of this machine and since it was started, as JSON; `{}` of one that is gone."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return "{}"
        return json.dumps(
            {"host": socket.gethostname(), "pid": pid, "started": round(process.create_time(), 2)}
        )
    except psutil.NoSuchProcess:
        return "{}"
