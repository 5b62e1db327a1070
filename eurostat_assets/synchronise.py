"""Bringing many datasets up to date without the daemon: the job `mirror_dataset`, run in a few warm processes.

Here belong the choice of what is due, the order (biggest first) and the isolation of one dataset from the others.
"""

from __future__ import annotations

import multiprocessing
import queue
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from eurostat_assets import launcher, partitions, postgres, resources
from eurostat_assets.eurostat import NotAvailable, check_code
from eurostat_assets.settings import Settings, load
from eurostat_assets.sweeping import sweep


@dataclass(frozen=True)
class Due:
    """Datasets to mirror, biggest first, and how many of those asked for are current already."""

    codes: tuple[str, ...]
    unchanged: int


def due(settings: Settings, codes: Sequence[str] | None, *, force: bool = False) -> Due:
    """Which of `codes` (None: of the whole theme) have a release that is not published yet, after a look at Eurostat's whole
    inventory; all of them with `force`. What failed before is tried again at once.

    Starts the embedded server where it is used. Raises `MalformedCode` and `NotAvailable` for codes that are none or that
    Eurostat does not offer, `EurostatError` and `PostgresError` when one of both is down.
    """
    wanted = [check_code(code) for code in codes] if codes is not None else None
    launcher.start_databases(settings)
    mirror, eurostat = resources.Mirror(settings), resources.client(settings)
    entries, _ = sweep(eurostat, mirror)
    offered = {entry.code: entry.release for entry in entries if entry.release}
    if strangers := set(wanted or ()) - offered.keys():  # outside the theme: wanted for once
        inventory = eurostat.inventory()
        if missing := sorted(strangers - inventory.keys()):
            raise NotAvailable("Eurostat's inventory does not list this code", dataset=missing[0])
        postgres.record_offers(mirror.database, {code: inventory[code].release for code in strangers})
    states = postgres.states(mirror.database)
    chosen = wanted if wanted is not None else list(offered)
    stale = [code for code in chosen if force or states[code].behind]
    biggest_first = sorted(stale, key=lambda code: (-(states[code].offered_rows or 0), code))
    return Due(tuple(biggest_first), len(chosen) - len(stale))


def synchronise(
    settings: Settings, codes: Sequence[str], *, force: bool = False
) -> Iterator[tuple[str, str | None]]:
    """Mirror each dataset in a run of its own; yields (code, None or why it was not published) as they finish.

    One that fails, or whose process dies, does not touch the others.
    """
    if not codes:
        return
    import dagster as dg

    launcher.prepare_dagster(settings)
    with dg.DagsterInstance.get() as instance:
        partitions.add(instance, codes)
    database = resources.Mirror(settings).database
    workers: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    for _ in range(settings.parallel_runs):
        workers.put(_Worker())
    with ThreadPoolExecutor(settings.parallel_runs) as threads:
        runs = {threads.submit(_with_a_worker, workers, code, force): code for code in codes}
        for run in as_completed(runs):
            code, problem = runs[run], run.result()
            state = postgres.states(database)[code]
            if problem and not state.error:  # a killed process wrote nothing down
                postgres.record_failure(database, code, problem, retry=settings.retry_after)
            # Its run may have found that Eurostat is still preparing the answer: no failure, and no success.
            yield code, problem or (state.note if state.state in ("new", "stale") else None)
    while not workers.empty():
        workers.get().close()


class _Worker:
    """A warm process that mirrors one dataset after the other, and is replaced when it dies."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def mirror(self, code: str, force: bool) -> str | None:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        try:
            return self._pool.submit(mirror_one, code, force).result()
        except BrokenProcessPool:
            self.close()
            return f"{code}: the process that mirrored it was killed; run it again."

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown()
        self._pool = None


def _with_a_worker(workers: queue.SimpleQueue[_Worker], code: str, force: bool) -> str | None:
    worker = workers.get()
    try:
        return worker.mirror(code, force)
    finally:
        workers.put(worker)


def mirror_one(code: str, force: bool) -> str | None:
    """Run `mirror_dataset` for one partition in this process; returns why it failed, or None."""
    import dagster as dg

    from eurostat_assets.definitions import defs
    from eurostat_assets.failures import reason
    from eurostat_assets.sensors.endings import record_failed_run

    # Otherwise every run would print that the logging which dagster.yaml asks for is a beta feature.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    run_config = {
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        "ops": {"raw_json": {"config": {"force": force}}},
    }
    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def("mirror_dataset").execute_in_process(
            run_config=run_config, instance=instance, partition_key=code, raise_on_error=False
        )
    if result.success:
        return None
    record_failed_run(resources.Mirror(load()), code, result.all_events)
    return reason(result.all_events)
