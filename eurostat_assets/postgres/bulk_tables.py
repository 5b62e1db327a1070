"""The tables behind a bulk-loaded table: its rows lie in children (PostgreSQL's inheritance) in schema STORE, one or more
for each load, named `bulk#<load>_<n>`. Here: attaching, counting, emptying and removing them.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from eurostat_assets.postgres.bulk_state import FILE_COLUMN
from eurostat_assets.postgres.connection import Connection, Cursor, rows, transaction, wait_for_locks
from eurostat_assets.postgres.errors import BulkLoadError, in_the_way
from eurostat_assets.postgres.publication import Patience
from eurostat_assets.postgres.scope import Predicate
from eurostat_assets.postgres.table import STORE
from eurostat_assets.postgres.waiting import LOCKED, Tries

CHILD = re.compile(r"bulk#(\d+)_\d+")
FAMILY = """
WITH RECURSIVE family (relation) AS (
    SELECT to_regclass(format('%%I.%%I', %s, %s))::oid
    UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = relation
)
SELECT relnamespace::regnamespace::text, relname,
       EXISTS (SELECT FROM pg_attribute WHERE attrelid = oid AND attname = %s AND NOT attisdropped)
FROM family JOIN pg_class ON oid = relation ORDER BY oid
"""
LEFTOVERS = """
SELECT relname FROM pg_class JOIN eurostat.bulk_loads ON starts_with(relname, format('bulk#%%s_', id))
WHERE relnamespace = %s::regnamespace AND table_name = %s AND state <> 'loaded'
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)
"""
DIED = """
SELECT DISTINCT table_name FROM eurostat.bulk_loads
WHERE state = 'loading' OR state <> 'loaded' AND EXISTS (
    SELECT FROM pg_class
    WHERE relnamespace = %s::regnamespace AND starts_with(relname, format('bulk#%%s_', id))
      AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)
)
ORDER BY table_name
"""
# A snapshot that is older than the load that emptied a child may still need its rows; after a day nobody has one.
EMPTIED = """
SELECT relname FROM pg_class JOIN eurostat.bulk_loads ON starts_with(relname, format('bulk#%%s_', id))
WHERE relnamespace = %s::regnamespace AND table_name = %s AND emptied_at < now() - interval '1 day'
"""


@dataclass(frozen=True)
class Member:
    """A table whose rows are the user's table's: that one itself, or one below it; `load` is 0 where none made it."""

    name: sql.Identifier
    load: int
    has_files: bool


def family(cursor: Cursor, name: sql.Identifier) -> list[Member]:
    """The table and all below it."""
    cursor.execute(FAMILY, (*name.strings, FILE_COLUMN))
    return [
        Member(sql.Identifier(schema, table), _load_of(schema, table), has_files)
        for schema, table, has_files in cursor.fetchall()
    ]


def count_files(cursor: Cursor, name: sql.Identifier, loads: Iterable[int]) -> dict[tuple[int, int], int]:
    """How many rows each file of these loads has in the table, by load and number of file."""
    query = sql.SQL("SELECT {file}, count(*) FROM ONLY {table} GROUP BY {file}")
    wanted, found = set(loads), dict[tuple[int, int], int]()
    for member in family(cursor, name):
        if member.load in wanted and member.has_files:
            cursor.execute(query.format(file=sql.Identifier(FILE_COLUMN), table=member.name))
            found |= {(member.load, number): count for number, count in cursor.fetchall()}
    return found


def delete(cursor: Cursor, member: Member, condition: sql.Composable) -> dict[int, int]:
    """Delete rows of this one table; returns how many of each file, under 0 those of no file."""
    file = sql.Identifier(FILE_COLUMN) if member.has_files and member.load else sql.SQL("0")
    cursor.execute(
        sql.SQL(
            "WITH gone AS (DELETE FROM ONLY {} WHERE {} RETURNING {} AS file) SELECT file, count(*) FROM gone GROUP BY file"
        ).format(member.name, condition, file)
    )
    return dict(cursor.fetchall())


def lock_out_readers(
    cursor: Cursor, table: str, name: sql.Identifier, patience: Patience, *, children: bool = False
) -> None:
    """Lock the table for the rest of the transaction, and the `children` as well, by tries that let readers pass.

    A reader chooses the children before it takes its snapshot. Without the lock one could choose before the new child
    is there, and look after the old rows are gone.
    """
    only = sql.SQL("" if children else "ONLY ")
    tries = Tries(cursor.connection, f"The load into {table}", [name], patience)
    for wait in tries:
        wait_for_locks(cursor, wait)
        cursor.execute("SAVEPOINT locking")
        try:
            cursor.execute(sql.SQL("LOCK TABLE {}{} IN ACCESS EXCLUSIVE MODE").format(only, name))
        except LOCKED:
            cursor.execute("ROLLBACK TO SAVEPOINT locking")
        else:
            cursor.execute("SELECT set_config('lock_timeout', '0', true)")
            return
    raise BulkLoadError(table, in_the_way("it", patience.readers, tries.in_the_way))


def attach(cursor: Cursor, name: sql.Identifier, children: Sequence[str], scope: Predicate | None) -> None:
    """Make the children's rows the table's; with a `scope` each says that it has no others, so that others skip it."""
    for child in children:
        table = sql.Identifier(STORE, child)
        if scope:
            cursor.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT scope CHECK ({})").format(table, scope.condition)
            )
        cursor.execute(sql.SQL("ALTER TABLE {} INHERIT {}").format(table, name))


def first_outside(cursor: Cursor, children: Sequence[str], scope: Predicate) -> tuple[int, str | None] | None:
    """A row that is not of the scope: the number of its file and its value; None where there is none."""
    for child in children:
        cursor.execute(
            sql.SQL("SELECT {}, CAST({} AS text) FROM ONLY {} WHERE ({}) IS NOT TRUE LIMIT 1").format(
                sql.Identifier(FILE_COLUMN),
                sql.Identifier(scope.column),
                sql.Identifier(STORE, child),
                scope.condition,
            )
        )
        found = cursor.fetchone()
        if found:
            return found
    return None


def with_leftovers(connection: Connection) -> list[str]:
    """The tables of which a load is at work, or has died and left something."""
    return [table for (table,) in rows(connection, DIED, (STORE,))]


def clear_leftovers(connection: Connection, table: str) -> None:
    """Drop what dead loads of this table left, and what has been empty for long. For the holder of its lock only."""
    for (child,) in rows(connection, LEFTOVERS, (STORE, table)):
        # Somebody reads it: next time.
        with suppress(psycopg2.errors.LockNotAvailable), transaction(connection) as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(STORE, child)))
    rows(
        connection,
        "UPDATE eurostat.bulk_loads SET state = 'interrupted', finished_at = now()"
        " WHERE table_name = %s AND state = 'loading'",
        (table,),
    )
    for (child,) in rows(connection, EMPTIED, (STORE, table)):
        name = sql.Identifier(STORE, child)
        # Somebody reads it: next time.
        with suppress(psycopg2.errors.LockNotAvailable), transaction(connection) as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name))
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name))
            if cursor.fetchone() == (False,):
                cursor.execute(sql.SQL("DROP TABLE {}").format(name))


def _load_of(schema: str, table: str) -> int:
    found = CHILD.fullmatch(table) if schema == STORE else None
    return int(found[1]) if found else 0
