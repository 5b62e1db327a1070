"""The process that executes a run: forked from one that has imported everything, it holds the run's lease while it works.

Here belongs what is the same for a run of the daemon (warmruns.py) and one of a command (command_runs.py): the fork server,
and how a run's process ends: with its parent, when it is cancelled, when its lease is lost. Starting Python and importing
Dagster costs a second of processor time; with 490 datasets, that is most of what Dagster costs.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.context import ForkServerContext

from dagster import DagsterInstance, DagsterRunStatus

from eurostat_assets import child_processes, resources
from eurostat_assets.postgres import leases
from eurostat_assets.settings import Settings

log = logging.getLogger(__name__)

PRELOADED = ["__main__", "eurostat_assets.preloaded"]
SECONDS_BETWEEN_LOOKS = 2.0
SECONDS_TO_END = 8.0
"""What a run that is interrupted may take to write that down, before its process ends without."""


def fork_server() -> ForkServerContext:
    """Where to start the processes of runs."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(PRELOADED)
    return forks


@contextmanager
def executing(settings: Settings, instance: DagsterInstance, holder: leases.Holder) -> Iterator[None]:
    """Around the execution of a run, in the main thread of a process of its own.

    The lease is given back when Dagster knows how the run ended, and else left to expire: so every run ends in Dagster.
    Raises RunIsDead, DatabaseUnavailable.
    """
    from dagster._utils.interrupts import capture_interrupts

    os.setsid()  # Ctrl-C at the launcher is not meant for a run in the midst of its work
    child_processes.end_with_parent(kill=True)
    child_processes.end_soon_after_interrupt(SECONDS_TO_END)
    with capture_interrupts():
        keep_connections(instance)
        url = resources.database_url(settings, resources.MIRROR_DATABASE)
        lease = leases.Lease(url, holder, leases.TERMS, lambda why: _interrupt(instance, holder.run_id, why))
        ended = threading.Event()
        watcher = threading.Thread(
            target=_interrupt_if_cancelled, args=(instance, holder.run_id, ended), daemon=True
        )
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
            lease.stop()
            run = instance.get_run_by_id(holder.run_id)
            if run is None or run.is_finished:
                lease.release()


def keep_connections(instance: DagsterInstance) -> None:
    """Let a process keep its connections to Dagster's storage, as Dagster does for its webserver only.

    Else it connects anew for each statement: more than a hundred times in a run, which is half of what a run costs.
    """
    instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=10)


def _interrupt_if_cancelled(instance: DagsterInstance, run_id: str, ended: threading.Event) -> None:
    while not ended.wait(SECONDS_BETWEEN_LOOKS):
        try:
            run = instance.get_run_by_id(run_id)
        except Exception as error:  # noqa: BLE001 (of many kinds: whatever it is, the next look may succeed)
            log.warning("Whether run %s is cancelled could not be seen: %s", run_id, error)
            continue
        if run is not None and run.status in (DagsterRunStatus.CANCELING, DagsterRunStatus.CANCELED):
            os.kill(os.getpid(), signal.SIGINT)
            return


def _interrupt(instance: DagsterInstance, run_id: str, why: str) -> None:
    """The lease is lost: end this process, whatever it is doing."""
    log.error("Run %s gives up: %s", run_id, why)
    os.kill(os.getpid(), signal.SIGINT)  # first, as Dagster's database may not answer
    with suppress(Exception):
        run = instance.get_run_by_id(run_id)
        if run is not None:
            instance.report_engine_event(f"This run gives up: {why}.", run)
