"""JSON-stat read the plain way, by the index rule alone: what the sandbox's bodies are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

import pyarrow as pa

Cells = dict[tuple[str, ...], tuple[float | None, str | None]]


def codes(document: dict[str, Any]) -> list[list[str]]:
    """The codes of each dimension by position."""
    indexes = [document["dimension"][name]["category"]["index"] for name in document["id"]]
    return [sorted(index, key=index.__getitem__) for index in indexes]


def places(document: dict[str, Any], key: str) -> list[int]:
    """The position in each dimension of a flat index: row-major, the last dimension runs fastest."""
    sizes = document["size"]
    return [int(key) // prod(sizes[axis + 1 :]) % sizes[axis] for axis in range(len(sizes))]


def decoded(document: dict[str, Any]) -> Cells:
    """{tuple of codes: (value, status)} of every cell with either."""
    positions, values, statuses = codes(document), document["value"], document.get("status", {})
    return {
        tuple(position[place] for position, place in zip(positions, places(document, key), strict=True)): (
            values.get(key),
            statuses.get(key),
        )
        for key in {**values, **statuses}
    }


def of_batches(batches: Iterable[pa.RecordBatch]) -> Cells:
    """The same of record batches with obs_value, obs_flag and conf_status as their last columns."""
    return {
        tuple(row[:-3]): (row[-3], _status(row[-2], row[-1])) for batch in batches for row in _rows(batch)
    }


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _status(flag: str | None, confidential: str | None) -> str | None:
    return (flag or "") + (f"|{confidential}" if confidential else "") or None
