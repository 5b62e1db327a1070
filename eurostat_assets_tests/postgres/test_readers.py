"""What others have built on a published table, and what they see while the next release arrives."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from eurostat_assets.postgres.errors import DependentsInTheWay, ReadersInTheWay
from eurostat_assets.postgres.publication import Codes, Patience, Storage
from eurostat_assets.postgres.publishing import publish
from eurostat_assets_tests.postgres.conftest import Query, Write

BOTH = pytest.mark.parametrize("codes", ["text", "smallint"])
WHOLE = "SELECT count(*), count(geo), min(obs_value), max(obs_value) FROM eurostat.hlth_test"
OID = "SELECT 'eurostat.hlth_test'::regclass::oid"


@contextmanager
def session(url: str, isolation: str | None = None) -> Iterator[Query]:
    """Another reader; with an isolation level, in one transaction."""
    connection = psycopg2.connect(url)
    if isolation:
        connection.set_session(isolation_level=isolation)
    else:
        connection.autocommit = True

    def run(sql: str, *arguments: object) -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return cursor.fetchall() if cursor.description else []

    try:
        yield run
    finally:
        connection.close()


@BOTH
def test_views_grants_and_comments_survive_ten_releases_with_a_new_position_and_a_new_dimension(
    mirror: str, release: Write, query: Query, codes: Codes
) -> None:
    storage = Storage(codes=codes)
    publish(mirror, release(day=1), storage=storage)
    oid = query(OID)
    reader = f"reader_{oid[0][0]}"
    query(
        "CREATE VIEW public.by_geo AS SELECT geo, max(obs_value) AS newest FROM eurostat.hlth_test GROUP BY geo"
    )
    query("CREATE MATERIALIZED VIEW public.stored AS SELECT * FROM eurostat.hlth_test")
    query(f"CREATE ROLE {reader}")
    query(f"GRANT USAGE ON SCHEMA eurostat TO {reader}; GRANT SELECT ON eurostat.hlth_test TO {reader}")
    query("COMMENT ON COLUMN eurostat.hlth_test.geo IS 'my own words'")
    for day in range(2, 12):
        dimensions = ("freq", "sex", "geo") if day >= 7 else ("freq", "geo")
        rows = 1000 if day < 4 else 65 * 7 * 3
        publish(mirror, release(day=day, rows=rows, dimensions=dimensions), storage=storage)
        assert query("SELECT DISTINCT newest FROM public.by_geo") == [(float(day),)]
        query("REFRESH MATERIALIZED VIEW public.stored")
        assert query("SELECT count(*), max(obs_value) FROM public.stored") == [(rows, float(day))]
        with session(mirror) as other:
            other(f"SET ROLE {reader}")
            assert other("SELECT count(*) FROM eurostat.hlth_test") == [(rows,)]
    assert query(OID) == oid
    assert query("SELECT DISTINCT sex FROM eurostat.hlth_test ORDER BY 1") == [("A",), ("Q",), ("sex_é",)]
    described = "SELECT col_description('eurostat.hlth_test'::regclass, attnum) FROM pg_attribute WHERE"
    about = f"{described} attrelid = 'eurostat.hlth_test'::regclass AND attname = %s"
    assert query(about, "geo") == [("my own words",)]
    assert query(about, "sex") == [("The sex",)]
    assert query("SELECT count(*) FROM pg_class WHERE relnamespace = 'eurostat_releases'::regnamespace"
                 " AND relkind = 'r'") == [(1 if codes == "text" else 2,)]  # fmt: skip
    query(f"DROP OWNED BY {reader}; DROP ROLE {reader}")


def test_row_policies_and_publications_survive_a_release(mirror: str, release: Write, query: Query) -> None:
    publish(mirror, release(day=1))
    reader = f"policed_{query(OID)[0][0]}"
    query(f"CREATE ROLE {reader}; GRANT USAGE ON SCHEMA eurostat TO {reader}")
    query(f"GRANT SELECT ON eurostat.hlth_test TO {reader}")
    query("CREATE POLICY german ON eurostat.hlth_test FOR SELECT USING (geo = 'DE')")
    query("ALTER TABLE eurostat.hlth_test ENABLE ROW LEVEL SECURITY")
    query("CREATE PUBLICATION outward FOR TABLE eurostat.hlth_test WITH (publish_via_partition_root)")
    publish(mirror, release(day=2))
    with session(mirror) as other:
        other(f"SET ROLE {reader}")
        assert other(
            "SELECT DISTINCT geo, obs_value FROM eurostat.hlth_test WHERE obs_value IS NOT NULL"
        ) == [("DE", 2.0)]
    assert query("SELECT tablename FROM pg_publication_tables") == [("hlth_test",)]
    query(f"DROP OWNED BY {reader}; DROP ROLE {reader}")


@BOTH
def test_a_release_without_a_dimension_that_a_view_needs_is_refused_or_keeps_its_column(
    mirror: str, release: Write, query: Query, codes: Codes
) -> None:
    storage = Storage(codes=codes)
    publish(mirror, release(day=1, dimensions=("freq", "sex", "geo")), storage=storage)
    query("CREATE VIEW public.by_sex AS SELECT sex, count(*) AS rows FROM eurostat.hlth_test GROUP BY sex")
    with pytest.raises(DependentsInTheWay, match=r"by_sex") as refusal:
        publish(mirror, release(day=2), storage=storage)
    assert "view" in refusal.value.dependents
    assert query("SELECT max(obs_value) FROM eurostat.hlth_test") == [(1.0,)]
    assert query("SELECT state FROM eurostat.releases ORDER BY id") == [("published",), ("failed",)]
    keeping = Storage(codes=codes, keep_dependents=True)
    publish(mirror, release(day=3), storage=keeping)
    publish(mirror, release(day=4), storage=keeping)
    assert query("SELECT sex, rows FROM public.by_sex") == [(None, 1000)]
    publish(mirror, release(day=5, dimensions=("freq", "sex", "geo")), storage=storage)
    assert len(query("SELECT sex, rows FROM public.by_sex")) == 3


def test_a_dimension_that_nobody_needs_goes_and_a_renamed_one_comes(
    mirror: str, release: Write, query: Query
) -> None:
    publish(mirror, release(day=1, dimensions=("freq", "isced97", "geo")))
    query("CREATE VIEW public.by_geo AS SELECT geo, count(*) AS rows FROM eurostat.hlth_test GROUP BY geo")
    publish(mirror, release(day=2, dimensions=("freq", "isced11", "geo")))
    columns = (
        "SELECT attname FROM pg_attribute WHERE attrelid = 'eurostat.hlth_test'::regclass AND attnum > 0"
    )
    names = [name for (name,) in query(f"{columns} AND NOT attisdropped")]
    assert "isced11" in names
    assert "isced97" not in names
    assert sum(int(rows) for _, rows in query("SELECT * FROM public.by_geo")) == 1000


@BOTH
def test_a_snapshot_older_than_the_load_sees_a_whole_release_after_the_switch(
    mirror: str, release: Write, codes: Codes
) -> None:
    storage = Storage(codes=codes)
    publish(mirror, release(day=1), storage=storage)
    with session(mirror, "REPEATABLE READ") as old:
        old("SELECT 1 FROM pg_class")
        publish(mirror, release(day=2, rows=500), storage=storage)
        assert old(WHOLE) == [(500, 500, 2.0, 2.0)]


BOOKS = "SELECT rows FROM eurostat.datasets WHERE dataset = 'HLTH_TEST'"


@BOTH
def test_a_transaction_with_an_older_snapshot_sees_a_newer_table_than_its_books_and_keeps_it(
    mirror: str, release: Write, codes: Codes
) -> None:
    storage = Storage(codes=codes)
    publish(mirror, release(day=1), storage=storage)
    with session(mirror, "REPEATABLE READ") as old:
        assert old(BOOKS) == [(1000,)]
        publish(mirror, release(day=2, rows=500), storage=storage)
        publish(mirror, release(day=3, rows=400, dimensions=("freq", "sex", "geo")), storage=storage)
        publish(mirror, release("HLTH_NEW", rows=70), storage=storage)
        assert old(WHOLE) == [(400, 400, 3.0, 3.0)]
        # A table that its snapshot does not know is there as a whole, too, and none of them is ever empty.
        assert old("SELECT count(*) FROM eurostat.hlth_new") == [(70,)]
        assert old(BOOKS) == [(1000,)]
        with pytest.raises(ReadersInTheWay):
            publish(mirror, release(day=4), storage=storage, patience=Patience(readers=0.2))
        assert old(WHOLE) == [(400, 400, 3.0, 3.0)]


@BOTH
def test_what_is_locked_before_the_first_query_is_of_one_moment_with_its_books(
    mirror: str, release: Write, codes: Codes
) -> None:
    storage = Storage(codes=codes)
    publish(mirror, release(day=1), storage=storage)
    with session(mirror, "REPEATABLE READ") as reader:
        reader("SET TRANSACTION READ ONLY")
        publish(mirror, release(day=2, rows=500), storage=storage)  # no query yet, so no snapshot either
        reader("LOCK TABLE eurostat.hlth_test IN ACCESS SHARE MODE")
        with pytest.raises(ReadersInTheWay):
            publish(mirror, release(day=3, rows=400), storage=storage, patience=Patience(readers=0.2))
        assert reader(BOOKS) == [(500,)]
        assert reader(WHOLE) == [(500, 500, 2.0, 2.0)]
    publish(mirror, release(day=3, rows=400), storage=storage)


@BOTH
def test_readers_in_a_loop_see_only_whole_releases_and_hardly_wait(
    mirror: str, release: Write, codes: Codes
) -> None:
    storage = Storage(codes=codes)
    publish(mirror, release(day=1, rows=101), storage=storage)
    seen: set[tuple[object, ...]] = set()
    broken: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        try:
            with session(mirror) as reader:
                while not done.is_set():
                    seen.update(reader(WHOLE))
        except Exception as error:  # noqa: BLE001 (any error is what must not happen)
            broken.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for day in range(2, 17):
        publish(mirror, release(day=day, rows=100 + day), storage=storage)
    done.set()
    for reader in readers:
        reader.join()
    assert not broken
    assert len(seen) > 3
    assert seen <= {(100 + day, 100 + day, float(day), float(day)) for day in range(1, 17)}


def test_a_long_reader_delays_the_switch_but_not_other_readers(
    mirror: str, release: Write, query: Query
) -> None:
    publish(mirror, release(day=1))
    waits: list[float] = []
    with session(mirror, "READ COMMITTED") as long_reader:
        long_reader("SELECT count(*) FROM eurostat.hlth_test")
        second = release(day=2)
        patience = Patience(readers=2)
        publishing = threading.Thread(target=lambda: failures.append(_refused(mirror, second, patience)))
        failures: list[ReadersInTheWay] = []
        publishing.start()
        while publishing.is_alive():
            started = time.monotonic()
            query("SELECT count(*) FROM eurostat.hlth_test")
            waits.append(time.monotonic() - started)
        assert "pid" in failures[0].readers[0]
    assert query("SELECT state, error IS NULL FROM eurostat.releases ORDER BY id DESC LIMIT 1") == [
        ("failed", False)
    ]
    assert sorted(waits)[int(len(waits) * 0.99)] < 0.25  # the lock_timeout, on a busy machine
    publish(mirror, second)
    assert query("SELECT max(obs_value) FROM eurostat.hlth_test") == [(2.0,)]


def _refused(url: str, parquet: Path, patience: Patience) -> ReadersInTheWay:
    with pytest.raises(ReadersInTheWay) as refusal:
        publish(url, parquet, patience=patience)
    return refusal.value


def test_a_switch_waits_for_a_reader_and_then_happens(mirror: str, release: Write, query: Query) -> None:
    publish(mirror, release(day=1))
    with session(mirror, "READ COMMITTED") as reader:
        reader("SELECT count(*) FROM eurostat.hlth_test")
        second = release(day=2)
        publishing = threading.Thread(
            target=publish, args=(mirror, second), kwargs={"patience": Patience(readers=60)}
        )
        publishing.start()
        time.sleep(1)
        assert query("SELECT max(obs_value) FROM eurostat.hlth_test") == [(1.0,)]
    publishing.join()
    assert query("SELECT max(obs_value) FROM eurostat.hlth_test") == [(2.0,)]


@BOTH
def test_earlier_releases_are_kept_as_long_as_asked_for(
    mirror: str, release: Write, query: Query, codes: Codes
) -> None:
    for day in range(1, 6):
        publish(mirror, release(day=day), storage=Storage(codes=codes, keep_releases=2))
    kept = query("SELECT stored_as FROM eurostat.releases WHERE stored_as IS NOT NULL ORDER BY id")
    assert [name for (name,) in kept] == ["hlth_test_3", "hlth_test_4", "hlth_test_5"]
    assert query("SELECT max(obs_value) FROM eurostat_releases.hlth_test_3") == [(3.0,)]
    publish(mirror, release(day=6), storage=Storage(codes=codes))
    assert query("SELECT stored_as FROM eurostat.releases WHERE stored_as IS NOT NULL") == [("hlth_test_6",)]
