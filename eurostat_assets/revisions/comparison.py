"""Comparing two Parquet files of observations: which cells came, went, or have another value or flag.

A cell's dimensions are folded into one number, so that two releases are two sorted lists of numbers to be merged.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import IO, TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

MOST_ROWS = 2_000_000
STATUS = ("obs_flag", "conf_status")


class Readable(Protocol):
    """A path, of this machine or of a store."""

    def open(self, mode: Literal["rb"], /) -> IO[bytes]: ...


class NotCompared(Exception):
    """Two releases that were not compared, and why: too many rows, or other dimensions."""


@dataclass(frozen=True)
class Revision:
    """What a release changed, in observations. `changed`: another value, flag or confidentiality; else `same`."""

    added: int
    removed: int
    changed: int
    same: int


def compare(before: Readable, after: Readable, *, most_rows: int = MOST_ROWS) -> Revision:
    """Compare two releases of one dataset.

    Memory: some 40 bytes for each row of both, thus bounded by `most_rows`. Raises NotCompared; OSError.
    """
    import numpy as np
    import pyarrow.parquet as pq

    with (
        before.open("rb") as old,
        after.open("rb") as new,
        pq.ParquetFile(old) as a,
        pq.ParquetFile(new) as b,
    ):
        dimensions = _dimensions(a, b)
        if (rows := max(a.metadata.num_rows, b.metadata.num_rows)) > most_rows:
            raise NotCompared(
                f"{rows:,} observations are too many to compare in passing (limit {most_rows:,})"
            )
        columns = [*dimensions, "obs_value", *STATUS]
        one, other = (file.read(columns, use_threads=False).unify_dictionaries() for file in (a, b))
    sizes, places = {}, {}
    for name in (*dimensions, *STATUS):
        sizes[name], places[name] = _common(one.column(name), other.column(name))
    if prod(sizes[name] for name in dimensions) >= 2**62:
        raise NotCompared("the dimensions have too many codes to number every cell")
    keys = [
        _folded([places[name][side] for name in dimensions], [sizes[name] for name in dimensions])
        for side in (0, 1)
    ]
    # Files are sorted, and so these are nearly always, at no cost.
    orders = [np.argsort(key, kind="stable") for key in keys]
    keys = [key[order] for key, order in zip(keys, orders, strict=True)]
    at = np.searchsorted(keys[0], keys[1])
    both = at < len(keys[0])
    both[both] = keys[0][at[both]] == keys[1][both]
    was, now = orders[0][at[both]], orders[1][both]
    differs = _values_differ(one, other, was, now)
    for name in STATUS:
        differs |= places[name][0][was] != places[name][1][now]
    common, changed = int(both.sum()), int(differs.sum())
    return Revision(
        added=len(keys[1]) - common, removed=len(keys[0]) - common, changed=changed, same=common - changed
    )


def _dimensions(a: pq.ParquetFile, b: pq.ParquetFile) -> list[str]:
    """The columns that tell a cell from all others, the same in both. Raises NotCompared."""
    columns = (file.schema_arrow.names for file in (a, b))
    old, new = ([*names[: names.index("time_period")], "time_period"] for names in columns)
    if set(old) != set(new):
        came, went = sorted(set(new) - set(old)), sorted(set(old) - set(new))
        raise NotCompared(
            f"the dimensions changed: new {', '.join(came) or 'none'}; gone {', '.join(went) or 'none'}"
        )
    return new


def _common(one: pa.ChunkedArray, other: pa.ChunkedArray) -> tuple[int, tuple[np.ndarray, np.ndarray]]:
    """How many different codes two columns have together, and each row's place among them in their order; 0 for null."""
    import numpy as np

    dictionaries = [
        column.chunk(0).dictionary.to_pylist() if column.num_chunks else [] for column in (one, other)
    ]
    known = {code: place for place, code in enumerate(sorted({*dictionaries[0], *dictionaries[1]}), start=1)}
    sides = []
    for column, codes in zip((one, other), dictionaries, strict=True):
        numbers = np.array([known[code] for code in codes] + [0], np.int64)
        rows = [chunk.indices.cast("int64").fill_null(-1).to_numpy() for chunk in column.chunks]
        sides.append(numbers[np.concatenate(rows)] if rows else np.zeros(0, np.int64))
    return len(known) + 1, (sides[0], sides[1])


def _folded(places: list[np.ndarray], sizes: list[int]) -> np.ndarray:
    key = places[0].copy()
    for place, size in zip(places[1:], sizes[1:], strict=True):
        key *= size
        key += place
    return key


def _values_differ(one: pa.Table, other: pa.Table, was: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Missing is a value of its own: as numbers they are read, NaN stands for it, as no observation is NaN."""
    import numpy as np

    old, new = one.column("obs_value").to_numpy()[was], other.column("obs_value").to_numpy()[now]
    return (old != new) & ~(np.isnan(old) & np.isnan(new))
