"""The observations of a dataset as a stream of Arrow record batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from eurostat_assets.jsonstat.cube import Cube
from eurostat_assets.jsonstat.errors import JsonStatError
from eurostat_assets.jsonstat.flags import Statuses, StatusPart
from eurostat_assets.jsonstat.header import Cells, Header, locate
from eurostat_assets.jsonstat.lanes import status_blocks, value_blocks
from eurostat_assets.jsonstat.order import OutOfOrder, Ranked, Rows, in_order, merged, ranked
from eurostat_assets.jsonstat.outline import Region
from eurostat_assets.jsonstat.schema import TIME_COLUMNS, PeriodBound, observation_schema, period_bounds
from eurostat_assets.jsonstat.sort import sorted_on_disk
from eurostat_assets.jsonstat.source import Progress, Source, Text


def read(source: Source, *, dataset: str | None = None) -> Observations:
    """The JSON-stat dataset in `source` (plain, gzip or zstd), ready to be iterated.

    One row is one observation: a cell that has a value or a status. Rows come sorted by their codes, in the
    order of the dimensions. Iterating reads the source anew each time, as batches of at most some ten
    thousand rows with the observation schema; memory stays bounded whatever the size. Cells that are not in
    Eurostat's order are sorted in temporary files first.

    `dataset` chooses from a text with several datasets, see `read_header`. Raises `JsonStatError`: what
    concerns the description of the cube here, what concerns a cell while iterating.
    """
    return Observations(source, *locate(source, dataset))


class Observations:
    """The observations of one dataset. `header`: all but the cells; `schema`: the columns and what they
    mean."""

    def __init__(self, source: Source, header: Header, cells: Cells) -> None:
        self.source = source
        self.header = header
        self.cells = cells
        self.schema = observation_schema(header)
        self.cube = Cube([one.codes for one in header.dimensions])

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.batches(sort=not self._in_order)

    def batches(
        self,
        *,
        sort: bool,
        scratch: Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """The batches, sorting the cells on disk (in `scratch`) first if `sort`.

        Without, raises `OutOfOrder` where a cell comes too late, after the batches before it.
        """
        try:
            with ExitStack() as closing:
                statuses = Statuses(self.header.status_labels)
                columns = _Columns(self, statuses)
                progress = Progress(on_progress, self.cells.size) if on_progress else None

                def region(cells: Region) -> Text:
                    return closing.enter_context(Text(self.source, cells.start, cells.end, progress))

                for rows in self._rows(statuses, region, sort=sort, scratch=scratch):
                    yield columns.batch(rows)
        except JsonStatError as bad:
            raise bad.within(self.header.dataset) from bad.__cause__

    @cached_property
    def _in_order(self) -> bool:
        try:
            for _ in self.batches(sort=False):
                pass
        except OutOfOrder:
            return False
        return True

    def _rows(
        self, statuses: Statuses, region: Callable[[Region], Text], *, sort: bool, scratch: Path | None
    ) -> Iterator[Rows]:
        def ordered(blocks: Iterator[tuple[np.ndarray, np.ndarray]], member: str) -> Iterator[Ranked]:
            cells = ranked(blocks, self.cube, member)
            return in_order(sorted_on_disk(cells, scratch) if sort else cells, self.cube, member)

        value, status = self.cells.value, self.cells.status
        values = ordered(value_blocks(region(value), is_array=value.is_array), "value")
        if status is None or isinstance(status, str):
            number = statuses.number(status or "")
            for rows in merged(values, iter(())):
                yield Rows(rows.ranks, rows.values, np.full(len(rows.ranks), number, np.int16))
            return
        found = status_blocks(region(status), statuses, is_array=status.is_array)
        yield from merged(values, ordered(found, "status"))


class _Columns:
    """Rows to record batches: everything is looked up, nothing is computed."""

    def __init__(self, observations: Observations, statuses: Statuses) -> None:
        header = observations.header
        self.schema = observations.schema
        self.cube = observations.cube
        self.statuses = statuses
        self.codes = [pa.array(one.codes, pa.string()) for one in header.dimensions]
        ids = [one.id for one in header.dimensions]
        self.time = ids.index(header.time) if header.time is not None else None
        self.bounds = [] if self.time is None else period_bounds(header.dimensions[self.time])

    def batch(self, rows: Rows) -> pa.RecordBatch:
        positions = self.cube.positions(rows.ranks)
        coded = [
            pa.DictionaryArray.from_arrays(where, codes, safe=False)
            for where, codes in zip(positions, self.codes, strict=True)
        ]
        if self.time is None:
            times = [pa.nulls(len(rows.ranks), self.schema.field(name).type) for name in TIME_COLUMNS]
        else:
            times = [coded.pop(self.time), *(_dates(bound, positions[self.time]) for bound in self.bounds)]
        values = pa.array(rows.values, from_pandas=True)  # NaN is null
        parts = (self.statuses.flags, self.statuses.confidentiality)
        status_columns = [_status(part, rows.statuses) for part in parts]
        return pa.RecordBatch.from_arrays([*coded, *times, values, *status_columns], schema=self.schema)


def _dates(bound: PeriodBound, positions: np.ndarray) -> pa.Array:
    mask = None if bound.missing is None else bound.missing[positions]
    return pa.array(bound.days[positions], pa.int32(), mask=mask).view(pa.date32())


def _status(part: StatusPart, statuses: np.ndarray) -> pa.Array:
    texts = pa.array(part.texts, pa.string())
    places = np.array(part.places, np.int16)[statuses]
    missing = places < 0
    return pa.DictionaryArray.from_arrays(pa.array(places, mask=missing), texts, safe=False)
