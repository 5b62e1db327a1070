"""Which indexes a release gets before it is published. There is no unique one: the reader has proven that already."""

from dataclasses import dataclass

from psycopg2 import sql

from eurostat_assets.postgres.connection import Cursor
from eurostat_assets.postgres.table import ReleaseFile

BRIN_ROWS = 10_000
"""About as many rows as one range of a BRIN index describes (128 pages of 8 KiB)."""


@dataclass(frozen=True)
class Indexes:
    """`brin`: one of no size for the dimensions that lie together on disk; `btree`: lists of columns."""

    brin: bool = True
    btree: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Indexes":
        """From a setting: `brin`, `none`, or columns as in `brin, geo, geo+time_period`."""
        words = [word.strip().lower() for word in text.split(",")]
        btree = tuple(tuple(word.split("+")) for word in words if word not in ("", "brin", "none"))
        return cls("brin" in words, btree)


def create_indexes(cursor: Cursor, table: sql.Identifier, file: ReleaseFile, indexes: Indexes) -> None:
    """Index `table`, freshly loaded from `file`. A btree of a column that the dataset has not is left out."""
    present = {column.name for column in file.columns}
    lists = [("btree", columns) for columns in indexes.btree if present.issuperset(columns)]
    clustered = _clustered(file)
    if indexes.brin and clustered:
        lists.append(("brin", clustered))
    for method, columns in lists:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        cursor.execute(sql.SQL("CREATE INDEX ON {} USING {} ({})").format(table, sql.SQL(method), names))


def _clustered(file: ReleaseFile) -> tuple[str, ...]:
    """The dimensions whose rows of one code lie together for longer than a BRIN range.

    Rows come sorted by dimension, so those are the first ones: each has runs as many times shorter than the one
    before it as it has positions. A dimension with one position tells nothing.
    """
    found: list[str] = []
    run = file.rows
    for column in file.columns:
        run /= max(column.positions, 1)
        if column.positions > 1 and run >= BRIN_ROWS:
            found.append(column.name)
    return tuple(found)
