"""What a published table holds, as the server itself tells it: rows, the transaction that wrote them, a checksum.

For comparing with the file it was loaded from. The checksum is a sum over the rows of `hashint4extended(0, XOR of the hashes
of the columns)`, so that the order of rows does not matter and everything else does. Not here: what it should be.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import psycopg2
from psycopg2 import sql

from eurostat_assets.postgres.connection import Connection, connect, is_lost, reason, rows, where
from eurostat_assets.postgres.errors import DatabaseRefused, DatabaseUnavailable
from eurostat_assets.postgres.table import SCHEMA, STORE, coded_parent, codes_parent, table_name

HASHES = {
    "code": "coalesce(hashtextextended({}, {}), 0)",
    "date": "coalesce(hashint4extended({} - date '1970-01-01', {}), 0)",
    "number": "coalesce(hashfloat8extended({}, {}), 0)",
}
STORED = """
SELECT relkind, array(SELECT attname::text FROM pg_attribute WHERE attrelid = oid AND attnum > 0 AND NOT attisdropped),
       CASE relkind WHEN 'v' THEN md5(pg_get_viewdef(oid)) END
FROM pg_class WHERE oid = to_regclass(format('%%I.%%I', %s, %s))
"""

COMPARED = """
WITH cell AS (
    SELECT {others}, max(obs_value) FILTER (WHERE {dimension} = %(total)s) AS total,
           {parts}(obs_value) FILTER (WHERE {dimension} = ANY(%(parts)s)) AS parts,
           count(obs_value) FILTER (WHERE {dimension} = ANY(%(parts)s)) AS present
    FROM {table}
    WHERE ({dimension} = %(total)s OR {dimension} = ANY(%(parts)s)) AND unit = ANY(%(units)s) AND conf_status IS NULL
    GROUP BY {others}
), compared AS (
    SELECT {others}, total, parts, {off} AS off, {off} > greatest(%(slack)s, %(tolerance)s * abs(total)) AS broken
    FROM cell WHERE total IS NOT NULL AND parts IS NOT NULL AND present >= %(least)s
)
"""
COUNTED = "SELECT count(*), count(*) FILTER (WHERE broken) FROM compared"
WORST = """
SELECT {others}, total, parts FROM compared WHERE broken ORDER BY off / greatest(1, abs(total)) DESC LIMIT %(most)s
"""


class Column(Protocol):
    """A column, what it holds, the seed of its hashes, and whether it is of the key."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Literal["code", "date", "number"]: ...
    @property
    def seed(self) -> int: ...
    @property
    def is_key(self) -> bool: ...


class Hierarchy(Protocol):
    """A total and its parts in one dimension, for some units; see `Reader.implausible`."""

    @property
    def dimension(self) -> str: ...
    @property
    def others(self) -> tuple[str, ...]: ...
    @property
    def total(self) -> str: ...
    @property
    def parts(self) -> tuple[str, ...]: ...
    @property
    def units(self) -> tuple[str, ...]: ...
    @property
    def rule(self) -> Literal["equal", "at_least", "largest"]: ...
    @property
    def tolerance(self) -> float: ...
    @property
    def slack(self) -> float: ...


@dataclass(frozen=True)
class Look:
    """A table without its values. `written_at_once`: one transaction wrote all rows; `evidence`: what must stay the same."""

    columns: tuple[str, ...]
    rows: int
    written_at_once: bool
    evidence: Mapping[str, Any]


