"""The processes that share a bulk load; with one job, just this one. What they do is folder.py's."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eurostat_assets import child_processes
from eurostat_assets.postgres import folder
from eurostat_assets.postgres.errors import FilesRefused
from eurostat_assets.postgres.folder import File, Share

if TYPE_CHECKING:
    import pyarrow as pa

SCAN = 1_000
"""Files whose footers a worker reads at a time."""
OnProgress = Callable[[int, int], None]


class Workers:
    """As many processes as there are jobs, fresh ones: a forked one would share this one's connections."""

    def __init__(self, pool: ProcessPoolExecutor | None, done: Any) -> None:
        self._pool = pool
        self._done = done

    @classmethod
    @contextmanager
    def of(cls, jobs: int) -> "Iterator[Workers]":
        if jobs == 1:
            yield cls(None, None)
            return
        context = get_context("spawn")
        done = context.Array("q", jobs, lock=False)
        with ProcessPoolExecutor(jobs, context, _prepare, (done,)) as pool:
            yield cls(pool, done)

    def describe(self, files: list[Path], schema: "pa.Schema") -> list[File]:
        """The footers of all files. Raises FilesRefused with the names of those of another schema."""
        parts = [files[first : first + SCAN] for first in range(0, len(files), SCAN)]
        map_all = self._pool.map if self._pool else map
        found: list[File] = []
        others: list[Path] = []
        for described, refused in map_all(folder.describe, parts, [schema] * len(parts)):
            found.extend(described)
            others.extend(refused)
        if others:
            raise FilesRefused(others, f"their schema is not that of {files[0]}")
        return found

    def load(self, shares: list[Share], on_progress: OnProgress | None) -> list[str]:
        """Load every share; returns the names of their tables, once all are whole."""
        total = sum(file.rows for share in shares for file in share.files)

        def report(done: int) -> None:
            if on_progress:
                on_progress(done, total)

        if self._pool is None:
            for share in shares:
                folder.load(share, report)
        else:
            self._load_together(self._pool, shares, report)
        return [share.child for share in shares]

    def _load_together(
        self, pool: ProcessPoolExecutor, shares: list[Share], report: Callable[[int], None]
    ) -> None:
        pending = {pool.submit(_load, n, share) for n, share in enumerate(shares)}
        try:
            while pending:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                report(sum(self._done))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


_done: Any = None
"""In a worker: where it tells how far it is."""


def _prepare(done: Any) -> None:
    global _done
    _done = done
    # The thread that starts the workers is the one that waits for them.
    child_processes.end_with_parent(kill=True)


def _load(n: int, share: Share) -> int:
    def tell(rows: int) -> None:
        _done[n] = rows

    return folder.load(share, tell)
