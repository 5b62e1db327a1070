"""Runs of `sync` and `audit --repair`: the job `mirror_dataset` without the daemon, several at a time, stopped together.

Each dataset has a run and a process of its own, so that one that fails, or whose process dies, does not touch the others.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

import dagster as dg
from dagster._core.instance import InstanceRef
from dagster._core.utils import make_new_run_id

from eurostat_assets import partitions, postgres, resources, run_processes
from eurostat_assets.dead_runs import fail_dead_runs
from eurostat_assets.postgres import leases
from eurostat_assets.settings import Settings

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 10.0
SECONDS_BETWEEN_PINGS = 2.0
MOST_MISSED = 2
"""So many times in a row the database may not answer before the command ends, without its runs: within 10 seconds."""
SECONDS_TO_STOP = 9.0
"""What a command has to end after Ctrl-C or TERM, whatever hangs."""
SECONDS_TO_CANCEL = 5.0
"""What its runs have of that to write down that they were cancelled; then they are killed."""
KILLED = "the process that mirrored it was killed; run it again"


@dataclass(frozen=True)
class Request:
    """A run of `mirror_dataset` to execute; `assets` None: all of it."""

    dataset: str
    kind: leases.Kind
    tags: Mapping[str, str] = field(default_factory=dict)
    ops: Mapping[str, Any] = field(default_factory=dict)
    assets: Sequence[str] | None = None
    run_id: str = field(default_factory=make_new_run_id)


@dataclass(frozen=True)
class _AtWork:
    request: Request
    process: BaseProcess


def execute(
    settings: Settings, instance: dg.DagsterInstance, requests: Sequence[Request], at_once: int
) -> Generator[tuple[str, str | None], None, None]:
    """Execute so many at once; yields (dataset, None or why it failed) as they finish.

    When the generator is closed, or interrupted by Ctrl-C or TERM, what waits is dropped, runs at work are cancelled in
    Dagster, and their processes have ended when it returns, within some 8 seconds. Raises DatabaseUnavailable, within 10
    seconds, when the database has gone; its runs' processes have been killed then, and their leases expire.
    """
    mirror = resources.Mirror(settings)
    forks = run_processes.fork_server()
    waiting, at_work = deque(requests), dict[Connection, _AtWork]()
    partitions.add(instance, [request.dataset for request in requests])
    looked, missed = -SECONDS_BETWEEN_LOOKS, 0
    try:
        while waiting or at_work:
            if time.monotonic() - looked > SECONDS_BETWEEN_LOOKS:
                looked = time.monotonic()
                fail_dead_runs(instance, mirror)
            while waiting and len(at_work) < at_once:
                answer, started = _start(forks, settings, instance, waiting.popleft())
                at_work[answer] = started
            for answer in (done := wait(list(at_work), timeout=SECONDS_BETWEEN_PINGS)):
                assert isinstance(answer, Connection)
                ended = at_work.pop(answer)
                yield ended.request.dataset, _outcome(instance, mirror, ended, answer)
            missed = 0 if done else _missed(mirror, missed)
    except postgres.PostgresError:
        raise
    except Exception:
        postgres.must_answer(mirror.database)  # else that is why, whatever Dagster says of it
        raise
    finally:
        _stop(instance, mirror, list(at_work.values()))


def _start(
    forks: ForkServerContext,
    settings: Settings,
    instance: dg.DagsterInstance,
    request: Request,
) -> tuple[Connection, _AtWork]:
    answer, sender = forks.Pipe(duplex=False)
    process = forks.Process(target=_work, args=(sender, settings, instance.get_ref(), request), daemon=True)
    process.start()
    sender.close()  # the child's alone: its end is then seen here
    return answer, _AtWork(request, process)


def _outcome(
    instance: dg.DagsterInstance, mirror: resources.Mirror, ended: _AtWork, answer: Connection
) -> str | None:
    """Why a run that ended did not succeed, None where it did."""
    try:
        return answer.recv()
    except EOFError:  # the process died before it could say anything
        pass
    finally:
        answer.close()
        ended.process.join()
    dataset, problem = ended.request.dataset, f"{ended.request.dataset}: {KILLED}."
    # Not to wait for its lease to expire: that its process is gone is known here.
    if not leases.expire(mirror.database, mirror.settings.retry_after, ended.request.run_id, certain=True):
        postgres.record_failure(mirror.database, dataset, problem, retry=mirror.settings.retry_after)
    fail_dead_runs(instance, mirror)
    return problem


def _missed(mirror: resources.Mirror, before: int) -> int:
    """How many times in a row the database has not answered by now. Raises DatabaseUnavailable after too many."""
    try:
        postgres.must_answer(mirror.database)
    except postgres.DatabaseUnavailable:
        if before + 1 >= MOST_MISSED:
            raise
        return before + 1
    return 0


def _stop(instance: dg.DagsterInstance, mirror: resources.Mirror, at_work: Sequence[_AtWork]) -> None:
    """Cancel these runs and end their processes; only that where nothing can be written down."""
    if not at_work:
        return
    try:
        postgres.must_answer(mirror.database)
    except postgres.DatabaseUnavailable:
        for one in at_work:
            one.process.kill()
            one.process.join()
        return
    story = "The command that this run belongs to was stopped."
    for run in instance.get_runs(dg.RunsFilter(run_ids=[one.request.run_id for one in at_work])):
        if not run.is_finished:
            instance.report_run_canceling(run, story)  # its process looks for this
    deadline = time.monotonic() + SECONDS_TO_CANCEL
    for one in at_work:
        one.process.join(max(0, deadline - time.monotonic()))
        one.process.kill()
        one.process.join()
        run = instance.get_run_by_id(one.request.run_id)
        if run and not run.is_finished:
            instance.report_run_canceled(run, story)
            leases.drop(mirror.database, run.run_id)


def _work(sender: Connection, settings: Settings, instance: InstanceRef, request: Request) -> None:
    """In the child: execute the run and send why it failed, or None; nothing where that could not be found out."""
    try:
        _execute(sender, settings, instance, request)
    except Exception as error:  # noqa: BLE001 (a database that went away, mostly; the parent records that the run ended)
        log.error("%s: its run ended: %s", request.dataset, str(error).partition("\n")[0])


def _execute(sender: Connection, settings: Settings, instance: InstanceRef, request: Request) -> None:
    from eurostat_assets.definitions import build
    from eurostat_assets.failures import reason, superseded
    from eurostat_assets.sensors.endings import record_failed_run

    # Otherwise every run would print that the logging which dagster.yaml asks for is a beta feature.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    holder = leases.Holder(request.run_id, request.kind, request.dataset)
    job = build(settings).resolve_job_def("mirror_dataset")
    with (
        dg.DagsterInstance.from_ref(instance) as opened,
        run_processes.executing(settings, opened, holder),
    ):
        result = job.execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, "ops": request.ops},
            instance=opened,
            partition_key=request.dataset,
            asset_selection=[dg.AssetKey(asset) for asset in request.assets] if request.assets else None,
            run_id=request.run_id,
            tags=dict(request.tags),
            raise_on_error=False,
        )
        done = result.success or superseded(result.all_events)
        problem = None if done else reason(result.all_events)
        run = opened.get_run_by_id(request.run_id)
        # One that was cancelled says nothing about its dataset; nor does a repair, of what was published before.
        if run and run.status == dg.DagsterRunStatus.FAILURE and request.kind == "sync":
            record_failed_run(resources.Mirror(settings), request.dataset, result.all_events)
    sender.send(problem)
