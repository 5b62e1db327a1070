"""A dataset whose codes were stored as text and are to be numbers now, or the other way round.

The only time at which what readers query gives way to another object of the same name: grants are carried over,
and anything that depends on it makes the publication refuse.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2 import sql

from eurostat_assets.postgres.connection import Cursor
from eurostat_assets.postgres.switching import drop, relation
from eurostat_assets.postgres.table import STORE, ReleaseFile, coded_parent, codes_parent

GRANTS = """
SELECT privilege_type, coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC'), is_grantable
FROM pg_class, aclexplode(relacl)
WHERE oid = format('%%I.%%I', %s, %s)::regclass AND grantee <> relowner
"""


@contextmanager
def make_way(cursor: Cursor, file: ReleaseFile, name: sql.Identifier, other: str) -> Iterator[bool]:
    """Around a switch: where `name` is ours and still of the `other` kind (p: table, v: view), it is removed first.

    Gives whether it was. Raises DependentsInTheWay.
    """
    present = relation(cursor, name)
    if present is None or present.kind != other or not _is_ours(cursor, file):
        yield False
        return
    cursor.execute(GRANTS, name.strings)
    grants = cursor.fetchall()
    if other == "v":
        drop(cursor, file.dataset, sql.SQL("DROP VIEW {} RESTRICT").format(name), file.table)
        for parent in (coded_parent(file.table), codes_parent(file.table)):
            _drop_parent(cursor, file, sql.Identifier(STORE, parent))
    else:
        _drop_parent(cursor, file, name)
    yield True
    for privilege, grantee, grantable in grants:
        cursor.execute(
            sql.SQL("GRANT {} ON {} TO {} {}").format(
                sql.SQL(privilege), name, sql.SQL(grantee), sql.SQL("WITH GRANT OPTION" if grantable else "")
            )
        )


def _drop_parent(cursor: Cursor, file: ReleaseFile, parent: sql.Identifier) -> None:
    """Drop a partitioned table, but not its release: that one is for the sweep, or kept."""
    present = relation(cursor, parent)
    if present:
        cursor.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(parent))
        if present.attached:
            cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(parent, present.attached))
        drop(cursor, file.dataset, sql.SQL("DROP TABLE {} RESTRICT").format(parent), file.table)


def _is_ours(cursor: Cursor, file: ReleaseFile) -> bool:
    cursor.execute(
        "SELECT 1 FROM eurostat.datasets WHERE dataset = %s AND table_name IS NOT NULL", (file.dataset,)
    )
    return cursor.fetchone() is not None
