"""A dataset whose cells came as SDMX-CSV, beside a JSON-stat text without cells: its outline, which has all the rest.

Eurostat's bulk file is the last resort where JSON-stat is not to be had. Its codes must be positions of the outline;
periods it has of its own, since an outline without cells lists none. How the table is read is said in table.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eurostat_assets.jsonstat.cube import rank_shares
from eurostat_assets.jsonstat.dimensions import Dimension
from eurostat_assets.jsonstat.document import read_header
from eurostat_assets.jsonstat.errors import (
    BadNumber,
    BadPosition,
    BadStatus,
    JsonStatError,
)
from eurostat_assets.jsonstat.flags import Statuses
from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.order import Ranked, Rows, in_order, observed
from eurostat_assets.jsonstat.sort import sorted_on_disk
from eurostat_assets.jsonstat.source import Progress, Source
from eurostat_assets.jsonstat.stream import ObservationStream
from eurostat_assets.jsonstat.table import CONFIDENTIALITY, FLAG, TIME, VALUE, Table, coded
from eurostat_assets.model.characters import bad_character

_NO_VALUE = pa.array(["", ":"])
_CELL = np.dtype([("value", np.float64), ("status", np.int16)])


def read_outlined(outline: Source, table: Source, *, dataset: str | None = None) -> ObservationStream:
    """The dataset that `outline` describes with the cells in `table`, see `read`. Goes over the table once.

    Raises `NotSdmxCsv`, `PartsDisagree`, `BadPosition`, any `JsonStatError`.
    """
    header = read_header(outline, dataset=dataset)
    try:
        rows = Table(table, header)
        periods = rows.periods()
        if bad := next(filter(bad_character, sorted(periods)), None):
            problem = f"{bad!r} has the character {bad_character(bad)}, which no code may have"
            raise BadPosition(problem, member=header.time or TIME)
        header = _with_periods(header, periods)
        return OutlinedObservations(header, rows)
    except JsonStatError as bad:
        raise bad.within(header.dataset) from bad.__cause__


class OutlinedObservations(ObservationStream):
    """The observations of the dataset that `header` describes, in the rows of a table."""

    def __init__(self, header: Header, table: Table) -> None:
        super().__init__(header, table.size)
        self._table = table
        self._shares = rank_shares([one.codes for one in header.dimensions])

    def _rows(
        self, statuses: Statuses, sort: bool, scratch: Path | None, progress: Progress | None
    ) -> Iterator[Rows]:
        cells = self._cells(statuses, progress)
        for block in in_order(sorted_on_disk(cells, scratch) if sort else cells, self.cube, VALUE):
            values, numbers = (np.ascontiguousarray(block.payload[name]) for name in _CELL.names or ())
            if len((rows := observed(Rows(block.ranks, values, numbers))).ranks):
                yield rows

    def _cells(self, statuses: Statuses, progress: Progress | None) -> Iterator[Ranked]:
        row = 0
        for batch in self._table.batches(progress):
            yield self._ranked(batch, statuses, row)
            row += batch.num_rows

    def _ranked(self, batch: pa.RecordBatch, statuses: Statuses, row: int) -> Ranked:
        """The cells of a batch; `row` is the number of its first row, from 0."""
        ranks = np.zeros(batch.num_rows, self.cube.index_type)
        for dimension, share in zip(self.header.dimensions, self._shares, strict=True):
            texts, places = coded(batch.column(dimension.id))
            if unknown := [text for text in texts if text not in share]:
                raise BadPosition(f"{unknown[0]!r} is not one of its codes", member=dimension.id)
            ranks += np.array([share[text] for text in texts], ranks.dtype)[places]
        cells = np.empty(batch.num_rows, _CELL)
        cells["value"] = _numbers(batch.column(VALUE))
        cells["status"] = _status_numbers(batch, statuses, row)
        return Ranked(ranks, cells)


def _with_periods(header: Header, periods: set[str]) -> Header:
    """The header with these positions of time, in the order of their codes and labelled by them, as in Eurostat's."""

    def with_positions(dimension: Dimension) -> Dimension:
        if dimension.id != header.time:
            return dimension
        codes = tuple(sorted({*dimension.codes, *periods}))
        return replace(dimension, codes=codes, labels={code: code for code in codes} | dimension.labels)

    return replace(header, dimensions=tuple(map(with_positions, header.dimensions)))


def _numbers(texts: pa.Array) -> np.ndarray:
    """The values, NaN where there is none. Raises `BadNumber`."""
    missing = pc.call_function("is_in_meta_binary", [texts, _NO_VALUE])
    there = texts.filter(pc.call_function("invert", [missing]))
    try:
        numbers = there.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as bad:
        raise BadNumber(str(bad), member=VALUE) from bad
    if not np.isfinite(numbers).all():
        raise BadNumber("a value that is no number", member=VALUE)
    values = np.full(len(texts), np.nan)
    values[~missing.to_numpy(zero_copy_only=False)] = numbers
    return values


def _status_numbers(batch: pa.RecordBatch, statuses: Statuses, row: int) -> np.ndarray:
    """As `statuses` numbers them, written as JSON-stat has them: `u|C` of flag u and confidentiality C. Raises `BadStatus`,
    with the number of the row as `position`."""
    flags, places = coded(batch.column(FLAG))
    confidential = [""]
    if CONFIDENTIALITY in batch.schema.names:
        confidential, others = coded(batch.column(CONFIDENTIALITY))
        places = places * len(confidential) + others
    numbers = np.zeros(len(flags) * len(confidential), np.int16)
    for place in np.unique(places):
        flag, status = flags[place // len(confidential)], confidential[place % len(confidential)]
        try:
            numbers[place] = statuses.number(f"{flag}|{status}" if status else flag)
        except BadStatus as bad:
            bad.member = CONFIDENTIALITY if bad_character(status) else FLAG
            bad.position = row + int(np.flatnonzero(places == place)[0])
            raise
    return numbers[places]
