"""A Parquet file's digest: its number of rows and a checksum, equal to what the server computes from a table of the same.

    column   hash(value, place of the column): `hashtextextended` of codes, `hashint4extended` of dates as days since
             1970, `hashfloat8extended` of numbers; 0 for null
    row      `hashint4extended(0, XOR of its columns' hashes)`
    table    the sum of its rows' hashes, as signed 64-bit integers, and how many there are

The order of rows does not matter. Whatever else differs, be it two codes that changed places, changes the sum but with a
chance of 2^-64. In bounded memory: a batch at a time, and the hashes of distinct codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from eurostat_assets.audit.errors import NotComparable

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from eurostat_assets.audit.hashing import Hashes

ROWS_PER_BATCH = 1 << 16
SOURCE_COLUMN = "source_dataset_id"
NOT_OF_THE_KEY = ("period_start", "period_end", "obs_value", "obs_flag", "conf_status", SOURCE_COLUMN)

HashCodes = Callable[[Sequence[str], int], Sequence[int]]
"""The server's `hashtextextended(code, seed)` of each code, as signed integers."""
OnProgress = Callable[[int], None]


class Readable(Protocol):
    """A file somewhere: pathlib.Path, UPath or the like."""

    def open(self, mode: Literal["rb"], /) -> IO[bytes]: ...


class Digest(NamedTuple):
    """How many rows, and the sum of their hashes."""

    rows: int
    checksum: int


@dataclass(frozen=True)
class Column:
    """A column of a dataset's table: what it holds, the seed of its hashes, and whether it tells rows apart."""

    name: str
    kind: Literal["code", "date", "number"]
    seed: int

    @property
    def is_key(self) -> bool:
        return self.name not in NOT_OF_THE_KEY


@contextmanager
def open_parquet(parquet: Readable) -> Iterator[pq.ParquetFile]:
    """The open file, from which whole row groups are never held."""
    import pyarrow.parquet as pq

    source = nullcontext(str(parquet)) if isinstance(parquet, Path) else parquet.open("rb")
    with source as opened, closing(pq.ParquetFile(opened, pre_buffer=False)) as file:
        yield file


def columns_of(dataset: str, schema: pa.Schema) -> tuple[Column, ...]:
    """The columns of the table that `schema` becomes, its constant one last. Raises NotComparable."""
    import pyarrow as pa

    columns: list[Column] = []
    for seed, field in enumerate(schema, start=1):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_string(kind):
            columns.append(Column(field.name, "code", seed))
        elif pa.types.is_date32(kind):
            columns.append(Column(field.name, "date", seed))
        elif pa.types.is_float64(kind):
            columns.append(Column(field.name, "number", seed))
        else:
            raise NotComparable(dataset, field.name, str(field.type))
    return (*columns, Column(SOURCE_COLUMN, "code", len(columns) + 1))


class Hasher:
    """The hashes of the rows of record batches of one dataset."""

    def __init__(self, dataset: str, columns: Sequence[Column], hash_codes: HashCodes) -> None:
        self._columns = columns
        self._ask = hash_codes
        self._known: dict[int, dict[str, int]] = {column.seed: {} for column in columns}
        (source,) = self._of_codes([dataset], columns[-1].seed)
        self._source = source

    def keys(self, batch: pa.RecordBatch) -> Hashes:
        """The XOR of the hashes of the columns that tell rows apart."""
        return self._xor(batch, [column for column in self._columns if column.is_key])

    def rows(self, batch: pa.RecordBatch) -> Hashes:
        """The rows' hashes."""
        from eurostat_assets.audit.hashing import mixed

        return mixed(self._xor(batch, self._columns[:-1]) ^ self._source)

    def _xor(self, batch: pa.RecordBatch, columns: Sequence[Column]) -> Hashes:
        import numpy as np

        total = np.zeros(batch.num_rows, np.uint64)
        for column in columns:
            total ^= self._of(batch.column(column.name), column)
        return total

    def _of(self, values: pa.Array, column: Column) -> Hashes:
        import numpy as np

        from eurostat_assets.audit.hashing import hash_float8, hash_int4

        if column.kind == "number":
            hashes = hash_float8(values.fill_null(1.0).to_numpy(zero_copy_only=False), column.seed)
            if values.null_count:
                hashes[values.is_null().to_numpy(zero_copy_only=False)] = 0
            return hashes
        encoded: Any = values if hasattr(values, "dictionary") else values.dictionary_encode()
        if column.kind == "date":
            days = encoded.dictionary.cast("int32").to_numpy(zero_copy_only=False)
            distinct = hash_int4(np.ascontiguousarray(days, np.int32), column.seed)
        else:
            distinct = self._of_codes(encoded.dictionary.to_pylist(), column.seed)
        # Null is the last of the distinct ones, with the hash 0.
        places = encoded.indices.cast("int32").fill_null(len(distinct)).to_numpy(zero_copy_only=False)
        return np.append(distinct, np.uint64(0))[places]

    def _of_codes(self, codes: list[str], seed: int) -> Hashes:
        import numpy as np

        known = self._known[seed]
        if new := [code for code in codes if code not in known]:
            known.update(zip(new, self._ask(new, seed), strict=True))
        return np.array([known[code] for code in codes], np.int64).view(np.uint64)


def digest(
    file: pq.ParquetFile,
    dataset: str,
    columns: Sequence[Column],
    hash_codes: HashCodes,
    on_progress: OnProgress | None = None,
) -> Digest:
    """The digest of the open `file`. Raises pyarrow's errors where it cannot be read, NotComparable."""
    import numpy as np

    hasher, rows, checksum = Hasher(dataset, columns, hash_codes), 0, 0
    for batch in file.iter_batches(ROWS_PER_BATCH, use_threads=False):
        hashes = hasher.rows(batch).view(np.int64)
        # Summed by halves, as the sum of 64-bit integers does not fit into one.
        checksum += (int((hashes >> 32).sum()) << 32) + int((hashes & 0xFFFF_FFFF).sum())
        rows += batch.num_rows
        if on_progress:
            on_progress(rows)
    return Digest(rows, checksum)
