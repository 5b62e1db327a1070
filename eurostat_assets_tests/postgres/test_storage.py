"""How releases are stored: indexes, codes as numbers, the change from one to the other, roles."""

from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.postgres.errors import DependentsInTheWay, PublishError
from eurostat_assets.postgres.indexes import Indexes
from eurostat_assets.postgres.publication import Codes, Storage
from eurostat_assets.postgres.publishing import publish
from eurostat_assets.postgres.roles import LOADER, OWNER, READER, initialise_roles
from eurostat_assets.postgres.state import states
from eurostat_assets_tests.postgres.conftest import Query, Write, observations

INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'eurostat_releases' ORDER BY 1"


def definitions(query: Query) -> list[str]:
    return [found.partition(" USING ")[2] for (found,) in query(INDEXES)]


def test_brin_is_for_dimensions_that_lie_together_and_btrees_for_those_asked_for(
    mirror: str, release: Write, query: Query
) -> None:
    storage = Storage(indexes=Indexes.parse("brin, geo+time_period, age"))
    publish(mirror, release(rows=65 * 7 * 3 * 50, dimensions=("freq", "geo")), storage=storage)
    assert definitions(query) == ["brin (freq)", "btree (geo, time_period)"]
    publish(mirror, release(day=2), storage=storage)
    assert definitions(query) == ["btree (geo, time_period)"]
    publish(mirror, release(day=3, rows=100_000), storage=Storage(indexes=Indexes.parse("none")))
    assert definitions(query) == []
    assert Indexes.parse("brin") == Indexes()


def test_codes_as_numbers_read_like_text_and_take_less_room(
    mirror: str, release: Write, query: Query
) -> None:
    file = release(rows=50_000, dimensions=("freq", "sex", "age", "geo"))
    as_text = publish(mirror, file)
    text_rows = query(
        "SELECT * FROM eurostat.hlth_test ORDER BY freq, sex, age, geo, time_period, obs_value LIMIT 999"
    )
    as_numbers = publish(mirror, file, storage=Storage(codes="smallint"))
    assert (
        query(
            "SELECT * FROM eurostat.hlth_test ORDER BY freq, sex, age, geo, time_period, obs_value LIMIT 999"
        )
        == text_rows
    )
    assert as_numbers.bytes < as_text.bytes * 0.85
    assert states(mirror)["HLTH_TEST"].rows == 50_000
    plan = "\n".join(
        line for (line,) in query("EXPLAIN SELECT geo, count(*) FROM eurostat.hlth_test GROUP BY geo")
    )
    assert plan.count("#codes") == 1  # the lookups that the query does not need are left out


def test_more_codes_than_smallint_has_are_refused_with_a_remedy(
    mirror: str, tmp_path: Path, query: Query
) -> None:
    table = observations("HLTH_TEST", 40_000, 1)
    many = pa.array([f"G{n}" for n in range(40_000)]).dictionary_encode()
    field = pa.field("geo", many.type, False)
    pq.write_table(
        table.set_column(1, field, many).replace_schema_metadata(table.schema.metadata), tmp_path / "x"
    )
    with pytest.raises(PublishError, match="store them as text"):
        publish(mirror, tmp_path / "x", storage=Storage(codes="smallint"))
    assert query("SELECT state FROM eurostat.releases") == [("failed",)]


def test_text_becomes_numbers_and_text_again_with_its_grants_but_not_under_a_view(
    mirror: str, release: Write, query: Query
) -> None:
    publish(mirror, release(day=1))
    oid = query("SELECT 'eurostat.hlth_test'::regclass::oid")[0][0]
    reader = f"converted_{oid}"
    query(f"CREATE ROLE {reader}; GRANT SELECT ON eurostat.hlth_test TO {reader}")
    may = "SELECT has_table_privilege(%s, 'eurostat.hlth_test', 'SELECT'), max(obs_value) FROM eurostat.hlth_test"
    changes: list[tuple[int, Codes]] = [(2, "smallint"), (3, "text"), (4, "smallint")]
    for day, codes in changes:
        publish(mirror, release(day=day), storage=Storage(codes=codes))
        assert query(may, reader) == [(True, float(day))]
    query("CREATE VIEW public.mine AS SELECT geo FROM eurostat.hlth_test")
    with pytest.raises(DependentsInTheWay, match="mine"):
        publish(mirror, release(day=5))
    assert query(may, reader) == [(True, 4.0)]
    query(f"DROP OWNED BY {reader}; DROP ROLE {reader}")


def test_the_loader_publishes_and_the_reader_reads_every_table_there_is_or_will_be(
    mirror: str, release: Write, query: Query
) -> None:
    publish(mirror, release("HLTH_BEFORE"))
    try:
        initialise_roles(mirror, loader_password="load'er", reader_password="r")
        initialise_roles(mirror, loader_password="load'er", reader_password="r")
        place = psycopg2.extensions.parse_dsn(mirror)
        loader = f"host={place['host']} port={place['port']} dbname={place['dbname']} user={LOADER} password=load\\'er"
        reader = (
            f"host={place['host']} port={place['port']} dbname={place['dbname']} user={READER} password=r"
        )
        publish(loader, release("HLTH_BEFORE", day=2))
        publish(loader, release("HLTH_AFTER"))
        publish(loader, release("HLTH_CODED"), storage=Storage(codes="smallint"))
        publish(mirror, release("HLTH_ADMIN"))
        connection = psycopg2.connect(reader)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for table in ("hlth_before", "hlth_after", "hlth_coded", "hlth_admin"):
                cursor.execute(f"SELECT count(*) FROM eurostat.{table}")  # noqa: S608
                assert cursor.fetchall() == [(1000,)]
            cursor.execute("SELECT count(*) FROM eurostat.datasets")
            assert cursor.fetchall() == [(4,)]
            with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
                cursor.execute("DELETE FROM eurostat.datasets")
            cursor.execute("SET default_transaction_read_only = off")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("DELETE FROM eurostat.datasets")
        connection.close()
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(loader.replace(LOADER, OWNER))
    finally:
        query(
            f"DROP OWNED BY {LOADER}, {READER}; REASSIGN OWNED BY {OWNER} TO CURRENT_USER; DROP OWNED BY {OWNER}"
        )
        query(f"DROP ROLE {LOADER}; DROP ROLE {READER}; DROP ROLE {OWNER}")


LONG = "HLTH_" + "LONG_" * 11


@pytest.mark.parametrize("codes", ["text", "smallint"])
def test_a_code_of_any_shape_has_a_table_and_long_ones_never_share_one(
    mirror: str, release: Write, query: Query, codes: Codes
) -> None:
    shapes = ["DS-056120", "1A", "BD_9AC$DV_343", f"{LONG}ABC"[:63], f"{LONG}ABD"[:63]]
    assert [len(code) for code in shapes[3:]] == [63, 63]
    storage = Storage(codes=codes)
    for day in (1, 2):
        for place, code in enumerate(shapes):
            publish(mirror, release(code, rows=100 + place, day=day), storage=storage)
    for place, code in enumerate(shapes):
        columns = "count(*), min(obs_value), min(source_dataset_id)"
        found = query(f'SELECT {columns} FROM eurostat."{code.lower()}"')  # noqa: S608
        assert found == [(100 + place, 2.0, code)]
    assert sorted(name for (name,) in query("SELECT table_name FROM eurostat.datasets")) == sorted(
        f"eurostat.{code.lower()}" for code in shapes
    )
    left = query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'eurostat_releases'::regnamespace AND relkind = 'r'"
    )
    assert len(left) == len(shapes) * (2 if codes == "smallint" else 1)
