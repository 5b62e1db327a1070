"""The moment a loaded release becomes the one that readers see.

The table readers know is a partitioned parent that never goes away, so views, grants, policies and comments
stay. It has one partition, the present release, attached as its DEFAULT (which needs no scan). A switch
detaches that one and attaches the next, under a lock held for milliseconds and waited for not much longer.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg2.errors
from psycopg2 import sql

from eurostat_assets.postgres.errors import DependentsInTheWay, PublishError
from eurostat_assets.postgres.table import SCHEMA, SOURCE_COLUMN, STORE, Column, ReleaseFile

if TYPE_CHECKING:
    from eurostat_assets.postgres.connection import Cursor

PARENT = """
SELECT parent.oid, parent.relkind, child.relnamespace::regnamespace::text, child.relname
FROM pg_class AS parent
LEFT JOIN pg_partitioned_table AS partitioned ON partrelid = parent.oid
LEFT JOIN pg_class AS child ON child.oid = partdefid
WHERE parent.relnamespace = %s::regnamespace AND parent.relname = %s
"""
SOURCE = Column(SOURCE_COLUMN, "text", nullable=False)


@dataclass(frozen=True)
class Parent:
    """The table readers know, as it is now: its columns and the release attached to it."""

    columns: dict[str, Column]
    attached: sql.Composable | None


def column_definition(column: Column) -> sql.Composed:
    """`"name" type [NOT NULL]`. The type is from our own list, never from outside."""
    null = sql.SQL("" if column.nullable else " NOT NULL")
    return sql.SQL("{} {}{}").format(sql.Identifier(column.name), sql.SQL(column.type), null)


def switch(cursor: "Cursor", file: ReleaseFile, child: str, *, keep_dependents: bool) -> None:
    """Within the caller's transaction: make `child`, a table in STORE, the release that readers see.

    Raises psycopg2.errors.LockNotAvailable where a reader is in the way for longer than the lock_timeout, and
    DependentsInTheWay where a column went that something depends on.
    """
    table = sql.Identifier(SCHEMA, file.table)
    parent = _parent(cursor, file)
    if parent is None:
        columns = sql.SQL(", ").join(map(column_definition, (*file.columns, SOURCE)))
        cursor.execute(
            sql.SQL("CREATE TABLE {} ({}) PARTITION BY LIST ({})").format(
                table, columns, sql.Identifier(SOURCE_COLUMN)
            )
        )
    else:
        cursor.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(table))
        if parent.attached:
            cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(table, parent.attached))
        _reconcile(cursor, file, parent, child, keep_dependents)
    cursor.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} DEFAULT").format(table, sql.Identifier(STORE, child))
    )


def _parent(cursor: "Cursor", file: ReleaseFile) -> Parent | None:
    cursor.execute(PARENT, (SCHEMA, file.table))
    found = cursor.fetchone()
    if found is None:
        return None
    oid, kind, space, name = found
    if kind != "p":
        raise PublishError(
            file.dataset, f"{SCHEMA}.{file.table} exists and was not made by us: rename or drop it first"
        )
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute"
        " WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (oid,),
    )
    columns = {row[0]: Column(*row) for row in cursor.fetchall()}
    return Parent(columns, sql.Identifier(space, name) if name else None)


def _reconcile(
    cursor: "Cursor", file: ReleaseFile, parent: Parent, child: str, keep_dependents: bool
) -> None:
    """Give the parent, which is empty now, the columns of the new release.

    Nothing is ever dropped by CASCADE: a column that views or policies need stays and is null
    (`keep_dependents`), or the publication is refused.
    """
    table = sql.Identifier(SCHEMA, file.table)
    alter = sql.SQL("ALTER TABLE {} ").format(table)
    wanted = {column.name: column for column in (*file.columns, SOURCE)}
    for name, old in parent.columns.items():
        new = wanted.get(name)
        if new is None or new.type != old.type:
            _drop_column(cursor, file, old, child, keep_dependents and new is None)
        elif new.nullable != old.nullable:
            verb = sql.SQL("DROP" if new.nullable else "SET")
            cursor.execute(alter + sql.SQL("ALTER COLUMN {} {} NOT NULL").format(sql.Identifier(name), verb))
    for name, new in wanted.items():
        if name not in parent.columns or parent.columns[name].type != new.type:
            cursor.execute(alter + sql.SQL("ADD COLUMN {}").format(column_definition(new)))


def _drop_column(cursor: "Cursor", file: ReleaseFile, old: Column, child: str, keep: bool) -> None:
    table, name = sql.Identifier(SCHEMA, file.table), sql.Identifier(old.name)
    cursor.execute("SAVEPOINT dropping")
    try:
        cursor.execute(sql.SQL("ALTER TABLE {} DROP COLUMN {} RESTRICT").format(table, name))
    except psycopg2.errors.DependentObjectsStillExist as error:
        cursor.execute("ROLLBACK TO SAVEPOINT dropping")
        if not keep:
            raise DependentsInTheWay(file.dataset, old.name, error.diag.message_detail or "") from error
        cursor.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL").format(table, name))
        cursor.execute(
            sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                sql.Identifier(STORE, child), name, sql.SQL(old.type)
            )
        )
    cursor.execute("RELEASE SAVEPOINT dropping")
