"""A scope: the rows of a table that a load replaces, such as `day = 2024-05-01`.

Here: reading the text, and giving its values the type of the column. The text itself never becomes SQL: only a column
name and literals, quoted by the driver, do.
"""

import re
from dataclasses import dataclass
from typing import Literal

import psycopg2
from psycopg2 import sql

from eurostat_assets.postgres.connection import Cursor, reason
from eurostat_assets.postgres.errors import MalformedScope

Operator = Literal["=", ">=", "<"]
COLUMN = r"""(?P<column>[^\W\d]\w*|"(?:[^"]|"")+")"""
VALUE = r"""('(?:[^']|'')*'|[^\s'"<>=;]+)"""
EQUAL = re.compile(rf"{COLUMN}\s*=\s*{VALUE}")
RANGE = re.compile(rf"{COLUMN}\s*>=\s*{VALUE}\s+(?:AND|and)\s+(?P=column)\s*<\s*{VALUE}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENT = re.compile(DAY.pattern + r"([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(?P<zone>Z|[+-]\d{2}(:?\d{2})?)?)?")
TYPE = """
SELECT nspname, typname FROM pg_type JOIN pg_namespace ON pg_namespace.oid = typnamespace
WHERE pg_type.oid = coalesce(
    (SELECT atttypid FROM pg_attribute
     WHERE attrelid = to_regclass(format('%%I.%%I', %s, %s)) AND attname = %s AND attnum > 0 AND NOT attisdropped),
    to_regtype(%s))
"""


@dataclass(frozen=True)
class Scope:
    """`column` and what its value is compared with, as written; `text` is the whole as the user gave it."""

    text: str
    column: str
    conditions: tuple[tuple[Operator, str], ...]

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Read `COLUMN = VALUE` or `COLUMN >= VALUE AND COLUMN < VALUE`. Raises MalformedScope.

        A value with blanks stands in single quotes, a column that is no plain word in double quotes.
        """
        found = EQUAL.fullmatch(text.strip()) or RANGE.fullmatch(text.strip())
        if found is None or not text.isprintable():
            raise MalformedScope(
                text,
                'write "COLUMN = VALUE" or "COLUMN >= VALUE AND COLUMN < VALUE", with one and the same column',
            )
        column, *values = found.groups()
        if any(value.lower() == "null" for value in values):
            raise MalformedScope(text, "NULL is equal to nothing, so it is no scope")
        name = column[1:-1].replace('""', '"') if column.startswith('"') else column
        operators: tuple[Operator, ...] = ("=",) if len(values) == 1 else (">=", "<")
        return cls(text.strip(), name, tuple(zip(operators, map(_unquoted, values), strict=True)))


@dataclass(frozen=True)
class Predicate:
    """A scope as SQL: true for its rows, false or null for all others; `column` is the one that decides."""

    text: str
    column: str
    condition: sql.Composed


def typed(cursor: Cursor, scope: Scope, table: sql.Identifier, columns: dict[str, str]) -> Predicate:
    """The scope with values of the column's type; `columns` are SQL types by name, of a table that may not exist yet.

    A day stands for the whole day where the column holds moments; days and moments without a zone are in UTC.
    Raises MalformedScope for a column that is missing, a value of another type and an empty range.
    """
    if scope.column not in columns:
        raise MalformedScope(
            scope.text, f"there is no column {scope.column!r}; the columns are {', '.join(columns)}"
        )
    cursor.execute(TYPE, (*table.strings, scope.column, columns[scope.column]))
    kind = cursor.fetchone() or ("pg_catalog", "text")
    conditions = [
        condition
        for operator, value in scope.conditions
        for condition in _by_day(scope, kind[1], operator, value)
    ]
    cast = sql.SQL("CAST({} AS {})")
    literals: list[sql.Composed] = []
    cursor.execute("SAVEPOINT typing")
    try:
        cursor.execute("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'")
        for _, value, days in conditions:
            literal = cast.format(sql.Literal(value), sql.Identifier(*kind))
            if days:
                literal = cast.format(
                    sql.SQL("CAST({} AS date) + {}").format(sql.Literal(value), sql.Literal(days)),
                    sql.Identifier(*kind),
                )
            cursor.execute(sql.SQL("SELECT CAST({} AS text)").format(literal))
            (canonical,) = cursor.fetchone() or ("",)
            literals.append(cast.format(sql.Literal(canonical), sql.Identifier(*kind)))
        if len(literals) == 2:
            cursor.execute(sql.SQL("SELECT {} < {}").format(*literals))
            if cursor.fetchone() != (True,):
                raise MalformedScope(
                    scope.text, "its range is empty: the first value must be less than the second"
                )
        condition = sql.SQL(" AND ").join(
            sql.SQL("{} {} {}").format(sql.Identifier(scope.column), sql.SQL(operator), literal)
            for (operator, _, _), literal in zip(conditions, literals, strict=True)
        )
    except (psycopg2.DataError, psycopg2.ProgrammingError, psycopg2.NotSupportedError) as error:
        cursor.execute("ROLLBACK TO SAVEPOINT typing")
        raise MalformedScope(
            scope.text, f"column {scope.column!r} is of type {columns[scope.column]}: {reason(error)}"
        ) from error
    # The settings of this conversion are undone.
    cursor.execute("ROLLBACK TO SAVEPOINT typing")
    return Predicate(scope.text, scope.column, condition)


def _by_day(scope: Scope, kind: str, operator: Operator, value: str) -> list[tuple[Operator, str, int]]:
    """The conditions as (operator, value, days to add to it); dates only as ISO 8601, which no setting reads otherwise."""
    if kind not in ("date", "timestamp", "timestamptz"):
        return [(operator, value, 0)]
    moment = MOMENT.fullmatch(value)
    wanted = "a day such as 2024-05-01" + (
        "" if kind == "date" else " or a moment such as '2024-05-01 12:30:00'"
    )
    if moment is None or (kind == "date" and not DAY.fullmatch(value)):
        raise MalformedScope(scope.text, f"column {scope.column!r} needs {wanted}, and {value!r} is not one")
    if kind == "timestamp" and moment["zone"]:
        raise MalformedScope(scope.text, f"column {scope.column!r} has no time zone, but {value!r} has one")
    if operator == "=" and kind != "date" and DAY.fullmatch(value):
        return [(">=", value, 0), ("<", value, 1)]
    return [(operator, value, 0)]


def _unquoted(value: str) -> str:
    return value[1:-1].replace("''", "'") if value.startswith("'") else value
