"""The observations of a dataset as a stream: text → cells → rows in storage order → Arrow record batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from eurostat_assets.jsonstat.columns import Columns
from eurostat_assets.jsonstat.cube import Cube
from eurostat_assets.jsonstat.document import Cells, locate
from eurostat_assets.jsonstat.errors import JsonStatError
from eurostat_assets.jsonstat.flags import Statuses
from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.lanes import PIECE, status_blocks, value_blocks
from eurostat_assets.jsonstat.order import OutOfOrder, Ranked, Rows, in_order, merged, ranked
from eurostat_assets.jsonstat.outline import Region
from eurostat_assets.jsonstat.reference import Block
from eurostat_assets.jsonstat.schema import observation_schema
from eurostat_assets.jsonstat.sort import sorted_on_disk
from eurostat_assets.jsonstat.source import Progress, Source, Text


def read(source: Source, *, dataset: str | None = None, piece_size: int | None = PIECE) -> Observations:
    """The JSON-stat dataset in `source` (plain, gzip or zstd), ready to be iterated as Arrow record batches.

    One row is one observation: a cell that has a value or a status. Rows come sorted by their codes, in the
    order of the dimensions, in batches of some ten thousand with the observation schema (see schema.py). Each
    iteration reads the source anew, in bounded memory (about 60 MB beside numpy and pyarrow, whatever the
    size); cells that are not in Eurostat's order are sorted in a temporary file first.

    `dataset` chooses from a text with several, see `read_header`. `piece_size` is how many bytes of cells are
    decoded at once; None leaves all of them to the reference lane: the same rows, slowly, for comparison.

    Raises `JsonStatError`: what concerns the description of the cube here, what concerns a cell while iterating.
    """
    header, cells = locate(source, dataset)
    try:
        return Observations(source, header, cells, piece_size)
    except JsonStatError as bad:
        raise bad.within(header.dataset) from bad.__cause__


class Observations:
    """The observations of one dataset. `header`: all but the cells; `schema`: the columns and what they mean."""

    def __init__(self, source: Source, header: Header, cells: Cells, piece_size: int | None = PIECE) -> None:
        self.source = source
        self.header = header
        self.schema = observation_schema(header)
        self.cube = Cube([one.codes for one in header.dimensions])
        self._cells = cells
        self._piece_size = piece_size

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.batches(sort=not self._in_order)

    @cached_property
    def _in_order(self) -> bool:
        """Only the last cell can tell, and rows handed out cannot be taken back: hence a pass before the first."""
        try:
            for _ in self._rows(Statuses(self.header.status_labels), sort=False):
                pass
        except OutOfOrder:
            return False
        return True

    def batches(
        self,
        *,
        sort: bool,
        scratch: Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """One pass over the source, sorting the cells (in a temporary file in the folder `scratch`) first if `sort`.

        If not, raises `OutOfOrder` at a cell that comes too late: the batches before it are then worth nothing.
        """
        statuses = Statuses(self.header.status_labels)
        columns = Columns(self.header, self.schema, self.cube, statuses)
        progress = Progress(on_progress, self._cells.size) if on_progress else None
        for rows in self._rows(statuses, sort=sort, scratch=scratch, progress=progress):
            yield columns.batch(rows)

    def _rows(
        self,
        statuses: Statuses,
        *,
        sort: bool,
        scratch: Path | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Rows]:
        def in_rank(
            region: Region, member: str, blocks_of: Callable[..., Iterator[Block]]
        ) -> Iterator[Ranked]:
            text = closing.enter_context(Text(self.source, region.start, region.end, progress))
            blocks = blocks_of(text, is_array=region.is_array, piece_size=self._piece_size)
            cells = ranked(blocks, self.cube, member, is_array=region.is_array)
            return in_order(sorted_on_disk(cells, scratch) if sort else cells, self.cube, member)

        try:
            with ExitStack() as closing:
                values = in_rank(self._cells.value, "value", value_blocks)
                if isinstance(self._cells.status, Region):
                    decode = partial(status_blocks, statuses=statuses)
                    yield from merged(values, in_rank(self._cells.status, "status", decode))
                else:  # one status for every value, or none
                    number = statuses.number(self._cells.status or "")
                    for rows in merged(values, iter(())):
                        yield rows._replace(statuses=np.full(len(rows.ranks), number, np.int16))
        except JsonStatError as bad:
            raise bad.within(self.header.dataset) from bad.__cause__
