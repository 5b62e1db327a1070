"""Ways of getting a Parquet file of observations into a new Postgres table, each in a process of its own.

    python -m benchmarks.engines ENGINE URL PARQUET TABLE

Says "ready" when everything is imported, begins at the first line of input, and prints as JSON when it began
and ended, how many rows the table has, and the process' peak memory and processor time.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extras import execute_values

from benchmarks.report import peak_memory
from eurostat_assets.postgres import Indexes, Storage, encoding, publish
from eurostat_assets.postgres.loading import batches_of, copy_into
from eurostat_assets.postgres.switching import definitions
from eurostat_assets.postgres.table import ReleaseFile, open_parquet, read_release_file

Engine = Callable[[Any, ReleaseFile, sql.Identifier], None]


def ours(cursor: Any, file: ReleaseFile, table: sql.Identifier) -> None:
    _copy(cursor, file, table, encoding.binary)


def csv(cursor: Any, file: ReleaseFile, table: sql.Identifier) -> None:
    command = sql.SQL("COPY {} FROM STDIN WITH (FORMAT csv, FREEZE)").format(table)
    with open_parquet(file.parquet) as parquet:
        cursor.copy_expert(command, _Chunks(encoding.csv(batches_of(parquet))))  # pyright: ignore


def pgpq(cursor: Any, file: ReleaseFile, table: sql.Identifier) -> None:
    _copy(cursor, file, table, _pgpq)


def execute_values_(cursor: Any, file: ReleaseFile, table: sql.Identifier) -> None:
    command = sql.SQL("INSERT INTO {} VALUES %s").format(table).as_string(cursor)
    with open_parquet(file.parquet) as parquet:
        for batch in batches_of(parquet, 10_000):
            execute_values(
                cursor, command, list(zip(*batch.to_pydict().values(), strict=True)), page_size=10_000
            )


def server(cursor: Any, file: ReleaseFile, table: sql.Identifier) -> None:
    """The bound: the server reads a binary file of the same rows by itself."""
    name = str(Path(str(file.parquet)).with_suffix(".copy"))
    cursor.execute(sql.SQL("COPY {} FROM {} WITH (FORMAT binary, FREEZE)").format(table, sql.Literal(name)))


ENGINES: dict[str, Engine] = {
    "ours": ours,
    "csv": csv,
    "pgpq": pgpq,
    "execute_values": execute_values_,
    "server": server,
}


def main(engine: str, url: str, parquet: Path, table: str) -> None:
    file = read_release_file(parquet)
    run = _run_of(engine)
    print("ready", flush=True)
    sys.stdin.readline()
    began, worked = time.monotonic(), time.process_time()
    run(url, file, sql.Identifier("public", table))
    ended = time.monotonic()
    used = {"rss": peak_memory(), "cpu": time.process_time() - worked}
    print(json.dumps({"began": began, "ended": ended, "rows": file.rows, **used}))


def _run_of(engine: str) -> Callable[[str, ReleaseFile, sql.Identifier], None]:
    name, _, indexes = engine.partition(":")
    if name == "publish":
        storage = Storage(indexes=Indexes.parse(indexes)) if indexes else Storage()
        return lambda url, file, _: publish(url, file.parquet, storage=storage) and None
    if engine == "adbc":
        import adbc_driver_postgresql.dbapi  # noqa: F401 (so that the import is not timed)

        return _adbc
    if engine == "pgpq":
        import pgpq as _  # noqa: F401

    def run(url: str, file: ReleaseFile, table: sql.Identifier) -> None:
        """The table, its rows and the commit: one transaction, as in a publication."""
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, definitions(file.columns)))
            ENGINES[engine](cursor, file, table)

    return run


def _copy(cursor: Any, file: ReleaseFile, table: sql.Identifier, encoder: encoding.Encoder) -> None:
    names = [column.name for column in file.columns]
    with open_parquet(file.parquet) as parquet:
        copy_into(
            cursor, table, names, parquet.schema_arrow, batches_of(parquet), freeze=True, encoder=encoder
        )


def _pgpq(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """It knows no dictionaries."""
    from pgpq import ArrowToPostgresBinaryEncoder

    encoder = None
    for batch in batches:
        plain = pa.schema(
            [
                field.with_type(
                    field.type.value_type if isinstance(field.type, pa.DictionaryType) else field.type
                )
                for field in batch.schema
            ]
        )
        if encoder is None:
            encoder = ArrowToPostgresBinaryEncoder(plain)
            yield encoder.write_header()
        yield encoder.write_batch(batch.cast(plain))
    if encoder is not None:
        yield encoder.finish()


def _adbc(url: str, file: ReleaseFile, table: sql.Identifier) -> None:
    """It knows no FREEZE, so the rows stay invisible to older snapshots."""
    import adbc_driver_postgresql.dbapi as adbc

    columns = ", ".join(f'"{column.name}" {column.type}' for column in file.columns)
    schema, name = table.strings
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE "{schema}"."{name}" ({columns})')
        with open_parquet(file.parquet) as parquet:
            reader = pa.RecordBatchReader.from_batches(parquet.schema_arrow, batches_of(parquet))
            cursor.adbc_ingest(name, reader, mode="append", db_schema_name=schema)
        connection.commit()


class _Chunks:
    """The simplest file there can be over chunks none of which is empty."""

    def __init__(self, chunks: Iterator[Any]) -> None:
        self._chunks = chunks

    def read(self, _size: int) -> bytes:
        return bytes(next(self._chunks, b""))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4])
