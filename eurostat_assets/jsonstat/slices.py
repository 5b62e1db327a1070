"""The slices of one dataset, each a text with positions of its own, joined by code to the dataset they are of.

Eurostat divides what is too big for one extraction, and numbers the cells of each slice anew. Their flat indices are
taken to ranks of the joint cube; the cells of all slices are then sorted on disk, as those of one text whose cells are
in no order. So a cell that two slices hold is found like one that a text holds twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from math import prod
from pathlib import Path

import numpy as np
import pyarrow as pa

from eurostat_assets.jsonstat.cube import Integers, rank_shares
from eurostat_assets.jsonstat.dimensions import Dimension
from eurostat_assets.jsonstat.document import Cells, locate
from eurostat_assets.jsonstat.errors import JsonStatError, PartsDisagree
from eurostat_assets.jsonstat.flags import Statuses
from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.lanes import status_blocks, value_blocks
from eurostat_assets.jsonstat.order import Ranked, Rows, in_order, merged, ranked
from eurostat_assets.jsonstat.outline import Region
from eurostat_assets.jsonstat.reference import Block
from eurostat_assets.jsonstat.sort import sorted_on_disk
from eurostat_assets.jsonstat.source import Progress, Source, Text, raw_size
from eurostat_assets.jsonstat.stream import ObservationStream


def read_slices(
    sources: Sequence[Source], *, dataset: str | None, piece_size: int | None
) -> ObservationStream:
    """The dataset whose slices are in `sources`, see `read`. Raises `PartsDisagree`, any `JsonStatError`."""
    if not sources:
        raise ValueError("a dataset has one part at least")
    located = [locate(source, dataset) for source in sources]
    header = joined([header for header, _ in located])
    try:
        return SlicedObservations(header, sources, located, piece_size)
    except JsonStatError as bad:
        raise bad.within(header.dataset) from bad.__cause__


def joined(headers: Sequence[Header]) -> Header:
    """The header of the dataset whose slices have these. Raises `PartsDisagree`.

    Positions are in an order that none of the slices contradicts, where there is one.
    """
    first = headers[0]
    for number, header in enumerate(headers, start=1):
        for what, of in _COMMON.items():
            if of(header) != of(first):
                raise PartsDisagree(
                    f"part 1 has {of(first)!r} for its {what}, but part {number} has {of(header)!r}",
                    dataset=first.dataset,
                )
    return replace(
        first,
        dimensions=tuple(map(_joined_dimension, zip(*(one.dimensions for one in headers), strict=True))),
        status_labels=_joined_labels([one.status_labels for one in headers]),
    )


_COMMON: dict[str, Callable[[Header], object]] = {
    "code": lambda header: header.dataset,
    "language": lambda header: header.language,
    "UPDATE_DATA": lambda header: header.update_data,
    "UPDATE_STRUCTURE": lambda header: header.update_structure,
    "OBS_COUNT": lambda header: header.obs_count,
    "dimensions": lambda header: [one.id for one in header.dimensions],
}


class SlicedObservations(ObservationStream):
    """The observations of a dataset whose `header` was joined from those of its slices, as `located`."""

    def __init__(
        self,
        header: Header,
        sources: Sequence[Source],
        located: Sequence[tuple[Header, Cells]],
        piece_size: int | None,
    ) -> None:
        size = sum(cells.size for _, cells in located)
        super().__init__(header, size, sum(map(raw_size, sources)))
        shares = rank_shares([one.codes for one in header.dimensions])
        self._slices = [
            _Slice(source, *found, shares, self.cube.index_type, piece_size)
            for source, found in zip(sources, located, strict=True)
        ]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.batches(sort=True)

    def _rows(
        self,
        statuses: Statuses,
        sort: bool,  # noqa: ARG002 - slices are seldom in order among themselves, and seldom met at all
        scratch: Path | None,
        progress: Progress | None,
    ) -> Iterator[Rows]:
        def in_rank(member: str, cells: Iterable[Iterator[Ranked]]) -> Iterator[Ranked]:
            return in_order(sorted_on_disk(chain.from_iterable(cells), scratch), self.cube, member)

        values = (one.values(progress) for one in self._slices)
        flagged = (one.statuses(statuses, progress) for one in self._slices)
        yield from merged(in_rank("value", values), in_rank("status", flagged))


class _Slice:
    """One text, and the way from its flat indices to the ranks of the joint cube."""

    def __init__(
        self,
        source: Source,
        header: Header,
        cells: Cells,
        shares: Sequence[dict[str, int]],
        index_type: np.dtype,
        piece_size: int | None,
    ) -> None:
        self._source = source
        self._cells = cells
        self._piece_size = piece_size
        self._index_type = index_type
        codes = [one.codes for one in header.dimensions]
        self.size = prod(map(len, codes))
        stride = self.size
        self._steps: list[tuple[int, Integers]] = []
        for of_this, share in zip(codes, shares, strict=True) if self.size else ():
            stride //= len(of_this)
            self._steps.append((stride, np.array([share[code] for code in of_this], index_type)))

    def ranks(self, index: Integers, /) -> Integers:
        """The ranks in the joint cube of flat indices, which must lie within this one's."""
        total, rest = np.zeros(len(index), self._index_type), index
        for stride, table in self._steps:
            within = rest // stride
            rest = rest - within * stride
            total += table[within]
        return total

    def values(self, progress: Progress | None) -> Iterator[Ranked]:
        return self._ranked(self._cells.value, "value", value_blocks, progress)

    def statuses(self, statuses: Statuses, progress: Progress | None) -> Iterator[Ranked]:
        status = self._cells.status
        if isinstance(status, Region):
            yield from self._ranked(status, "status", partial(status_blocks, statuses=statuses), progress)
        elif status:  # one for every value
            number = statuses.number(status)
            for block in self.values(None):
                ranks = block.ranks[~np.isnan(block.payload)]
                yield Ranked(ranks, np.full(len(ranks), number, np.int16))

    def _ranked(
        self,
        region: Region,
        member: str,
        blocks_of: Callable[..., Iterator[Block]],
        progress: Progress | None,
    ) -> Iterator[Ranked]:
        with Text(self._source, region.start, region.end, progress) as text:
            blocks = blocks_of(text, is_array=region.is_array, piece_size=self._piece_size)
            yield from ranked(blocks, self, member, is_array=region.is_array)


def _joined_dimension(parts: Sequence[Dimension]) -> Dimension:
    codes = _joined_order([one.codes for one in parts])
    labels = _joined_labels([one.labels for one in parts])
    return replace(parts[0], codes=codes, labels=labels)


def _joined_labels(parts: Sequence[dict[str, str]]) -> dict[str, str]:
    labels = {code: label for part in reversed(parts) for code, label in part.items()}
    return {code: labels[code] for code in _joined_order(parts)}


def _joined_order(orders: Sequence[Iterable[str]]) -> tuple[str, ...]:
    """All codes once. What only a later part has stands before what follows it there, or at the end."""
    known: set[str] = set()
    at_end: list[str] = []
    before: dict[str, list[str]] = {}
    for order in orders:
        new: list[str] = []
        for code in order:
            if code not in known:
                new.append(code)
            elif new:
                before.setdefault(code, []).extend(new)
                known.update(new)
                new = []
        at_end += new
        known.update(new)
    joint: list[str] = []
    waiting = at_end[::-1]
    while waiting:
        code = waiting.pop()
        if first := before.pop(code, None):
            waiting += [code, *reversed(first)]
        else:
            joint.append(code)
    return tuple(joint)
