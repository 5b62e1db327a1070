"""A table that was changed by hand is found, by the fast look and by the checksum; one that was not never is."""

import random
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DIMENSIONS = ("freq", "unit", "geo")
# By what is done to the rows in the table, whichever way they are stored.
CHANGES = {
    "one value": "UPDATE {data} SET obs_value = obs_value + 0.001 WHERE ctid = {one}",
    "one value to null": "UPDATE {data} SET obs_value = NULL WHERE ctid = {one}",
    "one row deleted": "DELETE FROM {data} WHERE ctid = {one}",
    "one row twice": "INSERT INTO {data} SELECT * FROM {data} WHERE ctid = {one}",
    "two codes swapped": "UPDATE {data} SET geo = other.geo FROM {data} AS other WHERE {data}.ctid = ANY({pair})"
    " AND other.ctid = ANY({pair}) AND other.ctid <> {data}.ctid",
    "every value": "UPDATE {data} SET obs_value = obs_value * 2",
    "a value deleted and another inserted": "WITH gone AS (DELETE FROM {data} WHERE ctid = {one} RETURNING *)"
    " INSERT INTO {data} SELECT * FROM {data} WHERE ctid <> {one} LIMIT 1",
    "one end of a period": "UPDATE {data} SET period_end = period_end + 1 WHERE ctid = {one}",
}
ONE = "(SELECT max(ctid) FROM {data} WHERE obs_value IS NOT NULL)"
PAIR = "array[(SELECT min(ctid) FROM {data}), (SELECT max(ctid) FROM {data})]"
RANDOM_CHANGES = [
    "UPDATE eurostat.hlth_test SET obs_value = {value} WHERE ctid = {one}",
    "DELETE FROM eurostat.hlth_test WHERE ctid = {one}",
    "INSERT INTO eurostat.hlth_test SELECT * FROM eurostat.hlth_test WHERE ctid = {one}",
    "UPDATE eurostat.hlth_test SET geo = geo || 'X' WHERE ctid = {one}",
    "UPDATE eurostat.hlth_test SET obs_flag = CASE WHEN obs_flag IS NULL THEN 'b' END WHERE ctid = {one}",
    "UPDATE eurostat.hlth_test SET time_period = '1800' WHERE ctid IN ({one}, {other})",
]
ANY_ROW = "(SELECT ctid FROM eurostat.hlth_test OFFSET {} LIMIT 1)"


@pytest.fixture
def change(query):
    """Change the rows of `HLTH_TEST` as somebody with psql would."""

    def run(what: str) -> None:
        coded = query("SELECT to_regclass('eurostat_releases.\"hlth_test#coded\"')") != [(None,)]
        data = 'eurostat_releases."hlth_test#coded"' if coded else "eurostat.hlth_test"
        query(
            CHANGES[what].format(
                data=data,
                one=ONE.format(data=data),
                pair=PAIR.format(data=data),
            )
        )

    return run


def test_a_table_that_nobody_touched_is_equal_and_afterwards_only_looked_at(published):
    bench = published(rows=5000, dimensions=DIMENSIONS)
    first = bench.audit()
    assert first.findings == ()
    assert first.compared
    assert first.seal
    second = bench.audit()
    assert second.findings == ()
    assert not second.compared
    third = bench.audit(deep=True)
    assert third.compared
    assert third.seal
    assert third.seal.checksum == first.seal.checksum


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_is_changed_by_hand_is_found_by_both(published, change, what):
    bench = published(rows=3000, dimensions=DIMENSIONS)
    bench.audit()
    change(what)
    (finding,) = bench.audit().findings
    assert finding.kind == "table_changed"
    assert finding.remedy == "publish"
    assert finding.sentence.startswith("HLTH_TEST: its table was changed by hand")
    bench.seal = None
    assert bench.kinds(deep=True) in (["table_changed"], ["table_differs"])


def test_the_changed_cell_is_named(published, query, change):
    bench = published(rows=4000, day=7, dimensions=DIMENSIONS)
    change("one value")
    (finding,) = bench.audit().findings
    assert finding.numbers["rows in the table"] == finding.numbers["rows in the Parquet file"] == 4000
    assert finding.numbers["rows that differ, at least"] == 1
    (example,) = finding.numbers["examples"]
    assert "obs_value 7.001 instead of 7.0" in example
    ((freq, unit, geo, year),) = query(
        "SELECT freq, unit, geo, time_period FROM eurostat.hlth_test WHERE obs_value > 7.0001"
    )
    assert example.startswith(f"[freq={freq}, unit={unit}, geo={geo}, time_period={year}]")


