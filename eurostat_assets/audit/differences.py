"""Which rows differ between a Parquet file and its table, once their checksums do.

Rows are dealt into buckets by the hash of their key; both sides count and sum each bucket. Only rows of a few buckets
that differ are then looked at one by one, so that a changed cell among millions is named in two passes over both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from eurostat_assets.audit.digest import ROWS_PER_BATCH, Column, Digest, HashCodes, Hasher

if TYPE_CHECKING:
    import pyarrow.parquet as pq

ROWS_PER_BUCKET = 1000
MOST_BUCKETS = 1 << 16
LOOKED_AT = 5
Row = tuple[Any, ...]


class BucketedTable(Protocol):
    """The table's side; a row's bucket is the hash of its key modulo `count`."""

    def buckets(
        self, dataset: str, columns: Sequence[Column], count: int
    ) -> Mapping[int, tuple[int, int]]: ...
    def rows_of(
        self, dataset: str, columns: Sequence[Column], count: int, buckets: Sequence[int]
    ) -> list[Row]: ...


@dataclass(frozen=True)
class Differences:
    """How many buckets of rows differ (so at least as many rows do), and examples of what is where, in words."""

    buckets: int
    examples: tuple[str, ...]


def differences(
    file: pq.ParquetFile,
    table: BucketedTable,
    dataset: str,
    columns: Sequence[Column],
    hash_codes: HashCodes,
    most: int = 5,
) -> Differences:
    """Up to `most` rows that are in one only, or have another value in the other."""
    count = _power_of_two(file.metadata.num_rows // ROWS_PER_BUCKET)
    hasher = Hasher(dataset, columns, hash_codes)
    theirs = table.buckets(dataset, columns, count)
    ours = _buckets(file, hasher, count)
    differ = sorted(bucket for bucket in {*theirs, *ours} if theirs.get(bucket) != ours.get(bucket))
    some = differ[:LOOKED_AT]
    in_table = Counter(table.rows_of(dataset, columns, count, some)) if some else Counter[Row]()
    in_file = Counter(_rows(file, hasher, dataset, columns, count, some)) if some else Counter[Row]()
    return Differences(
        len(differ), tuple(_told(columns, in_file - in_table, in_table - in_file))[: max(most, 1)]
    )


def _power_of_two(wanted: int) -> int:
    return min(MOST_BUCKETS, 1 << max(0, wanted).bit_length())


def _buckets(file: pq.ParquetFile, hasher: Hasher, count: int) -> dict[int, Digest]:
    import numpy as np

    rows, sums = np.zeros(count, np.int64), np.zeros(count, np.uint64)
    for batch in file.iter_batches(ROWS_PER_BATCH, use_threads=False):
        places = (hasher.keys(batch) % np.uint64(count)).astype(np.int64)
        rows += np.bincount(places, minlength=count)
        np.add.at(sums, places, hasher.rows(batch))
    return {int(place): Digest(int(rows[place]), int(sums[place])) for place in np.flatnonzero(rows)}


def _rows(
    file: pq.ParquetFile,
    hasher: Hasher,
    dataset: str,
    columns: Sequence[Column],
    count: int,
    buckets: Sequence[int],
) -> list[Row]:
    """The file's rows of these buckets, as the table has them."""
    import numpy as np
    import pyarrow as pa

    names, found = [column.name for column in columns[:-1]], []
    for batch in file.iter_batches(ROWS_PER_BATCH, use_threads=False):
        wanted = np.isin(hasher.keys(batch) % np.uint64(count), np.array(buckets, np.uint64))
        if wanted.any():
            chosen = batch.filter(pa.array(wanted))
            values = (chosen.column(name).to_pylist() for name in names)
            found += [(*row, dataset) for row in zip(*values, strict=True)]
    return found


def _told(columns: Sequence[Column], missing: Counter[Row], strange: Counter[Row]) -> list[str]:
    """A sentence for each row that differs, by the names of its key."""
    keys = [place for place, column in enumerate(columns) if column.is_key]

    def by_key(rows: Counter[Row]) -> dict[Row, Row]:
        return {tuple(row[place] for place in keys): row for row in rows}

    told, left, right = [], by_key(missing), by_key(strange)
    for key in sorted({*left, *right}, key=repr):
        name = ", ".join(f"{columns[place].name}={value}" for place, value in zip(keys, key, strict=True))
        if key not in right:
            told.append(f"[{name}] is missing in the table")
        elif key not in left:
            told.append(f"[{name}] is in the table only, or there more often")
        else:
            pairs = zip(columns, right[key], left[key], strict=True)
            cells = [
                f"{column.name} {there} instead of {here}" for column, there, here in pairs if there != here
            ]
            told.append(f"[{name}] has {', '.join(cells) or 'a row too many'}")
    return told
