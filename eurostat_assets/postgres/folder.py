"""A folder of Parquet files as a worker of a bulk load sees it: what the files are, and one share of them as one
COPY stream. Who gets which share, and what becomes of it, is bulk.py's."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql

from eurostat_assets.postgres.connection import connect, reason, transaction
from eurostat_assets.postgres.errors import BulkLoadError, FilesRefused
from eurostat_assets.postgres.loading import BATCH_ROWS, batches_of, copy_into
from eurostat_assets.postgres.switching import definitions
from eurostat_assets.postgres.table import STORE, Column, open_parquet, readable, sql_type

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class File:
    """One Parquet file; size and time of change tell whether it is still the same."""

    path: Path
    size: int
    modified_ns: int
    rows: int


@dataclass(frozen=True)
class Share:
    """What one worker loads: `files` into a new table `child` of schema STORE."""

    url: str
    child: str
    columns: tuple[Column, ...]
    files: tuple[File, ...]


def parquet_files(paths: Iterable[Path]) -> list[Path]:
    """The files among `paths`, and those named *.parquet in the folders among them and below, in order of name."""
    found: list[Path] = []
    for path in paths:
        found.extend(sorted(path.rglob("*.parquet")) if path.is_dir() else [path])
    return [path.absolute() for path in found]


def schema_of(path: Path) -> "pa.Schema":
    """The file's schema without its metadata. Raises NotObservations for what is no Parquet."""
    with readable(path, None), open_parquet(path) as parquet:
        return parquet.schema_arrow.remove_metadata()


def columns_of(path: Path, schema: "pa.Schema") -> tuple[Column, ...]:
    """The columns of the table. Raises FilesRefused for a type that Postgres has not."""
    types = {field.name: sql_type(field.type) for field in schema}
    unknown = [f"{field.name} ({field.type})" for field in schema if types[field.name] is None]
    if unknown:
        raise FilesRefused([path], f"columns that cannot be stored: {', '.join(unknown)}")
    return tuple(Column(field.name, types[field.name] or "", field.nullable) for field in schema)


def describe(paths: Sequence[Path], schema: "pa.Schema") -> tuple[list[File], list[Path]]:
    """Read the footers: the files of `schema`, and those of another one."""
    files: list[File] = []
    others: list[Path] = []
    for path in paths:
        with readable(path, None), open_parquet(path) as parquet:
            if not parquet.schema_arrow.equals(schema, check_metadata=False):
                others.append(path)
            about = path.stat()
            files.append(File(path, about.st_size, about.st_mtime_ns, parquet.metadata.num_rows))
    return files, others


def load(share: Share, on_progress: Callable[[int], None]) -> int:
    """Make the child table and fill it, in one transaction; returns its rows. Raises BulkLoadError."""
    table = sql.Identifier(STORE, share.child)
    expected = sum(file.rows for file in share.files)
    schema = schema_of(share.files[0].path)
    with connect(share.url) as connection, _told(share), transaction(connection) as cursor:
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, definitions(share.columns)))
        loaded = copy_into(
            cursor,
            table,
            schema.names,
            schema,
            _batches(share.files),
            freeze=True,
            on_progress=on_progress,
        )
        if loaded != expected:
            raise BulkLoadError(
                share.child, f"the server loaded {loaded:,} rows where the files have {expected:,}"
            )
        cursor.execute(sql.SQL("ANALYZE {}").format(table))
    return loaded


@contextmanager
def _told(share: Share) -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as error:
        raise BulkLoadError(share.child, reason(error)) from error


def _batches(files: Iterable[File]) -> "Iterator[pa.RecordBatch]":
    """The rows of all files, small ones put together: a batch costs the same however few rows it has."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for file in files:
        with open_parquet(file.path) as parquet:
            for batch in batches_of(parquet):
                waiting.append(batch)
                count += batch.num_rows
                if count >= BATCH_ROWS:
                    yield _together(waiting)
                    waiting, count = [], 0
    if waiting:
        yield _together(waiting)


def _together(batches: "list[pa.RecordBatch]") -> "pa.RecordBatch":
    import pyarrow as pa

    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches([batch.replace_schema_metadata() for batch in batches])
    return table.unify_dictionaries().combine_chunks().to_batches()[0]
