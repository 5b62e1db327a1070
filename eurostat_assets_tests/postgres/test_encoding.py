"""What goes through COPY arrives as it was, whatever the type, in binary and in CSV."""

import datetime as dt
import decimal
from collections.abc import Iterator
from typing import Any

import psycopg2
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from eurostat_assets.postgres import encoding
from eurostat_assets.postgres.connection import Cursor
from eurostat_assets.postgres.encoding import Encoder
from eurostat_assets.postgres.loading import copy_into
from eurostat_assets.postgres.table import sql_type

text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))
VALUES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.string(), text),
    (pa.large_string(), text),
    (pa.dictionary(pa.int8(), pa.string()), text),
    (pa.dictionary(pa.int32(), pa.string()), text),
    (pa.binary(), st.binary(max_size=20)),
    (pa.bool_(), st.booleans()),
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint8(), st.integers(0, 255)),
    (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    (pa.uint16(), st.integers(0, 2**16 - 1)),
    (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    (pa.uint32(), st.integers(0, 2**32 - 1)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.float32(), st.floats(width=32, allow_nan=False)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.date32(), st.dates()),
    (pa.timestamp("s"), moments.map(lambda moment: moment.replace(microsecond=0))),
    (pa.timestamp("us"), moments),
    (pa.timestamp("us", "UTC"), moments.map(lambda moment: moment.replace(tzinfo=dt.UTC))),
]
columns = st.lists(st.sampled_from(VALUES), min_size=1, max_size=6)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Some rows of some columns, in a few batches that do not begin where their buffers begin."""
    rows = draw(st.integers(0, 12))
    drawn = [
        pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind)
        for kind, values in draw(columns)
    ]
    table = pa.table({f"c{n}": column for n, column in enumerate(drawn)})
    skipped = draw(st.integers(0, rows))
    return pa.concat_tables([table.slice(skipped), table.slice(0, skipped)])


@pytest.fixture(scope="module")
def cursor(postgres_server: Any) -> Iterator[Cursor]:
    connection = psycopg2.connect(postgres_server.url("encoding"), options="-c timezone=UTC")
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


def arrived(cursor: Cursor, table: pa.Table, encoder: Encoder | None) -> list[tuple[Any, ...]]:
    cursor.execute("DROP TABLE IF EXISTS arrived")
    types = [f"{name} {sql_type(table.schema.field(name).type)}" for name in table.column_names]
    cursor.execute(f"CREATE TEMP TABLE arrived (at serial, {', '.join(types)})")
    batches = iter(table.to_batches())
    name = sql.Identifier("arrived")
    rows = copy_into(cursor, name, table.column_names, table.schema, batches, encoder=encoder)
    assert rows == table.num_rows
    # Postgres writes a real with as few digits as tell it apart, which Python then reads as another number.
    names = [f"{f.name}::float8" if pa.types.is_float32(f.type) else f.name for f in table.schema]
    cursor.execute(f"SELECT {', '.join(names)} FROM arrived ORDER BY at")  # noqa: S608
    return [
        tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
        for row in cursor.fetchall()
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables())
def test_binary_rows_arrive_as_they_were(cursor: Cursor, table: pa.Table) -> None:
    assert arrived(cursor, table, encoding.binary) == [tuple(row.values()) for row in table.to_pylist()]


def test_a_type_that_the_binary_encoder_lacks_goes_through_csv(cursor: Cursor) -> None:
    table = pa.table(
        {
            "number": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-7")], pa.decimal128(20, 2)),
            "text": pa.array(["", 'quo"ted, \n\\N', None]).dictionary_encode(),
            "day": [dt.date(2020, 2, 29), None, dt.date(1, 1, 1)],
            "wide": pa.array(["\\.", None, "NULL"]),
        }
    )
    assert arrived(cursor, table, None) == [tuple(row.values()) for row in table.to_pylist()]


def test_wide_dictionaries_are_not_multiplied(cursor: Cursor) -> None:
    rows = 3000
    table = pa.table(
        {f"c{n}": pa.array([f"{n}-{row}" for row in range(rows)]).dictionary_encode() for n in range(4)}
    )
    assert arrived(cursor, table, encoding.binary) == [tuple(row.values()) for row in table.to_pylist()]
