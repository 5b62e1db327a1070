"""The records of bulk loads: `eurostat.bulk_loads` and `eurostat.bulk_files`. Not here: the rows themselves.

A file's rows carry its number within its load in the hidden column FILE_COLUMN, so that the records can be compared
with the rows that are really there.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import psycopg2
from psycopg2.extras import execute_values

from eurostat_assets.model.messages import message
from eurostat_assets.postgres.connection import Connection, Cursor, reason, rows

FILE_COLUMN = "#file"
"""A column of the tables that hold the rows, which the table that users see does not have."""

FILES = "SELECT path, load_id, number, size, modified_ns, rows, replaced FROM eurostat.bulk_files WHERE table_name = %s"
ENTER = """
INSERT INTO eurostat.bulk_files (table_name, path, size, modified_ns, rows, load_id, number) VALUES %s
ON CONFLICT (table_name, path) DO UPDATE SET
    size = excluded.size, modified_ns = excluded.modified_ns, rows = excluded.rows, load_id = excluded.load_id,
    number = excluded.number, replaced = 0
"""
REPLACED = """
UPDATE eurostat.bulk_files SET replaced = replaced + gone.rows
FROM (VALUES %s) AS gone (load_id, number, rows)
WHERE bulk_files.load_id = gone.load_id AND bulk_files.number = gone.number
"""
EMPTIED = """
UPDATE eurostat.bulk_loads SET emptied_at = clock_timestamp()
WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM eurostat.bulk_files WHERE load_id = id AND replaced < rows)
"""


class LoadedFile(Protocol):
    """What is recorded of a file; `number` within its load."""

    @property
    def path(self) -> object: ...
    @property
    def size(self) -> int: ...
    @property
    def modified_ns(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def number(self) -> int: ...


@dataclass(frozen=True)
class Recorded:
    """A file as it was loaded: how many rows it had, and how many of them later loads of a scope have replaced."""

    load: int
    number: int | None
    size: int
    modified_ns: int
    rows: int
    replaced: int


def recorded_files(connection: Connection, table: str) -> dict[str, Recorded]:
    """The files of a table by path."""
    return {path: Recorded(*about) for path, *about in rows(connection, FILES, (table,))}


def last_scope(connection: Connection, table: str) -> str | None:
    """The scope of the last load of this table that had one."""
    query = """
        SELECT scope FROM eurostat.bulk_loads WHERE table_name = %s AND state = 'loaded' AND scope IS NOT NULL
        ORDER BY id DESC LIMIT 1
    """
    found = rows(connection, query, (table,))
    return found[0][0] if found else None


def begin(connection: Connection, table: str, mode: str, scope: str | None) -> int:
    """Enter a load that begins; returns its id."""
    query = "INSERT INTO eurostat.bulk_loads (table_name, mode, scope, state) VALUES (%s, %s, %s, 'loading') RETURNING id"
    return rows(connection, query, (table, mode, scope))[0][0]


def made(cursor: Cursor, table: str) -> bool:
    """Whether a load made the table, rather than a person."""
    query = """
        SELECT EXISTS (SELECT FROM eurostat.bulk_loads
                       WHERE table_name = %s AND state = 'loaded' AND coalesce(mode, 'create') = 'create')
    """
    cursor.execute(query, (table,))
    return cursor.fetchone() == (True,)


def forget(cursor: Cursor, table: str) -> None:
    """No file is in the table any more."""
    cursor.execute("DELETE FROM eurostat.bulk_files WHERE table_name = %s", (table,))


def enter(
    cursor: Cursor,
    table: str,
    load: int,
    files: Sequence[LoadedFile],
    deleted: Mapping[tuple[int, int], int],
    deleted_rows: int,
    seconds: float,
) -> None:
    """The load is done: its files are in the table, and `deleted` rows (by load and number of file) are not any more."""
    if deleted:
        execute_values(cursor, REPLACED, [(*key, count) for key, count in deleted.items()], page_size=5000)
    values = [
        (table, str(file.path), file.size, file.modified_ns, file.rows, load, file.number) for file in files
    ]
    execute_values(cursor, ENTER, values, page_size=5000)
    cursor.execute(EMPTIED, (list({number for number, _ in deleted}),))
    cursor.execute(
        "UPDATE eurostat.bulk_loads SET state = 'loaded', files = %s, rows = %s, deleted_rows = %s, seconds = %s,"
        " finished_at = clock_timestamp() WHERE id = %s",
        (len(files), sum(file.rows for file in files), deleted_rows, seconds, load),
    )


def fail(connection: Connection, load: int, error: BaseException) -> None:
    """Record why a load failed; one whose transaction was committed before that has not failed."""
    story = reason(error) if isinstance(error, psycopg2.Error) else f"{type(error).__name__}: {error}"
    query = """
        UPDATE eurostat.bulk_loads SET state = 'failed', error = %s, finished_at = now()
        WHERE id = %s AND state = 'loading'
    """
    # Where the database is gone, the next load of this table finds what is left.
    with suppress(psycopg2.Error):
        rows(connection, query, (message(story), load))
