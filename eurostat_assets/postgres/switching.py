"""The moment a loaded release becomes the one that readers see.

A table that readers know is a partitioned parent that never goes away, so views, grants, policies and comments
stay. It has one partition, the present release, attached as its DEFAULT (which needs no scan). A switch
detaches that one and attaches the next, under a lock held for milliseconds and waited for not much longer.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg2.errors
from psycopg2 import sql

from eurostat_assets.postgres.connection import Cursor
from eurostat_assets.postgres.errors import DependentsInTheWay, PublishError
from eurostat_assets.postgres.table import Column

RELATION = """
SELECT parent.oid, parent.relkind, child.relnamespace::regnamespace::text, child.relname
FROM pg_class AS parent
LEFT JOIN pg_partitioned_table AS partitioned ON partrelid = parent.oid
LEFT JOIN pg_class AS child ON child.oid = partdefid
WHERE parent.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND parent.relname = %s
"""
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull FROM pg_attribute
WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


@dataclass(frozen=True)
class Relation:
    """What bears a name now: `kind` as in pg_class (p: partitioned table, v: view), its columns, and the
    partition attached to it."""

    kind: str
    columns: dict[str, Column]
    attached: sql.Composable | None


@dataclass(frozen=True)
class Parent:
    """A partitioned table as it is to be; `key` is one of its columns."""

    dataset: str
    name: sql.Identifier
    key: str
    columns: tuple[Column, ...]


def definitions(columns: Iterable[Column]) -> sql.Composed:
    """`"name" type [NOT NULL], …`. The types are from our own list, never from outside."""
    return sql.SQL(", ").join(
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(column.type),
            sql.SQL("" if column.nullable else " NOT NULL"),
        )
        for column in columns
    )


def relation(cursor: Cursor, name: sql.Identifier) -> Relation | None:
    """What `name` (schema and table) is now, None where there is nothing of that name."""
    cursor.execute(RELATION, name.strings)
    found = cursor.fetchone()
    if found is None:
        return None
    oid, kind, schema, partition = found
    cursor.execute(COLUMNS, (oid,))
    columns = {row[0]: Column(*row) for row in cursor.fetchall()}
    return Relation(kind, columns, sql.Identifier(schema, partition) if partition else None)


def switch(cursor: Cursor, parent: Parent, child: sql.Identifier, *, keep_dependents: bool) -> None:
    """Within the caller's transaction: make `child` the one partition of `parent`, which is made if need be.

    Readers wait from the lock to the commit, so whatever else belongs to the transaction comes before. Raises
    psycopg2.errors.LockNotAvailable where a reader is in the way for longer than the lock_timeout, and
    DependentsInTheWay where a column went that something depends on.
    """
    attach = sql.SQL("ALTER TABLE {} ATTACH PARTITION {} DEFAULT").format(parent.name, child)
    present = relation(cursor, parent.name)
    if present is None:
        create = sql.SQL("CREATE TABLE {} ({}) PARTITION BY LIST ({})").format(
            parent.name, definitions(parent.columns), sql.Identifier(parent.key)
        )
        cursor.execute(sql.SQL(";").join([create, attach]))
        return
    if present.kind != "p":
        raise PublishError(
            parent.dataset, f"{'.'.join(parent.name.strings)} is not our table: rename or drop it"
        )
    steps: list[sql.Composable] = [sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(parent.name)]
    if present.attached:
        steps.append(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent.name, present.attached))
    if not _alike(present.columns.values(), parent.columns):
        cursor.execute(sql.SQL(";").join(steps))
        _reconcile(cursor, parent, present, child, keep_dependents)
        steps = []
    cursor.execute(sql.SQL(";").join([*steps, attach]))


def _alike(some: Iterable[Column], others: Iterable[Column]) -> bool:
    """Whether the columns are the same, whatever their order."""
    shapes = [
        {(column.name, column.type, column.nullable) for column in columns} for columns in (some, others)
    ]
    return shapes[0] == shapes[1]


def _reconcile(
    cursor: Cursor, parent: Parent, present: Relation, child: sql.Identifier, keep_dependents: bool
) -> None:
    """Give the parent, which is empty now, the columns it is to have.

    Nothing is ever dropped by CASCADE: a column that views or policies need stays and is null
    (`keep_dependents`), or the publication is refused.
    """
    alter = sql.SQL("ALTER TABLE {} ").format(parent.name)
    wanted = {column.name: column for column in parent.columns}
    for name, old in present.columns.items():
        new = wanted.get(name)
        if new is None or new.type != old.type:
            _drop_column(cursor, parent, old, child, keep_dependents and new is None)
        elif new.nullable != old.nullable:
            verb = sql.SQL("DROP" if new.nullable else "SET")
            cursor.execute(alter + sql.SQL("ALTER COLUMN {} {} NOT NULL").format(sql.Identifier(name), verb))
    for name, new in wanted.items():
        if name not in present.columns or present.columns[name].type != new.type:
            cursor.execute(alter + sql.SQL("ADD COLUMN {}").format(definitions([new])))


def _drop_column(cursor: Cursor, parent: Parent, old: Column, child: sql.Identifier, keep: bool) -> None:
    name = sql.Identifier(old.name)
    try:
        drop(cursor, parent.dataset, sql.SQL("ALTER TABLE {} DROP COLUMN {} RESTRICT").format(parent.name, name),
             old.name)  # fmt: skip
    except DependentsInTheWay:
        if not keep:
            raise
        cursor.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL").format(parent.name, name))
        cursor.execute(sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(child, name, sql.SQL(old.type)))


def drop(cursor: Cursor, dataset: str, command: sql.Composable, what: str) -> None:
    """Run a DROP … RESTRICT; the transaction goes on after DependentsInTheWay, which tells what needs `what`."""
    cursor.execute("SAVEPOINT dropping")
    try:
        cursor.execute(command)
    except psycopg2.errors.DependentObjectsStillExist as error:
        cursor.execute("ROLLBACK TO SAVEPOINT dropping")
        raise DependentsInTheWay(dataset, what, error.diag.message_detail or "") from error
    cursor.execute("RELEASE SAVEPOINT dropping")
