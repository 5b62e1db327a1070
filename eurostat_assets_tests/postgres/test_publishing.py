"""What is in a published table, and what is known of it."""

from datetime import UTC, date, datetime

import pytest
from upath import UPath

from eurostat_assets.postgres.publication import Codes, Storage
from eurostat_assets.postgres.publishing import publish
from eurostat_assets.postgres.state import published_table, states
from eurostat_assets_tests.postgres.conftest import Query, Write

BOTH = pytest.mark.parametrize("codes", ["text", "smallint"])


@BOTH
def test_a_published_table_holds_exactly_the_rows_of_the_parquet_file(
    mirror: str, release: Write, query: Query, codes: Codes
) -> None:
    progress: list[int] = []
    storage = Storage(codes=codes)
    publication = publish(mirror, release(rows=100_007), storage=storage, on_progress=progress.append)
    assert publication.table == "eurostat.hlth_test"
    assert publication.rows == progress[-1] == 100_007
    assert publication.rows_per_second > 0
    counts = "SELECT count(*), count(geo), count(obs_value), count(obs_flag), min(obs_value) FROM eurostat.hlth_test"
    assert query(counts) == [(100_007, 100_007, 90_007, 10_000, 1.0)]
    assert query("SELECT * FROM eurostat.hlth_test WHERE geo = 'DE' AND obs_flag IS NULL LIMIT 1") == [
        ("freq_é", "DE", "1960", date(1960, 1, 1), date(1960, 12, 31), 1.0, None, None, "HLTH_TEST")
    ]
    assert query("SELECT obs_flag, obs_value FROM eurostat.hlth_test WHERE obs_flag IS NOT NULL LIMIT 1") == [
        ("b", None)
    ]


def test_the_books_agree_with_the_table(mirror: str, release: Write, query: Query) -> None:
    publication = publish(mirror, release(day=2))
    state = states(mirror)["HLTH_TEST"]
    assert state == published_table(mirror, "hlth_test")
    assert state.release == publication.release == "2026-01-02T22:00:00Z_2025-06-01T09:00:00Z"
    assert state.data_updated == datetime(2026, 1, 2, 22, tzinfo=UTC)
    assert (state.title, state.rows, state.bytes) == ("An invented dataset", 1000, publication.bytes)
    assert query("SELECT dataset, state, release, rows, sha256, error FROM eurostat.releases") == [
        ("HLTH_TEST", "published", publication.release, 1000, f"{2:064}", None)
    ]
    comments = "SELECT obj_description('eurostat.hlth_test'::regclass), col_description('eurostat.hlth_test'::regclass, 2)"
    (about, geo) = query(comments)[0]
    assert about.startswith("An invented dataset (Eurostat, HLTH_TEST).")
    assert geo == "The geo"
    columns = "SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'eurostat.hlth_test'::regclass AND attnum > 0"
    assert dict(query(columns)) == {
        "freq": True, "geo": True, "time_period": True, "period_start": False, "period_end": False,
        "obs_value": False, "obs_flag": False, "conf_status": False, "source_dataset_id": True,
    }  # fmt: skip


def test_a_second_release_takes_the_place_of_the_first(mirror: str, release: Write, query: Query) -> None:
    publish(mirror, release(day=1))
    publish(mirror, release(day=2, rows=500))
    assert query("SELECT count(*), min(obs_value), max(obs_value) FROM eurostat.hlth_test") == [(500, 2, 2)]
    assert query("SELECT state, stored_as IS NULL FROM eurostat.releases ORDER BY id") == [
        ("superseded", True), ("published", False),
    ]  # fmt: skip


def test_the_source_is_on_every_row_and_stored_on_none(mirror: str, release: Write, query: Query) -> None:
    publish(mirror, release())
    assert query("SELECT DISTINCT source_dataset_id FROM eurostat.hlth_test") == [("HLTH_TEST",)]
    stored = (
        "SELECT atthasmissing FROM pg_attribute WHERE attrelid = 'eurostat_releases.hlth_test_1'::regclass"
    )
    assert query(f"{stored} AND attname = 'source_dataset_id'") == [(True,)]


def test_a_release_is_logged_analysed_and_left_alone_by_autovacuum(
    mirror: str, release: Write, query: Query
) -> None:
    publish(mirror, release())
    facts = "SELECT relpersistence, reltuples, reloptions FROM pg_class WHERE relname = 'hlth_test_1'"
    assert query(facts) == [("p", 1000, ["autovacuum_enabled=false"])]
    analysed = "SELECT DISTINCT tablename, inherited FROM pg_stats WHERE tablename LIKE 'hlth%' ORDER BY 1"
    assert query(analysed) == [("hlth_test", True), ("hlth_test_1", False)]
    assert "Seq Scan on hlth_test_1" in query("EXPLAIN SELECT * FROM eurostat.hlth_test")[0][0]


@BOTH
def test_a_dataset_without_observations_is_an_empty_table(
    mirror: str, release: Write, query: Query, codes: Codes
) -> None:
    storage = Storage(codes=codes)
    assert publish(mirror, release(rows=0), storage=storage).rows == 0
    assert query("SELECT * FROM eurostat.hlth_test") == []
    assert publish(mirror, release(rows=10), storage=storage).rows == 10


def test_a_file_is_published_from_an_object_store(mirror: str, release: Write, query: Query) -> None:
    remote = UPath("memory://store/observations.parquet")
    remote.write_bytes(release(rows=70_000).read_bytes())
    assert publish(mirror, remote, dataset="hlth_test").rows == 70_000
    assert query("SELECT count(*) FROM eurostat.hlth_test") == [(70_000,)]
