"""A folder of Parquet files as a worker of a bulk load sees it: what the files are, and one share of them as one
COPY stream. Who gets which share, and what becomes of it, is bulk.py's."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql

from eurostat_assets.model.bounds import RATIO, UNANNOUNCED, inflates
from eurostat_assets.postgres.bulk_state import FILE_COLUMN
from eurostat_assets.postgres.connection import Cursor, connect, reason, rows, transaction
from eurostat_assets.postgres.errors import BulkLoadError, FilesRefused
from eurostat_assets.postgres.loaders import SESSION
from eurostat_assets.postgres.loading import BATCH_ROWS, batches_of, copy_into
from eurostat_assets.postgres.switching import definitions
from eurostat_assets.postgres.table import STORE, Column, open_parquet, sql_type

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

NAME_BYTES = 63
"""PostgreSQL cuts longer names, so that two become one."""
TAKEN = frozenset({FILE_COLUMN, "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Columns that every table of PostgreSQL has, and ours."""


@dataclass(frozen=True)
class File:
    """One Parquet file; size and time of change tell whether it is still the same. `number`: within its load."""

    path: Path
    size: int
    modified_ns: int
    rows: int
    number: int = 0


@dataclass(frozen=True)
class Share:
    """What one worker loads: `files` into a new table `child` of schema STORE, which becomes part of `table`."""

    url: str
    table: str
    child: str
    columns: tuple[Column, ...]
    files: tuple[File, ...]


def fits(name: str) -> bool:
    """Whether PostgreSQL can keep this name as it is."""
    return 0 < len(name.encode(errors="replace")) <= NAME_BYTES and "\0" not in name


def parquet_files(paths: Iterable[Path]) -> list[Path]:
    """The files among `paths`, and those named *.parquet in the folders among them and below, in order of name."""
    found: list[Path] = []
    for path in paths:
        found.extend(sorted(path.rglob("*.parquet")) if path.is_dir() else [path])
    return list(dict.fromkeys(path.absolute() for path in found))


def schema_of(path: Path) -> "pa.Schema":
    """The file's schema without its metadata. Raises FilesRefused for what is no Parquet."""
    with _readable(path), open_parquet(path) as parquet:
        return parquet.schema_arrow.remove_metadata()


def columns_of(path: Path, schema: "pa.Schema") -> tuple[Column, ...]:
    """The columns of the table. Raises FilesRefused for a type or a name that Postgres has not."""
    types = {field.name: sql_type(field.type) for field in schema}
    unknown = [f"{field.name} ({field.type})" for field in schema if types[field.name] is None]
    if unknown:
        raise FilesRefused([path], f"columns that cannot be stored: {', '.join(unknown)}")
    counts = Counter(schema.names)
    odd = [name for name in counts if counts[name] > 1 or name in TAKEN or not fits(name)]
    if odd:
        raise FilesRefused(
            [path],
            f"columns whose names no table can have: {', '.join(map(repr, odd))}. A name has 1 to {NAME_BYTES} bytes, is"
            " there once, and is not one that PostgreSQL or a load uses itself",
        )
    return tuple(Column(field.name, types[field.name] or "", field.nullable) for field in schema)


def describe(paths: Sequence[Path], schema: "pa.Schema") -> tuple[list[File], list[Path]]:
    """Read the footers: the files of `schema`, and those of another one.

    Raises FilesRefused for what is no Parquet, and for what would fill the memory.
    """
    files: list[File] = []
    others: list[Path] = []
    for path in paths:
        with _readable(path), open_parquet(path) as parquet:
            if not parquet.schema_arrow.equals(schema, check_metadata=False):
                others.append(path)
            _refuse_swelling(path, parquet.metadata)
            about = path.stat()
            files.append(File(path, about.st_size, about.st_mtime_ns, parquet.metadata.num_rows))
    return files, others


def load(share: Share, on_progress: Callable[[int], None]) -> int:
    """Make the child table and fill it, in one transaction of its own; returns its rows. Raises BulkLoadError."""
    with connect(share.url) as connection:
        rows(connection, SESSION)
        with transaction(connection) as cursor:
            return fill(cursor, share, on_progress, freeze=True)


