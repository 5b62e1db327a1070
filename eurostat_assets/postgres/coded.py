"""Codes as numbers: two bytes for each in the table, their texts in a lookup table, a view to put them together.

For mirrors beyond one disk. Readers see a view of the same shape. The numbers are
a release's own, and its lookup table is switched with it: a snapshot older than the release sees all of both.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql

from eurostat_assets.postgres.connection import Cursor
from eurostat_assets.postgres.errors import DependentsInTheWay, PublishError
from eurostat_assets.postgres.loading import copy_into
from eurostat_assets.postgres.switching import Parent, definitions, relation, switch
from eurostat_assets.postgres.table import (
    SCHEMA,
    SOURCE,
    SOURCE_COLUMN,
    STORE,
    Column,
    ReleaseFile,
    coded_parent,
    codes_of,
    codes_parent,
)

MOST_CODES = 32_767
WIDTHS = {"date": 4, "integer": 4, "real": 4, "smallint": 2, "boolean": 1}
LOOKUP = (
    Column("dimension", "text", nullable=False),
    Column("id", "smallint", nullable=False),
    Column("code", "text", nullable=False),
)

DEPENDENTS = """
SELECT DISTINCT pg_describe_object(classid, objid, objsubid)
FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
WHERE refclassid = 'pg_class'::regclass AND refobjid = format('%%I.%%I', %s, %s)::regclass
  AND attname = ANY(%s) AND deptype = 'n'
"""


def coded_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns as they are stored: text becomes smallint, wide ones come first so that none needs padding.

    A missing code is 0, which no lookup table has: a null would cost the row eight bytes.
    """
    coded = [
        replace(column, type="smallint", nullable=False) if column.type == "text" else column
        for column in columns
    ]
    return tuple(sorted(coded, key=lambda column: WIDTHS.get(column.type, 8), reverse=True))


class Coder:
    """Numbers the codes of each text column, from 1, in the order in which they come along."""

    def __init__(self, dataset: str, columns: Sequence[Column]) -> None:
        self._dataset = dataset
        self.codes: dict[str, dict[str, int]] = {
            column.name: {} for column in columns if column.type == "text"
        }

    def coded(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches with numbers for codes."""
        for batch in batches:
            columns = [self._coded(*item) for item in zip(batch.schema.names, batch.columns, strict=True)]
            yield pa.record_batch(columns, names=batch.schema.names)

    def _coded(self, name: str, column: pa.Array) -> pa.Array:
        if name not in self.codes:
            return column
        if not isinstance(column, pa.DictionaryArray):
            column = column.dictionary_encode()
        known = self.codes[name]
        numbers = [known.setdefault(code, len(known) + 1) for code in column.dictionary.to_pylist()]
        if len(known) > MOST_CODES:
            raise PublishError(
                self._dataset, f"column {name!r} has more than {MOST_CODES:,} codes: store them as text"
            )
        indices = column.indices
        if indices.null_count:
            indices = pc.fill_null(indices.cast(pa.int32()), len(numbers))
            numbers.append(0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(numbers, pa.int16()))


def load_codes(cursor: Cursor, child: str, coder: Coder) -> None:
    """The lookup table of the release in `child`, in the transaction that made that one."""
    table = sql.Identifier(STORE, codes_of(child))
    cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, definitions(LOOKUP)))
    rows = [
        {"dimension": name, "id": number, "code": code}
        for name, codes in coder.codes.items()
        for code, number in codes.items()
    ]
    schema = pa.schema([("dimension", pa.string()), ("id", pa.int16()), ("code", pa.string())])
    batch = pa.RecordBatch.from_pylist(rows, schema)
    copy_into(cursor, table, schema.names, schema, iter([batch]), freeze=True)
    cursor.execute(sql.SQL("CREATE UNIQUE INDEX ON {} (dimension, id)").format(table))
    cursor.execute(sql.SQL("ANALYZE {}").format(table))


def switch_coded(cursor: Cursor, file: ReleaseFile, child: str, *, keep_dependents: bool) -> None:
    """Within the caller's transaction: make the release in `child` what the view `eurostat.<code>` shows."""
    view = sql.Identifier(SCHEMA, file.table)
    present = relation(cursor, view)
    if present and present.kind != "v":
        raise PublishError(file.dataset, f"{SCHEMA}.{file.table} is not our view: rename or drop it")
    shown = dict(present.columns) if present else {}
    wanted = {column.name: column for column in (*file.columns, SOURCE)}
    gone = [name for name in shown if name not in wanted]
    if gone and not keep_dependents:
        _refuse_if_needed(cursor, file, view, gone)
    data = Parent(file.dataset, sql.Identifier(STORE, coded_parent(file.table)), SOURCE_COLUMN,
                  (*coded_columns(file.columns), SOURCE))  # fmt: skip
    lookup = Parent(file.dataset, sql.Identifier(STORE, codes_parent(file.table)), "dimension", LOOKUP)
    before = relation(cursor, data.name)
    stored = set(before.columns) if before else set()
    if stored - wanted.keys():
        # The view must let go of a column before the table can.
        _show(cursor, file, view, list(shown), null={*gone, *(wanted.keys() - stored)})
    switch(cursor, data, sql.Identifier(STORE, child), keep_dependents=False)
    switch(cursor, lookup, sql.Identifier(STORE, codes_of(child)), keep_dependents=False)
    if not present:
        # Known to be unique, a lookup that a query does not need is left out by the planner.
        cursor.execute(sql.SQL("CREATE UNIQUE INDEX ON {} (dimension, id)").format(lookup.name))
    if not present or stored != wanted.keys():
        _show(cursor, file, view, [*shown, *(name for name in wanted if name not in shown)], null=set(gone))


def _refuse_if_needed(cursor: Cursor, file: ReleaseFile, view: sql.Identifier, gone: list[str]) -> None:
    """Raise DependentsInTheWay where something depends on the view's columns that are gone from the source."""
    cursor.execute(DEPENDENTS, (*view.strings, gone))
    dependents = [found for (found,) in cursor.fetchall()]
    if dependents:
        raise DependentsInTheWay(file.dataset, ", ".join(gone), "\n".join(dependents))


def _show(cursor: Cursor, file: ReleaseFile, view: sql.Identifier, names: list[str], null: set[str]) -> None:
    """Define the view. Its columns can be added to but not taken away: those that are gone are `null`."""
    texts = {column.name for column in file.columns if column.type == "text"}
    columns: list[sql.Composable] = []
    lookups: list[sql.Composable] = []
    for name in names:
        column = sql.Identifier(name)
        if name in null:
            columns.append(sql.SQL("NULL::text AS {}").format(column))
        elif name in texts:
            columns.append(sql.SQL("{}.code AS {}").format(sql.Identifier(f"{name}#"), column))
            lookups.append(
                sql.SQL("LEFT JOIN {} AS {lookup} ON {lookup}.dimension = {} AND {lookup}.id = data.{}").format(
                    sql.Identifier(STORE, codes_parent(file.table)), sql.Literal(name), column,
                    lookup=sql.Identifier(f"{name}#"),
                )
            )  # fmt: skip
        else:
            columns.append(sql.SQL("data.{}").format(column))
    cursor.execute(
        sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT {} FROM {} AS data {}").format(
            view,
            sql.SQL(", ").join(columns),
            sql.Identifier(STORE, coded_parent(file.table)),
            sql.SQL(" ").join(lookups),
        )
    )
