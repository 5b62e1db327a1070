"""Rows to record batches of the observation schema: everything is looked up, nothing is computed per row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from eurostat_assets.jsonstat.cube import Cube
from eurostat_assets.jsonstat.flags import Statuses, StatusPart
from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.order import Rows
from eurostat_assets.jsonstat.schema import TIME_COLUMNS, PeriodBound, period_bounds


class Columns:
    """The way from rows to columns for one dataset: its codes, period bounds and statuses."""

    def __init__(self, header: Header, schema: pa.Schema, cube: Cube, statuses: Statuses) -> None:
        self._schema = schema
        self._cube = cube
        self._statuses = statuses
        self._codes = [pa.array(one.codes, pa.string()) for one in header.dimensions]
        ids = [one.id for one in header.dimensions]
        self._time = None if header.time is None else ids.index(header.time)
        self._bounds = [] if self._time is None else period_bounds(header.dimensions[self._time])

    def batch(self, rows: Rows) -> pa.RecordBatch:
        """The rows as one record batch."""
        positions = self._cube.positions(rows.ranks)
        coded = [
            pa.DictionaryArray.from_arrays(where, codes, safe=False)
            for where, codes in zip(positions, self._codes, strict=True)
        ]
        if self._time is None:
            times = [pa.nulls(len(rows.ranks), self._schema.field(name).type) for name in TIME_COLUMNS]
        else:
            bounds = [_dates(bound, positions[self._time]) for bound in self._bounds]
            times = [coded.pop(self._time), *bounds]
        values = pa.array(rows.values, from_pandas=True)  # NaN is null
        parts = (self._statuses.flags, self._statuses.confidentiality)
        status_columns = [_status(part, rows.statuses) for part in parts]
        return pa.RecordBatch.from_arrays([*coded, *times, values, *status_columns], schema=self._schema)


def _dates(bound: PeriodBound, positions: np.ndarray) -> pa.Array:
    mask = None if bound.missing is None else bound.missing[positions]
    return pa.array(bound.days[positions], pa.int32(), mask=mask).view(pa.date32())


def _status(part: StatusPart, statuses: np.ndarray) -> pa.Array:
    texts = pa.array(part.texts, pa.string())
    places = np.array(part.places, np.int16)[statuses]
    return pa.DictionaryArray.from_arrays(pa.array(places, mask=places < 0), texts, safe=False)
