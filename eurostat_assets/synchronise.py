"""Bringing many datasets up to date without the daemon: the job `mirror_dataset`, run in a few warm processes.

Here belong the choice of what is due, the order (biggest first) and the isolation of one dataset from the others.
"""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from eurostat_assets import launcher, partitions, postgres, resources
from eurostat_assets.eurostat import InventoryEntry, NotAvailable, Release, check_code
from eurostat_assets.settings import Settings


@dataclass(frozen=True)
class Due:
    """Datasets to mirror, biggest first, and how many of those asked for are current already."""

    codes: tuple[str, ...]
    unchanged: int


def due(settings: Settings, codes: Sequence[str] | None, *, force: bool = False) -> Due:
    """Which of `codes` (None: of the whole theme) have a release that is not published yet; all of them with `force`.

    Starts the embedded server where it is used. Raises `MalformedCode` and `NotAvailable` for codes that are none or that
    Eurostat does not offer, `EurostatError` and `PostgresError` when one of both is down.
    """
    wanted = [check_code(code) for code in codes] if codes is not None else None
    launcher.start_databases(settings)
    mirror, eurostat = resources.Mirror(settings), resources.client(settings)
    inventory = eurostat.inventory()
    sizes = {entry.code: entry.values or 0 for entry in mirror.theme.select(eurostat.toc(), inventory)}
    for code in wanted or ():
        if code not in inventory:
            raise NotAvailable("Eurostat's inventory does not list this code", dataset=code)
    chosen = wanted if wanted is not None else list(sizes)
    ours = {code: state.release for code, state in postgres.published(mirror.database).items()}
    stale = [code for code in chosen if force or _newer(inventory, code, ours.get(code))]
    return Due(tuple(sorted(stale, key=lambda code: -sizes.get(code, 0))), len(chosen) - len(stale))


def synchronise(settings: Settings, codes: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Mirror each dataset in a run of its own; yields (code, None or why it failed) as they finish.

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
        runs = {threads.submit(_with_a_worker, workers, code): code for code in codes}
        for run in as_completed(runs):
            code, problem = runs[run], run.result()
            if problem:
                postgres.record_failure(database, code, problem)
            yield code, problem
    while not workers.empty():
        workers.get().close()


class _Worker:
    """A warm process that mirrors one dataset after the other, and is replaced when it dies."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def mirror(self, code: str) -> str | None:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        try:
            return self._pool.submit(mirror_one, code).result()
        except BrokenProcessPool:
            self.close()
            return f"{code}: the process that mirrored it was killed; run it again."

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown()
        self._pool = None


def _with_a_worker(workers: queue.SimpleQueue[_Worker], code: str) -> str | None:
    worker = workers.get()
    try:
        return worker.mirror(code)
    finally:
        workers.put(worker)


def mirror_one(code: str) -> str | None:
    """Run `mirror_dataset` for one partition in this process; returns why it failed, or None."""
    import dagster as dg

    from eurostat_assets.definitions import defs
    from eurostat_assets.failures import reason

    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def("mirror_dataset").execute_in_process(
            run_config=quiet, instance=instance, partition_key=code, raise_on_error=False
        )
    return None if result.success else reason(result.all_events)


def _newer(inventory: Mapping[str, InventoryEntry], code: str, ours: str | None) -> bool:
    return code in inventory and inventory[code].release.newer_than(Release.parse(ours) if ours else None)