def test_a_changed_table_that_is_published_again_is_equal(published, change):
    from eurostat_assets import postgres

    bench = published(rows=1000)
    bench.audit()
    change("one row deleted")
    assert bench.kinds() == ["table_changed"]
    postgres.publish(bench.database, bench.parquet)
    assert bench.kinds() == []


def test_a_table_written_anew_with_the_same_rows_is_no_finding(published, query):
    bench = published(rows=2000)
    bench.audit()
    query(
        "DO $$ BEGIN IF to_regclass('eurostat_releases.\"hlth_test#coded\"') IS NULL THEN"
        ' UPDATE eurostat.hlth_test SET geo = geo; ELSE UPDATE eurostat_releases."hlth_test#coded" SET geo = geo;'
        " END IF; END $$"
    )
    again = bench.audit()
    assert again.compared
    assert again.findings == ()
    assert not bench.audit().compared


def test_a_code_that_is_renamed_in_a_lookup_table_is_found(mirror, release, query):
    from eurostat_assets import postgres
    from eurostat_assets_tests.audit.conftest import Bench

    parquet = release(rows=1000)
    postgres.publish(mirror, parquet, storage=postgres.Storage(codes="smallint"))
    bench = Bench(mirror, parquet)
    bench.audit()
    query("UPDATE eurostat_releases.\"hlth_test#codes\" SET code = 'XX' WHERE code = 'AT'")
    (finding,) = bench.audit().findings
    assert finding.kind == "table_changed"
    assert "geo=AT" in str(finding.numbers["examples"])


def test_a_parquet_file_that_was_changed_is_told_from_a_changed_table(published):
    bench = published(rows=1000)
    bench.audit()
    rows = pq.read_table(bench.parquet)
    values = rows.column("obs_value").to_pylist()
    place = rows.schema.get_field_index("obs_value")
    pq.write_table(
        rows.set_column(place, "obs_value", pa.array([values[0] + 1, *values[1:]], pa.float64())),
        bench.parquet,
    )
    (finding,) = bench.audit().findings
    assert (finding.kind, finding.remedy) == ("parquet_changed", "read")


def test_what_is_missing_or_unreadable_is_said(published, query, release):
    bench = published(rows=1000)
    whole = bench.parquet.read_bytes()
    bench.parquet.write_bytes(whole[: len(whole) // 2])
    assert bench.kinds() == ["parquet_unreadable"]
    middle = len(whole) // 4
    bench.parquet.write_bytes(whole[:middle] + bytes(300) + whole[middle + 300 :])
    assert bench.kinds()[0] in ("parquet_unreadable", "table_differs", "parquet_changed")
    bench.parquet.unlink()
    assert bench.kinds() == ["parquet_missing"]
    newer = release(rows=1000, day=2)
    bench.parquet = newer
    assert bench.kinds() == ["other_release"]
    bench.later = timedelta(minutes=1)
    assert bench.kinds() == []
    query("DROP VIEW IF EXISTS eurostat.hlth_test" if _is_view(query) else "DROP TABLE eurostat.hlth_test")
    assert bench.kinds() == ["table_missing"]


def _is_view(query) -> bool:
    return query("SELECT relkind FROM pg_class WHERE oid = 'eurostat.hlth_test'::regclass") == [("v",)]


def test_a_hundred_random_changes_are_all_found_by_the_checksum(mirror, release, query):
    """Every kind of change at random places, each undone by publishing again; on a table of several row groups."""
    from eurostat_assets import postgres
    from eurostat_assets_tests.audit.conftest import Bench

    draw = random.Random(6)
    parquet = release(rows=2000, dimensions=DIMENSIONS)
    postgres.publish(mirror, parquet)
    bench = Bench(mirror, parquet)
    for _ in range(100):
        query("CREATE TABLE before AS SELECT * FROM eurostat.hlth_test")
        one, other = (ANY_ROW.format(place) for place in draw.sample(range(2000), 2))
        query(draw.choice(RANDOM_CHANGES).format(one=one, other=other, value=draw.random()))
        bench.seal = None
        assert bench.kinds(deep=True), query(
            "SELECT * FROM eurostat.hlth_test EXCEPT ALL SELECT * FROM before"
        )
        query("TRUNCATE eurostat.hlth_test")
        query("INSERT INTO eurostat.hlth_test SELECT * FROM before")
        query("DROP TABLE before")
    assert bench.kinds() == []
