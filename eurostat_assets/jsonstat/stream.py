"""The observations of a dataset, whatever they are read from: rows in storage order → Arrow record batches.

Where the rows come from is said in observations.py (a JSON-stat text), slices.py (several) and sdmxcsv.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from eurostat_assets.jsonstat.columns import Columns
from eurostat_assets.jsonstat.cube import Cube
from eurostat_assets.jsonstat.errors import JsonStatError
from eurostat_assets.jsonstat.flags import Statuses
from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.order import OutOfOrder, Rows
from eurostat_assets.jsonstat.schema import observation_schema
from eurostat_assets.jsonstat.source import Progress


class ObservationStream(ABC):
    """The observations of one dataset. `header`: all but the cells; `schema`: the columns and what they mean.

    `size`: bytes of uncompressed text that the cells take; `raw_size`: those of the files, where they are several.
    """

    def __init__(self, header: Header, size: int, raw_size: int | None = None) -> None:
        self.header = header
        self.schema = observation_schema(header)
        self.cube = Cube([one.codes for one in header.dimensions])
        self._size = size
        self._raw_size = raw_size

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.batches(sort=not self._in_order)

    @cached_property
    def _in_order(self) -> bool:
        """Only the last cell can tell, and rows handed out cannot be taken back: hence a pass before the first."""
        try:
            for _ in self._told_rows(Statuses(self.header.status_labels), False, None, None):
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
        progress = Progress(on_progress, self._size, self._raw_size) if on_progress else None
        for rows in self._told_rows(statuses, sort, scratch, progress):
            yield columns.batch(rows)

    def _told_rows(
        self, statuses: Statuses, sort: bool, scratch: Path | None, progress: Progress | None
    ) -> Iterator[Rows]:
        try:
            yield from self._rows(statuses, sort, scratch, progress)
        except JsonStatError as bad:
            raise bad.within(self.header.dataset) from bad.__cause__

    @abstractmethod
    def _rows(
        self, statuses: Statuses, sort: bool, scratch: Path | None, progress: Progress | None
    ) -> Iterator[Rows]:
        """The rows in storage order; statuses get their numbers from `statuses`. Raises `OutOfOrder` as `batches`."""
