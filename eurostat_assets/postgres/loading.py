"""Rows into a table, by COPY, in bounded memory. Not here: what table that is.

Why psycopg2 and an encoder of our own (encoding.py), measured with `python -m benchmarks.publisher`: ADBC, kept by
Apache Arrow, cannot COPY with FREEZE, without which snapshots older than the load find the new release empty,
needs a second connection, and takes three times the processor time. pgpq is as fast as ours, but an alpha of one
author that knows no dictionaries. Arrow's kernels do the same in a hundred lines and bring no dependency.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import psycopg2
from psycopg2 import sql

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from eurostat_assets.postgres.connection import Cursor
    from eurostat_assets.postgres.encoding import Encoder

BATCH_ROWS = 65_536
BATCH_BYTES = 1 << 25
CHUNK_BYTES = 1 << 16
OnProgress = Callable[[int], None]
"""Called with the number of rows handed over so far."""

Item = TypeVar("Item")


def batches_of(file: "pq.ParquetFile", rows: int = BATCH_ROWS) -> "Iterator[pa.RecordBatch]":
    """The file's rows, a batch at a time; fewer in a batch where rows are long."""
    about = file.metadata
    size = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
    fitting = BATCH_BYTES * max(1, about.num_rows) // max(1, size)
    return file.iter_batches(batch_size=max(1, min(rows, fitting)), use_threads=False)


def copy_into(
    cursor: "Cursor",
    table: sql.Composable,
    columns: Iterable[str],
    schema: "pa.Schema",
    batches: "Iterable[pa.RecordBatch]",
    *,
    freeze: bool = False,
    encoder: "Encoder | None" = None,
    on_progress: OnProgress | None = None,
) -> int:
    """COPY `batches` (all of `schema`) into `table`; returns the number of rows the server says it stored.

    `freeze` is for a table made in this very transaction: its rows are then visible to every snapshot, older
    ones included, once the transaction commits.
    """
    from eurostat_assets.postgres import encoding

    binary = encoder is not None or encoding.is_binary(schema)
    encoder = encoder or (encoding.binary if binary else encoding.csv)
    command = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT {}, FREEZE {})").format(
        table,
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL("binary" if binary else "csv"),
        sql.SQL("true" if freeze else "false"),
    )
    with ThreadPoolExecutor(1) as ahead:
        stream = _Stream(_ahead(encoder(_counted(batches, on_progress)), ahead))
        try:
            cursor.copy_expert(command, stream, CHUNK_BYTES)  # pyright: ignore[reportArgumentType]
        except psycopg2.Error as error:
            # What went wrong on our side is told to the server, which then only repeats its text.
            raise stream.error or error from error
    return cursor.rowcount


def _counted(
    batches: "Iterable[pa.RecordBatch]", on_progress: OnProgress | None
) -> "Iterator[pa.RecordBatch]":
    rows = 0
    for batch in batches:
        yield batch
        rows += batch.num_rows
        if on_progress:
            on_progress(rows)


def _ahead(items: Iterable[Item], executor: ThreadPoolExecutor) -> Iterator[Item]:
    """`items`, each made while the one before it is on its way: client and server work at the same time."""
    iterator = iter(items)
    end = object()
    coming = executor.submit(next, iterator, end)
    while (item := coming.result()) is not end:
        coming = executor.submit(next, iterator, end)
        yield item  # type: ignore[misc]


class _Stream:
    """Chunks as the file that `copy_expert` reads. To it an empty `bytes` is the end of the file, so an empty
    chunk in the midst must never reach it."""

    def __init__(self, chunks: "Iterator[pa.Buffer | bytes]") -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        while not self._rest:
            try:
                chunk = next(self._chunks, None)
            except BaseException as error:
                self.error = error
                raise
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)
