"""The observations of one JSON-stat text as a stream: text → cells → rows in storage order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from eurostat_assets.jsonstat.document import Cells, locate
from eurostat_assets.jsonstat.errors import JsonStatError
from eurostat_assets.jsonstat.flags import Statuses
from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.lanes import PIECE, status_blocks, value_blocks
from eurostat_assets.jsonstat.order import Ranked, Rows, in_order, merged, ranked
from eurostat_assets.jsonstat.outline import Region
from eurostat_assets.jsonstat.reference import Block
from eurostat_assets.jsonstat.sort import sorted_on_disk
from eurostat_assets.jsonstat.source import Progress, Source, Text
from eurostat_assets.jsonstat.stream import ObservationStream


def read(
    source: Source | Sequence[Source], *, dataset: str | None = None, piece_size: int | None = PIECE
) -> ObservationStream:
    """The JSON-stat dataset in `source` (plain, gzip or zstd), ready to be iterated as Arrow record batches.

    One row is one observation: a cell that has a value or a status. Rows come sorted by their codes, in the
    order of the dimensions, in batches of some ten thousand with the observation schema (see schema.py). Each
    iteration reads the source anew, in bounded memory (about 60 MB beside numpy and pyarrow, whatever the
    size); cells that are not in Eurostat's order are sorted in a temporary file first.

    Several sources are the parts of one dataset: texts with some of its positions each (slices.py), or a text
    without cells and the cells as SDMX-CSV (sdmxcsv.py). The rows are those of the undivided dataset.

    `dataset` chooses from a text with several, see `read_header`. `piece_size` is how many bytes of cells are
    decoded at once; None leaves all of them to the reference lane: the same rows, slowly, for comparison.

    Raises `JsonStatError`: what concerns the description of the cube here, what concerns a cell while iterating.
    """
    if isinstance(source, Sequence):
        if len(source) != 1:
            return _read_parts(source, dataset, piece_size)
        [source] = source
    header, cells = locate(source, dataset)
    try:
        return Observations(source, header, cells, piece_size)
    except JsonStatError as bad:
        raise bad.within(header.dataset) from bad.__cause__


def _read_parts(parts: Sequence[Source], dataset: str | None, piece_size: int | None) -> ObservationStream:
    from eurostat_assets.jsonstat.sdmxcsv import read_outlined
    from eurostat_assets.jsonstat.slices import read_slices
    from eurostat_assets.jsonstat.table import is_sdmx_csv

    if len(parts) == 2 and is_sdmx_csv(parts[1]):
        return read_outlined(*parts, dataset=dataset)
    return read_slices(parts, dataset=dataset, piece_size=piece_size)


class Observations(ObservationStream):
    """The observations of the dataset whose `header` and `cells` are in the text `source`."""

    def __init__(self, source: Source, header: Header, cells: Cells, piece_size: int | None = PIECE) -> None:
        super().__init__(header, cells.size)
        self.source = source
        self._cells = cells
        self._piece_size = piece_size

    def _rows(
        self, statuses: Statuses, sort: bool, scratch: Path | None, progress: Progress | None
    ) -> Iterator[Rows]:
        def in_rank(
            region: Region, member: str, blocks_of: Callable[..., Iterator[Block]]
        ) -> Iterator[Ranked]:
            text = closing.enter_context(Text(self.source, region.start, region.end, progress))
            blocks = blocks_of(text, is_array=region.is_array, piece_size=self._piece_size)
            cells = ranked(blocks, self.cube, member, is_array=region.is_array)
            return in_order(sorted_on_disk(cells, scratch) if sort else cells, self.cube, member)

        with ExitStack() as closing:
            values = in_rank(self._cells.value, "value", value_blocks)
            if isinstance(self._cells.status, Region):
                decode = partial(status_blocks, statuses=statuses)
                yield from merged(values, in_rank(self._cells.status, "status", decode))
            else:  # one status for every value, or none
                number = statuses.number(self._cells.status or "")
                for rows in merged(values, iter(())):
                    yield rows._replace(statuses=np.full(len(rows.ranks), number, np.int16))
