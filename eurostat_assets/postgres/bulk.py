"""Any folder of Parquet files into one table, however many and small they are: one COPY stream per worker.

Each worker loads its share into a table of its own, made in the same transaction, so that nothing goes through
the log. When all are whole, one short transaction makes them children of the table (PostgreSQL's inheritance)
and enters the files into `eurostat.bulk_files`. Whatever dies before that has loaded nothing, and no file is
loaded twice.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg2
from psycopg2 import sql
from psycopg2.extras import execute_values

from eurostat_assets.postgres import folder
from eurostat_assets.postgres.connection import Connection, Cursor, connect, reason, rows, transaction
from eurostat_assets.postgres.errors import BulkLoadError, FilesRefused
from eurostat_assets.postgres.folder import File, Share
from eurostat_assets.postgres.migrations import migrate
from eurostat_assets.postgres.switching import definitions, relation
from eurostat_assets.postgres.table import STORE, Column
from eurostat_assets.postgres.workers import Workers

LOCK = 0x65757263
"""First key of the advisory locks, one per table, that let one bulk load at a time work on it."""
Mode = Literal["create", "replace", "append"]
CHILDREN = """
SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
WHERE inhparent = format('%%I.%%I', %s, %s)::regclass AND relnamespace = %s::regnamespace
"""
LEFTOVERS = """
SELECT relname FROM pg_class JOIN eurostat.bulk_loads ON starts_with(relname, format('bulk#%%s_', id))
WHERE relnamespace = %s::regnamespace AND table_name = %s AND state <> 'loaded'
"""


@dataclass(frozen=True)
class BulkLoad:
    """What was loaded; `skipped` files had been loaded before."""

    table: str
    rows: int
    files: int
    skipped: int
    seconds: float


def load_parquet(
    url: str,
    paths: Iterable[Path],
    table: str,
    *,
    mode: Mode = "create",
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> BulkLoad:
    """Load all files of `paths` into `table` (`schema.name`).

    The table must not exist yet (`create`), gives its rows away (`replace`), or is added to, without the files
    that are in it already (`append`). `jobs` processes share the work; `on_progress` gets the rows done and the
    rows in all. Raises FilesRefused before anything is loaded, and BulkLoadError.
    """
    started = time.monotonic()
    name = _identifier(table)
    files = folder.parquet_files(paths)
    if not files:
        raise BulkLoadError(table, "there are no Parquet files")
    migrate(url)
    schema = folder.schema_of(files[0])
    columns = folder.columns_of(files[0], schema)
    with connect(url) as connection, Workers.of(jobs) as workers:
        rows(connection, "SELECT pg_advisory_lock(%s, hashtext(%s))", (LOCK, table))
        _clear_leftovers(connection, table)
        with transaction(connection) as cursor:
            present = relation(cursor, name)
        if present and mode == "create":
            raise BulkLoadError(table, "it exists already: add to it with append, or replace it")
        described = workers.describe(files, schema)
        pending = _pending(connection, table, described) if mode == "append" else described
        load = _begin(connection, table)
        try:
            children = workers.load(_shares(url, load, columns, pending, jobs), on_progress)
            with transaction(connection) as cursor:
                _attach(cursor, table, name, columns, children, mode)
                _enter(cursor, table, load, pending, time.monotonic() - started)
            rows(connection, sql.SQL("ANALYZE {}").format(name))
        except BaseException as error:
            _fail(connection, table, load, error)
            if isinstance(error, psycopg2.Error):
                raise BulkLoadError(table, reason(error)) from error
            raise
    return BulkLoad(
        table, sum(file.rows for file in pending), len(pending), len(files) - len(pending),
        time.monotonic() - started,
    )  # fmt: skip


def _identifier(table: str) -> sql.Identifier:
    parts = table.split(".")
    if len(parts) != 2 or not all(parts):
        raise BulkLoadError(table, "a table is named as schema.name")
    return sql.Identifier(*parts)


def _clear_leftovers(connection: Connection, table: str) -> None:
    """Drop what dead loads of this table left. We hold its lock: nobody else is at it."""
    for (child,) in rows(connection, LEFTOVERS, (STORE, table)):
        rows(connection, sql.SQL("DROP TABLE {}").format(sql.Identifier(STORE, child)))
    rows(
        connection,
        "UPDATE eurostat.bulk_loads SET state = 'interrupted', finished_at = now()"
        " WHERE table_name = %s AND state = 'loading'",
        (table,),
    )


def _pending(connection: Connection, table: str, files: list[File]) -> list[File]:
    """The files that are not in the table yet. Raises FilesRefused where one is there in another state."""
    query = "SELECT path, size, modified_ns FROM eurostat.bulk_files WHERE table_name = %s"
    known = {path: (size, modified) for path, size, modified in rows(connection, query, (table,))}
    changed = [
        file.path
        for file in files
        if known.get(str(file.path), (file.size, file.modified_ns)) != (file.size, file.modified_ns)
    ]
    if changed:
        raise FilesRefused(changed, f"they are in {table} already and have changed since: replace the table")
    return [file for file in files if str(file.path) not in known]


def _begin(connection: Connection, table: str) -> int:
    query = "INSERT INTO eurostat.bulk_loads (table_name, state) VALUES (%s, 'loading') RETURNING id"
    return rows(connection, query, (table,))[0][0]


def _shares(url: str, load: int, columns: tuple[Column, ...], files: list[File], jobs: int) -> list[Share]:
    """The files dealt out in turn, so that shares are about equal."""
    dealt = [tuple(files[first::jobs]) for first in range(jobs)]
    return [Share(url, f"bulk#{load}_{n}", columns, files) for n, files in enumerate(dealt, 1) if files]


def _attach(
    cursor: Cursor,
    table: str,
    name: sql.Identifier,
    columns: tuple[Column, ...],
    children: list[str],
    mode: Mode,
) -> None:
    """Make the loaded shares the table's, and with `replace` nothing else."""
    present = relation(cursor, name)
    if present and mode == "replace":
        cursor.execute(CHILDREN, (*name.strings, STORE))
        old = [sql.Identifier(STORE, child) for (child,) in cursor.fetchall()]
        cursor.execute(sql.SQL("TRUNCATE {}").format(name))
        for child in old:
            cursor.execute(sql.SQL("DROP TABLE {}").format(child))
        cursor.execute("DELETE FROM eurostat.bulk_files WHERE table_name = %s", (table,))
    if not present:
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(name, definitions(columns)))
    for child in children:
        cursor.execute(sql.SQL("ALTER TABLE {} INHERIT {}").format(sql.Identifier(STORE, child), name))


def _enter(cursor: Cursor, table: str, load: int, files: list[File], seconds: float) -> None:
    values: list[tuple[Any, ...]] = [
        (table, str(file.path), file.size, file.modified_ns, file.rows, load) for file in files
    ]
    execute_values(
        cursor,
        "INSERT INTO eurostat.bulk_files (table_name, path, size, modified_ns, rows, load_id) VALUES %s",
        values,
        page_size=5000,
    )
    cursor.execute(
        "UPDATE eurostat.bulk_loads SET state = 'loaded', files = %s, rows = %s, seconds = %s, finished_at = now()"
        " WHERE id = %s",
        (len(files), sum(file.rows for file in files), seconds, load),
    )


def _fail(connection: Connection, table: str, load: int, error: BaseException) -> None:
    story = reason(error) if isinstance(error, psycopg2.Error) else f"{type(error).__name__}: {error}"
    query = "UPDATE eurostat.bulk_loads SET state = 'failed', error = %s, finished_at = now() WHERE id = %s"
    # Where the database is gone, the next load of this table finds what is left.
    with suppress(psycopg2.Error):
        rows(connection, query, (story, load))
        _clear_leftovers(connection, table)
