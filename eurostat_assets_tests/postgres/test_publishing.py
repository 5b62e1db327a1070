"""What readers see when a release is published, and what they never see."""

from datetime import date

from eurostat_assets.postgres.publishing import publish
from eurostat_assets.postgres.state import published
from eurostat_assets_tests.postgres.conftest import Query, Write


def test_a_published_table_holds_exactly_the_rows_of_the_parquet_file(
    mirror: str, release: Write, query: Query
) -> None:
    publication = publish(mirror, release(rows=10_007))
    assert publication.table == "eurostat.hlth_test"
    assert publication.rows == 10_007
    assert query(
        "SELECT count(*), count(obs_value), count(obs_flag), min(obs_value) FROM eurostat.hlth_test"
    ) == [(10_007, 9007, 1000, 1.0)]
    assert query("SELECT * FROM eurostat.hlth_test WHERE geo = 'DE' ORDER BY time_period LIMIT 1") == [
        ("freq_é", "DE", "1960", date(1960, 1, 1), date(1960, 12, 31), 1.0, None, None, "HLTH_TEST")
    ]
    state = published(mirror)["HLTH_TEST"]
    assert state.rows == 10_007


def test_a_second_release_takes_the_place_of_the_first(mirror: str, release: Write, query: Query) -> None:
    publish(mirror, release(day=1))
    publish(mirror, release(day=2, rows=500))
    assert query("SELECT count(*), min(obs_value), max(obs_value) FROM eurostat.hlth_test") == [(500, 2, 2)]
    assert query("SELECT state, stored_as IS NULL FROM eurostat.releases ORDER BY id") == [
        ("superseded", True), ("published", False),
    ]  # fmt: skip
