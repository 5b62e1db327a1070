"""Cells in any order, sorted by storage rank on disk: sorted runs, then one merge of all of them.

Memory: one run while writing (1 M cells, about 40 MB), one slice of every run while merging (4 M cells
together).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from eurostat_assets.jsonstat.order import Ranked

CELLS_PER_RUN = 1 << 19
CELLS_IN_MERGE = 1 << 18


def sorted_on_disk(blocks: Iterable[Ranked], folder: Path | None = None) -> Iterator[Ranked]:
    """The same cells by rank (equal ranks stay together), by way of a temporary file in `folder`."""
    with ExitStack() as closing:
        runs: list[_Run] = []
        for chunk in _chunks(blocks):
            spill = closing.enter_context(tempfile.TemporaryFile(dir=folder))
            runs.append(_Run(spill, chunk))
        yield from _merge(runs)


class _Run:
    """One sorted run on disk, read back slice by slice."""

    def __init__(self, spill: IO[bytes], cells: Ranked) -> None:
        order = np.argsort(cells.ranks, kind="stable")
        self._dtype = np.dtype([("rank", cells.ranks.dtype), ("payload", cells.payload.dtype)])
        packed = np.empty(len(order), self._dtype)
        packed["rank"], packed["payload"] = cells.ranks[order], cells.payload[order]
        packed.tofile(spill)
        spill.seek(0)
        self._spill = spill
        self.slice = packed[:0]

    def fill(self, count: int) -> bool:
        """Have a slice at hand; False at the end of the run."""
        if not len(self.slice):
            self.slice = np.frombuffer(self._spill.read(count * self._dtype.itemsize), self._dtype)
        return len(self.slice) > 0

    def take(self, reach: np.generic) -> np.ndarray:
        """Remove and return what is at hand up to rank `reach`."""
        cut = int(np.searchsorted(self.slice["rank"], reach, "right"))
        taken, self.slice = self.slice[:cut], self.slice[cut:]
        return taken


def _merge(runs: list[_Run]) -> Iterator[Ranked]:
    """All that lies below the smallest last rank at hand can be said to be complete."""
    at_hand = max(1024, CELLS_IN_MERGE // max(1, len(runs)))
    while runs := [run for run in runs if run.fill(at_hand)]:
        reach = min(run.slice["rank"][-1] for run in runs)
        cells = np.concatenate([run.take(reach) for run in runs])
        cells = cells[np.argsort(cells["rank"], kind="stable")]
        yield Ranked(np.ascontiguousarray(cells["rank"]), np.ascontiguousarray(cells["payload"]))


def _chunks(blocks: Iterable[Ranked]) -> Iterator[Ranked]:
    held: list[Ranked] = []
    for block in blocks:
        held.append(block)
        if sum(len(one.ranks) for one in held) >= CELLS_PER_RUN:
            yield _concatenated(held)
            held = []
    if held:
        yield _concatenated(held)


def _concatenated(blocks: list[Ranked]) -> Ranked:
    return Ranked(np.concatenate([b.ranks for b in blocks]), np.concatenate([b.payload for b in blocks]))
