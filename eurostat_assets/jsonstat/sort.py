"""Cells in any order, sorted by storage rank on disk: sorted runs, then one merge of all of them.

Memory: one run while writing (half a million cells); a slice of every run while merging (together as many). Disk:
twelve to sixteen bytes per cell, in one nameless temporary file that no crash can leave behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from eurostat_assets.jsonstat.order import Ranked

CELLS_PER_RUN = 1 << 19
CELLS_IN_MERGE = 1 << 19


def sorted_on_disk(blocks: Iterable[Ranked], folder: Path | None = None) -> Iterator[Ranked]:
    """The same cells by ascending rank, by way of a temporary file in `folder` (None: where the system has them).

    Cells of equal rank stay beside each other, for whoever counts that as an error.
    """
    with tempfile.TemporaryFile(dir=folder) as spill:
        runs = [_Run(spill, cells) for cells in _gathered(blocks)]
        yield from _merged(runs)


class _Run:
    """A sorted run on disk. At hand is a `slice` of it, with ranks from `first` to `last`."""

    def __init__(self, spill: IO[bytes], cells: Ranked) -> None:
        order = np.argsort(cells.ranks, kind="stable")
        packed = np.empty(len(order), [("rank", cells.ranks.dtype), ("payload", cells.payload.dtype)])
        packed["rank"], packed["payload"] = cells.ranks[order], cells.payload[order]
        self._spill = spill
        self._at = spill.tell()
        spill.write(packed.data)
        self._end = spill.tell()
        self.slice = np.empty(0, packed.dtype)
        self.first = self.last = -1

    def fill(self, count: int) -> bool:
        """Have about `count` cells at hand; False at the end of the run."""
        if len(self.slice) < count // 2 and self._at < self._end:
            self._spill.seek(self._at)
            size = min(count * self.slice.itemsize, self._end - self._at)
            more = np.frombuffer(self._spill.read(size), self.slice.dtype)
            self._at += size
            self._have(np.concatenate([self.slice, more]))
        return len(self.slice) > 0

    def take(self, reach: int) -> np.ndarray:
        """Remove and return what is at hand up to rank `reach`."""
        ranks = self.slice["rank"]
        cut = int(np.searchsorted(ranks, ranks.dtype.type(reach), "right"))
        taken = self.slice[:cut]
        self._have(self.slice[cut:])
        return taken

    def _have(self, cells: np.ndarray) -> None:
        self.slice = cells
        if len(cells):
            self.first, self.last = int(cells["rank"][0]), int(cells["rank"][-1])


def _merged(runs: list[_Run]) -> Iterator[Ranked]:
    """Up to the smallest of the last ranks at hand, every cell there is is at hand."""
    at_hand = max(1024, CELLS_IN_MERGE // max(1, len(runs)))
    while runs := [run for run in runs if run.fill(at_hand)]:
        reach = min(run.last for run in runs)
        cells = np.concatenate([run.take(reach) for run in runs if run.first <= reach])
        cells = cells[np.argsort(cells["rank"], kind="stable")]
        yield Ranked(np.ascontiguousarray(cells["rank"]), np.ascontiguousarray(cells["payload"]))


def _gathered(blocks: Iterable[Ranked]) -> Iterator[Ranked]:
    """The blocks joined to as many cells as make a run."""
    held: list[Ranked] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block.ranks)
        if count >= CELLS_PER_RUN:
            yield _joined(held)
            held, count = [], 0
    if held:
        yield _joined(held)


def _joined(blocks: list[Ranked]) -> Ranked:
    return Ranked(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))
