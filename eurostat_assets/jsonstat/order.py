"""Two streams of cells, `value` and `status`, into one stream of rows in storage rank. Nothing is held but two
blocks.

In Eurostat's responses both members are already in that order. Where one is not (a file that passed through
another tool), `OutOfOrder` says so and the streams go through `sort.py` first. Strictly increasing ranks also
prove, for nothing, that no cell occurs twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from eurostat_assets.jsonstat.cube import Cube, Ranking
from eurostat_assets.jsonstat.errors import BadPosition, BadStructure, DuplicateCell


class Ranked(NamedTuple):
    """Cells of one member: storage ranks, and for each the value (NaN: null) or status number (0: none)."""

    ranks: np.ndarray
    payload: np.ndarray


class Rows(NamedTuple):
    """Observations, in strictly increasing storage rank: `values` is NaN and `statuses` 0 where there is none."""

    ranks: np.ndarray
    values: np.ndarray
    statuses: np.ndarray


class OutOfOrder(Exception):
    """The cells are not in storage order."""


def ranked(
    blocks: Iterable[tuple[np.ndarray, np.ndarray]], cube: Ranking, member: str, *, is_array: bool
) -> Iterator[Ranked]:
    """The blocks with storage ranks for flat indices, in whatever order they come.

    Raises `BadPosition`, and `BadStructure` for an array that does not have one element per cell."""
    count = 0
    for index, payload in blocks:
        if len(index) and int(index.max()) >= cube.size:
            outside = int(index[index >= cube.size][0])
            raise BadPosition(f"outside the cube of {cube.size} cells", member=member, position=outside)
        count += len(index)
        yield Ranked(cube.ranks(index), payload)
    if is_array and count < cube.size:
        raise BadStructure(f"{count} elements, but the cube has {cube.size} cells", member=member)


def in_order(blocks: Iterable[Ranked], cube: Cube, member: str) -> Iterator[Ranked]:
    """The same blocks, each checked to go on where the last one stopped. Raises `OutOfOrder`, `DuplicateCell`."""
    last = -1
    for block in blocks:
        if not len(block.ranks):
            continue
        if int(block.ranks[0]) <= last or not (block.ranks[1:] > block.ranks[:-1]).all():
            _explain(np.concatenate([[last], block.ranks.astype(np.int64)]), cube, member)
        last = int(block.ranks[-1])
        yield block


def _explain(ranks: np.ndarray, cube: Cube, member: str) -> None:
    at = int(np.flatnonzero(ranks[1:] <= ranks[:-1])[0])
    if ranks[at] == ranks[at + 1]:
        position = int(cube.indices(ranks[at : at + 1])[0])
        raise DuplicateCell(
            "occurs twice, and it cannot be known which is meant", member=member, position=position
        )
    raise OutOfOrder


def merged(values: Iterator[Ranked], statuses: Iterator[Ranked]) -> Iterator[Rows]:
    """One row per cell that has a value or a status. Both streams must be in order."""
    value, status = next(values, None), next(statuses, None)
    while value is not None or status is not None:
        reach = min(int(block.ranks[-1]) for block in (value, status) if block is not None)
        now_values, value = _split(value, reach, values)
        now_statuses, status = _split(status, reach, statuses)
        rows = observed(_joined(now_values, now_statuses))
        if len(rows.ranks):
            yield rows


def _split(block: Ranked | None, reach: int, more: Iterator[Ranked]) -> tuple[Ranked, Ranked | None]:
    """The cells up to rank `reach`, and what is left (or the next block)."""
    if block is None:
        return Ranked(np.empty(0, np.int64), np.empty(0, np.int64)), None
    if int(block.ranks[-1]) <= reach:
        return block, next(more, None)
    cut = int(np.searchsorted(block.ranks, block.ranks.dtype.type(reach), "right"))
    return Ranked(block.ranks[:cut], block.payload[:cut]), Ranked(block.ranks[cut:], block.payload[cut:])


def _joined(value: Ranked, status: Ranked) -> Rows:
    if not len(value.ranks):
        return Rows(status.ranks, np.full(len(status.ranks), np.nan), status.payload)
    statuses = np.zeros(len(value.ranks), np.int16)
    ranks, values = value.ranks, value.payload
    if len(status.ranks):
        places = np.searchsorted(ranks, status.ranks)
        alone = ranks[np.minimum(places, len(ranks) - 1)] != status.ranks
        statuses[places[~alone]] = status.payload[~alone]
        if alone.any():
            ranks = np.insert(ranks, places[alone], status.ranks[alone])
            values = np.insert(values, places[alone], np.nan)
            statuses = np.insert(statuses, places[alone], status.payload[alone])
    return Rows(ranks, values, statuses)


def observed(rows: Rows) -> Rows:
    """Without the cells that have neither: a null in `value` is as good as no cell."""
    empty = np.isnan(rows.values) & (rows.statuses == 0)
    return Rows(*(column[~empty] for column in rows)) if empty.any() else rows