def fill(cursor: Cursor, share: Share, on_progress: Callable[[int], None], *, freeze: bool) -> int:
    """Make the child table and fill it, within the caller's transaction; returns its rows.

    Raises BulkLoadError, and FilesRefused for a file that cannot be read to its end or has changed since it was described.

    With `freeze` the rows are visible to every snapshot as soon as the transaction commits, without to later ones.
    """
    table = sql.Identifier(STORE, share.child)
    expected = sum(file.rows for file in share.files)
    schema = schema_of(share.files[0].path)
    columns = (Column(FILE_COLUMN, "integer", nullable=False), *share.columns)
    cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, definitions(columns)))
    with _told(share):
        loaded = copy_into(
            cursor,
            table,
            [FILE_COLUMN, *schema.names],
            _with_file(schema),
            _batches(share.files, _with_file(schema)),
            freeze=freeze,
            on_progress=on_progress,
        )
    if loaded != expected:
        raise BulkLoadError(
            share.table, f"the server loaded {loaded:,} rows where the files have {expected:,}"
        )
    cursor.execute(sql.SQL("ANALYZE {}").format(table))
    return loaded


@contextmanager
def _told(share: Share) -> Iterator[None]:
    """Say of which table it is what the server refuses, or what Arrow cannot put into a type of the server."""
    import pyarrow as pa

    try:
        yield
    except psycopg2.Error as error:
        raise BulkLoadError(share.table, reason(error)) from error
    except pa.ArrowException as error:
        raise BulkLoadError(share.table, f"a value cannot be stored: {error}") from error


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what Arrow and the system say of a file into FilesRefused."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        why = (
            os.strerror(error.errno)
            if isinstance(error, OSError) and error.errno
            else " ".join(str(error).split())
        )
        raise FilesRefused([path], f"it cannot be read as Parquet ({why})") from error


def _refuse_swelling(path: Path, footer: "pq.FileMetaData") -> None:
    """Raise FilesRefused where a column swells within one row group: a page of it is read as a whole."""
    for group in map(footer.row_group, range(footer.num_row_groups)):
        if group.total_byte_size <= UNANNOUNCED:
            continue
        for column in map(group.column, range(group.num_columns)):
            size, compressed = column.total_uncompressed_size, column.total_compressed_size
            if inflates(size, compressed):
                raise FilesRefused(
                    [path],
                    f"its column {column.path_in_schema} swells from {compressed:,} to {size:,} bytes in a row group, more"
                    f" than {RATIO} times: write it with a dictionary or in smaller row groups",
                )


def _refuse_changed(file: File) -> None:
    about = file.path.stat()
    if (about.st_size, about.st_mtime_ns) != (file.size, file.modified_ns):
        raise FilesRefused([file.path], "it changed while it was loaded: run it again when it is whole")


def _with_file(schema: "pa.Schema") -> "pa.Schema":
    """The schema with the hidden column before all others."""
    import pyarrow as pa

    return schema.insert(0, pa.field(FILE_COLUMN, pa.dictionary(pa.int32(), pa.int32()), nullable=False))


def _batches(files: Iterable[File], schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    """The rows of all files, small ones put together: a batch costs the same however few rows it has.

    Raises FilesRefused for a file that is not as it was described.
    """
    waiting: list[tuple[File, pa.RecordBatch]] = []
    count = 0
    for file in files:
        for batch in _rows_of(file):
            waiting.append((file, batch))
            count += batch.num_rows
            if count >= BATCH_ROWS:
                yield _together(waiting, schema)
                waiting, count = [], 0
    if waiting:
        yield _together(waiting, schema)


def _rows_of(file: File) -> "Iterator[pa.RecordBatch]":
    """The rows of a file that is the same before and after. Raises FilesRefused."""
    with _readable(file.path):
        _refuse_changed(file)
        with open_parquet(file.path) as parquet:
            yield from batches_of(parquet)
        _refuse_changed(file)


def _together(waiting: "list[tuple[File, pa.RecordBatch]]", schema: "pa.Schema") -> "pa.RecordBatch":
    """One batch of `schema`: the rows of all with the numbers of their files."""
    import numpy as np
    import pyarrow as pa

    batches = [batch.replace_schema_metadata() for _, batch in waiting]
    if len(batches) > 1:
        table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
        batches = table.to_batches() or batches[:1]
    which = np.repeat(np.arange(len(waiting), dtype=np.int32), [batch.num_rows for _, batch in waiting])
    numbers = pa.array([file.number for file, _ in waiting], pa.int32())
    column = pa.DictionaryArray.from_arrays(pa.array(which), numbers)
    return pa.RecordBatch.from_arrays([column, *batches[0].columns], schema=schema)