class Reader:
    """Questions about published tables, over one connection. Raises DatabaseUnavailable, DatabaseRefused."""

    def __init__(self, url: str, connection: Connection) -> None:
        self._where = where(url)
        self._connection = connection

    def look(self, dataset: str) -> Look | None:
        """What can be seen of the dataset's table without opening its rows; None where there is no table.

        It is scanned (a few hundred MB a second), so that a row inserted, deleted or written again is noticed.
        """
        name = table_name(dataset)
        found = self._rows(STORED, (SCHEMA, name))
        if not found:
            return None
        kind, columns, definition = found[0]
        stored = (
            [(STORE, coded_parent(name)), (STORE, codes_parent(name))] if kind == "v" else [(SCHEMA, name)]
        )
        looks = [self._written(sql.Identifier(*names)) for names in stored]
        evidence = {"definition": definition} | {
            ".".join(names): [count, transaction]
            for names, (count, _, transaction) in zip(stored, looks, strict=True)
        }
        at_once = all(others == 0 for _, others, _ in looks)
        return Look(tuple(columns), looks[0][0], at_once, json.loads(json.dumps(evidence)))

    def _written(self, table: sql.Composable) -> tuple[int, int, str | None]:
        """(rows, those that another transaction wrote than one of them, that transaction)"""
        first = self._rows(sql.SQL("SELECT xmin::text FROM {} LIMIT 1").format(table))
        if not first:
            return 0, 0, None
        query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE xmin <> {}::xid) FROM {}")
        ((count, others),) = self._rows(query.format(sql.Literal(first[0][0]), table))
        return count, others, first[0][0]

    def digest(self, dataset: str, columns: Sequence[Column]) -> tuple[int, int]:
        """(rows, checksum) of these columns of the dataset's table."""
        query = sql.SQL("SELECT count(*), coalesce(sum({}), 0)::text FROM {}")
        ((count, checksum),) = self._rows(query.format(_row_hash(columns), _table(dataset)))
        return count, int(checksum)

    def buckets(self, dataset: str, columns: Sequence[Column], count: int) -> dict[int, tuple[int, int]]:
        """{bucket: (rows, checksum modulo 2^64)}; `count` is a power of two."""
        query = sql.SQL("SELECT {}, count(*), sum({})::text FROM {} GROUP BY 1")
        found = self._rows(query.format(_bucket(columns, count), _row_hash(columns), _table(dataset)))
        return {bucket: (number, int(checksum) % 2**64) for bucket, number, checksum in found}

    def rows_of(
        self, dataset: str, columns: Sequence[Column], count: int, buckets: Sequence[int]
    ) -> list[tuple[Any, ...]]:
        """The rows in these buckets."""
        names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
        query = sql.SQL("SELECT {} FROM {} WHERE {} = ANY(%s)")
        return self._rows(query.format(names, _table(dataset), _bucket(columns, count)), (list(buckets),))

    def hash_codes(self, codes: Sequence[str], seed: int) -> list[int]:
        """`hashtextextended(code, seed)` of each."""
        return self._hashes("hashtextextended(value, %s)", "text[]", list(codes), seed)

    def hash_numbers(self, numbers: Sequence[float], seed: int) -> list[int]:
        """`hashfloat8extended(number, seed)` of each."""
        return self._hashes("hashfloat8extended(value, %s)", "float8[]", list(numbers), seed)

    def hash_keys(self, keys: Sequence[int], seed: int) -> list[int]:
        """`hashint4extended(key, seed)` of each."""
        return self._hashes("hashint4extended(value, %s)", "int[]", list(keys), seed)

    def implausible(
        self, dataset: str, hierarchy: Hierarchy, most: int = 10
    ) -> tuple[int, int, list[dict[str, Any]]]:
        """(totals compared, those that break the rule, the worst of them) among cells that are not confidential.

        Sorts on disk where it must, so its memory is bounded by the server's work_mem.
        """
        names = {
            "others": sql.SQL(", ").join(map(sql.Identifier, hierarchy.others)),
            "dimension": sql.Identifier(hierarchy.dimension),
            "table": _table(dataset),
            "parts": sql.SQL("max" if hierarchy.rule == "largest" else "sum"),
            "off": sql.SQL("abs(parts - total)" if hierarchy.rule == "equal" else "parts - total"),
        }
        # All parts for a sum, any of them for the largest.
        least = 1 if hierarchy.rule == "largest" else len(hierarchy.parts)
        arguments = {
            "total": hierarchy.total, "parts": list(hierarchy.parts), "units": list(hierarchy.units), "least": least,
            "tolerance": hierarchy.tolerance, "slack": hierarchy.slack, "most": most,
        }  # fmt: skip
        ((compared, off),) = self._rows(sql.SQL(COMPARED + COUNTED).format(**names), arguments)
        if not off:
            return compared, 0, []
        worst = self._rows(sql.SQL(COMPARED + WORST).format(**names), arguments)
        return (
            compared,
            off,
            [dict(zip([*hierarchy.others, "total", "parts"], row, strict=True)) for row in worst],
        )

    def _hashes(self, expression: str, kind: str, values: list[Any], seed: int) -> list[int]:
        query = (
            f"SELECT {expression} FROM unnest(%s::{kind}) WITH ORDINALITY AS u (value, place) ORDER BY place"  # noqa: S608
        )
        return [value for (value,) in self._rows(query, (seed, values))]

    def _rows(self, query: Any, arguments: Any = ()) -> list[tuple[Any, ...]]:
        try:
            return rows(self._connection, query, arguments)
        except psycopg2.Error as error:
            kind = DatabaseUnavailable if is_lost(error) else DatabaseRefused
            raise kind(self._where, reason(error)) from error


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """Questions about the published tables, over a connection that ends with the block."""
    with connect(url) as connection:
        yield Reader(url, connection)


def _table(dataset: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, table_name(dataset))


def _xor(columns: Sequence[Column]) -> sql.Composable:
    return sql.SQL(" # ").join(
        sql.SQL(HASHES[column.kind]).format(sql.Identifier(column.name), sql.Literal(column.seed))
        for column in columns
    )


def _row_hash(columns: Sequence[Column]) -> sql.Composable:
    return sql.SQL("hashint4extended(0, {})").format(_xor(columns))


def _bucket(columns: Sequence[Column], count: int) -> sql.Composable:
    return sql.SQL("(({}) & {})").format(
        _xor([column for column in columns if column.is_key]), sql.Literal(count - 1)
    )
