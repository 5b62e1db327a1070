"""Rows to record batches of the observation schema: everything is looked up, nothing is computed per row.

The arrays are put together from their buffers: no value is copied, and pyarrow does not go looking for pandas.
"""

from __future__ import annotations

from collections.abc import Sequence

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
        self._codes = [_strings(one.codes) for one in header.dimensions]
        self._status_columns = [_StatusColumn(statuses.flags), _StatusColumn(statuses.confidentiality)]
        ids = [one.id for one in header.dimensions]
        self._time = None if header.time is None else ids.index(header.time)
        self._bounds = [] if self._time is None else period_bounds(header.dimensions[self._time])

    def batch(self, rows: Rows) -> pa.RecordBatch:
        """The rows as one record batch."""
        positions = self._cube.positions(rows.ranks)
        coded = [_coded(*column) for column in zip(positions, self._codes, strict=True)]
        if self._time is None:
            times = [pa.nulls(len(rows.ranks), self._schema.field(name).type) for name in TIME_COLUMNS]
        else:
            bounds = [_dates(bound, positions[self._time]) for bound in self._bounds]
            times = [coded.pop(self._time), *bounds]
        values = _array(pa.float64(), rows.values, ~np.isnan(rows.values))
        status_columns = [column.array(rows.statuses) for column in self._status_columns]
        return pa.RecordBatch.from_arrays([*coded, *times, values, *status_columns], schema=self._schema)


class _StatusColumn:
    """One part of the statuses. The dictionary is made anew only when the part has grown."""

    def __init__(self, part: StatusPart) -> None:
        self._part = part
        self._texts = _strings(part.texts)
        self._places = np.array(part.places, np.int16)

    def array(self, statuses: np.ndarray) -> pa.Array:
        if len(self._places) < len(self._part.places):
            self._texts = _strings(self._part.texts)
            self._places = np.array(self._part.places, np.int16)
        places = self._places[statuses]
        return _coded(places, self._texts, places >= 0)


def _coded(places: np.ndarray, texts: pa.Array, valid: np.ndarray | None = None) -> pa.Array:
    indices = _array(pa.from_numpy_dtype(places.dtype), places, valid)
    return pa.DictionaryArray.from_arrays(indices, texts, safe=False)


def _dates(bound: PeriodBound, positions: np.ndarray) -> pa.Array:
    valid = None if bound.missing is None else ~bound.missing[positions]
    return _array(pa.date32(), bound.days[positions], valid)


def _array(kind: pa.DataType, values: np.ndarray, valid: np.ndarray | None) -> pa.Array:
    bitmap = None if valid is None or valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [bitmap, pa.py_buffer(values)])


def _strings(texts: Sequence[str]) -> pa.Array:
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int32)
    np.cumsum([len(one) for one in encoded], out=offsets[1:])
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))
