"""The observation schema: the columns every other room relies on, and the labels that make a file explain itself."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from eurostat_assets.jsonstat.cube import narrowest
from eurostat_assets.jsonstat.dimensions import Dimension
from eurostat_assets.jsonstat.errors import BadStructure
from eurostat_assets.jsonstat.flags import part_labels
from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.periods import period_days

TIME_COLUMNS = ("time_period", "period_start", "period_end")
CELL_COLUMNS = ("obs_value", "obs_flag", "conf_status")
STATUS_TYPE = pa.dictionary(pa.int16(), pa.string())


def observation_schema(header: Header, provenance: dict[str, Any] | None = None) -> pa.Schema:
    """The Arrow schema of the observations of `header`.

    Columns: one per dimension but time, by lower-case id, in the order of `id`; `time_period`,
    `period_start`, `period_end` (all null where there is no time dimension); `obs_value`, `obs_flag`,
    `conf_status`. Metadata: `jsonstat` and `provenance` (JSON) on the schema, `label` and `labels` (JSON) on
    the coded columns. Raises `BadStructure` where two dimensions would share a column.
    """
    flag_labels, confidentiality_labels = part_labels(header.status_labels)
    time = next((one for one in header.dimensions if one.id == header.time), None)
    fields = [
        *(_coded(one.id.lower(), one) for one in header.dimensions if one is not time),
        _coded("time_period", time) if time else pa.field("time_period", _dictionary(1)),
        pa.field("period_start", pa.date32()),
        pa.field("period_end", pa.date32()),
        pa.field("obs_value", pa.float64()),
        pa.field("obs_flag", STATUS_TYPE, metadata={"labels": _json(flag_labels)}),
        pa.field("conf_status", STATUS_TYPE, metadata={"labels": _json(confidentiality_labels)}),
    ]
    names = [one.name for one in fields]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadStructure(f"two columns would be called {', '.join(sorted(twice))}", member="id")
    metadata = {"jsonstat": _json(_described(header))}
    if provenance is not None:
        metadata["provenance"] = _json(provenance)
    return pa.schema(fields, metadata)


class PeriodBound(NamedTuple):
    """By position of the time dimension: days since 1970 (int32), and where there are none (None: nowhere)."""

    days: np.ndarray
    missing: np.ndarray | None


def period_bounds(time: Dimension) -> list[PeriodBound]:
    """The first and the last days of the positions of `time`.

    A bare number that the label contradicts (one publisher has code 2093 for "Q1-2010") is a key, not a year."""
    days = [
        None if code.isdecimal() and time.labels.get(code, code) != code else period_days(code)
        for code in time.codes
    ]
    missing = np.array([pair is None for pair in days], bool)
    epoch = date(1970, 1, 1).toordinal()
    return [
        PeriodBound(
            np.array([pair[end].toordinal() - epoch if pair else 0 for pair in days], np.int32),
            missing if missing.any() else None,
        )
        for end in (0, 1)
    ]


def _coded(name: str, dimension: Dimension) -> pa.Field:
    metadata = {"label": dimension.label or "", "labels": _json(dimension.labels)}
    return pa.field(name, _dictionary(len(dimension.codes)), nullable=False, metadata=metadata)


def _dictionary(size: int) -> pa.DataType:
    return pa.dictionary(pa.from_numpy_dtype(narrowest(size)), pa.string())


def _described(header: Header) -> dict[str, Any]:
    return {
        "dataset": header.dataset,
        "title": header.title,
        "source": header.source,
        "language": header.language,
        "updated": header.updated,
        "update_data": header.update_data,
        "update_structure": header.update_structure,
        "obs_count": header.obs_count,
        "dimensions": [one.id for one in header.dimensions],
        "status_labels": header.status_labels,
        "annotations": list(header.annotations),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
