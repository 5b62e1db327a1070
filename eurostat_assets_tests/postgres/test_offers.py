"""Where every dataset stands: what Eurostat offers against what is published, and what a broken catalogue must not do."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from eurostat_assets.postgres.catalogue import catalogue_size, record_catalogue
from eurostat_assets.postgres.errors import CatalogueShrank, PostgresError
from eurostat_assets.postgres.offers import record_checked, record_offers, record_waiting, settle_offer
from eurostat_assets.postgres.polls import poll_failed, poll_succeeded, polls
from eurostat_assets.postgres.publication import Storage
from eurostat_assets.postgres.publishing import publish
from eurostat_assets.postgres.state import DatasetState, record_failure, states
from eurostat_assets_tests.postgres.conftest import Query, Write

STRUCTURE = datetime(2025, 6, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Dates:
    data: datetime
    structure: datetime = STRUCTURE


@dataclass(frozen=True)
class Offer:
    code: str
    release: Dates | None = None
    title: str = "Invented"
    type: str = "DATASET"
    period_start: str | None = "2008"
    period_end: str | None = "2019-S1"
    values: int | None = 7027
    folders: tuple[str, ...] = ("data/hlth",)


def of_day(day: int) -> Dates:
    """The release that the fixture `release` writes for a day."""
    return Dates(datetime(2026, 1, day, 22, tzinfo=UTC))


def offer(code: str = "HLTH_TEST", day: int = 1) -> Offer:
    return Offer(code, of_day(day))


def known(mirror: str, code: str = "HLTH_TEST") -> DatasetState:
    return states(mirror)[code]


def soon(seconds: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_the_life_of_a_dataset(mirror: str, release: Write) -> None:
    record_catalogue(mirror, [offer(day=1)])
    assert (known(mirror).state, known(mirror).due(soon())) == ("new", True)
    publish(mirror, release(day=1))
    assert (known(mirror).state, known(mirror).due(soon())) == ("current", False)
    record_offers(mirror, {"HLTH_TEST": of_day(2)})
    assert (known(mirror).state, known(mirror).due(soon())) == ("stale", True)
    record_failure(mirror, "HLTH_TEST", "no network")
    assert (known(mirror).state, known(mirror).due(soon())) == ("failed", False)
    assert known(mirror).due(soon(601))
    publish(mirror, release(day=2))
    state = known(mirror)
    assert (state.state, state.error, state.failures, state.next_attempt_at) == ("current", None, 0, None)


def test_a_structure_that_changed_makes_it_stale_as_well(mirror: str, release: Write) -> None:
    record_catalogue(mirror, [offer(day=1)])
    publish(mirror, release(day=1))
    record_offers(mirror, {"HLTH_TEST": Dates(of_day(1).data, STRUCTURE + timedelta(days=400))})
    assert known(mirror).state == "stale"


def test_an_older_answer_from_some_cache_makes_nothing_stale_or_current(mirror: str, release: Write) -> None:
    record_catalogue(mirror, [offer(day=3)])
    publish(mirror, release(day=2))
    record_catalogue(mirror, [offer(day=1)])
    assert known(mirror).state == "stale"
    settle_offer(mirror, "HLTH_TEST", of_day(2))  # the dataset itself is believed
    assert known(mirror).state == "current"


def test_each_failure_waits_twice_as_long_but_a_newer_release_is_tried_at_once(mirror: str) -> None:
    record_catalogue(mirror, [offer(day=1)])
    waits = []
    for _ in range(12):
        record_failure(mirror, "HLTH_TEST", "no network", retry=600)
        waits.append(round(((known(mirror).next_attempt_at or soon()) - soon()).total_seconds() / 60))
    assert waits[:4] == [10, 20, 40, 80]
    assert waits[-1] == 24 * 60
    assert known(mirror).failures == 12
    record_offers(mirror, {"HLTH_TEST": of_day(2)})
    assert known(mirror).due(soon())


def test_what_is_still_being_prepared_waits_without_having_failed(mirror: str) -> None:
    record_catalogue(mirror, [offer()])
    record_waiting(mirror, "HLTH_TEST", "still preparing", 60)
    state = known(mirror)
    assert (state.state, state.note, state.error, state.due(soon())) == (
        "new",
        "still preparing",
        None,
        False,
    )
    assert state.due(soon(61))


def test_checked_and_unchanged_is_on_record(mirror: str, release: Write) -> None:
    publish(mirror, release())
    before = known(mirror).checked_at
    record_checked(mirror, "HLTH_TEST")
    after = known(mirror).checked_at
    assert before
    assert after
    assert after > before


@pytest.mark.parametrize("codes", ["text", "smallint"])
def test_a_withdrawn_dataset_keeps_its_table_which_says_since_when(
    mirror: str, release: Write, query: Query, codes
) -> None:
    comment = "SELECT obj_description('eurostat.hlth_test'::regclass)"
    both = [offer(), offer("HLTH_OTHER")]
    record_catalogue(mirror, both)
    publish(mirror, release(), storage=Storage(codes=codes))
    ((plain,),) = query(comment)
    change = record_catalogue(mirror, both[1:])
    assert change.withdrawn == ("HLTH_TEST",)
    assert (known(mirror).state, known(mirror).due(soon())) == ("withdrawn", False)
    ((marked,),) = query(comment)
    assert marked.startswith(plain)
    assert f"WITHDRAWN from Eurostat; noticed on {datetime.now(UTC):%Y-%m}" in marked
    assert query("SELECT count(*) FROM eurostat.hlth_test") == [(1000,)]
    assert record_catalogue(mirror, both).returned == ("HLTH_TEST",)
    assert query(comment) == [(plain,)]
    assert known(mirror).state == "current"
    record_catalogue(mirror, both[1:])
    publish(mirror, release(day=2), storage=Storage(codes=codes))
    assert query(comment) == [(plain,)]


def test_the_comment_of_another_is_left_alone_when_its_dataset_goes(
    mirror: str, release: Write, query: Query
) -> None:
    record_catalogue(mirror, [offer(), offer("HLTH_OTHER")])
    publish(mirror, release())
    query("COMMENT ON TABLE eurostat.hlth_test IS 'mine'")
    record_catalogue(mirror, [offer("HLTH_OTHER")])
    assert query("SELECT obj_description('eurostat.hlth_test'::regclass)") == [("mine",)]


def test_a_catalogue_that_lost_much_is_not_believed(mirror: str) -> None:
    everything = [offer(f"HLTH_{number}") for number in range(50)]
    record_catalogue(mirror, everything, may_shrink=0.1)
    with pytest.raises(CatalogueShrank, match="40 of the 50 datasets") as refusal:
        record_catalogue(mirror, everything[:10], may_shrink=0.1)
    assert len(refusal.value.gone) == 40
    assert {state.state for state in states(mirror).values()} == {"new"}
    assert len(record_catalogue(mirror, everything[:46], may_shrink=0.1).withdrawn) == 4
    assert len(record_catalogue(mirror, everything[:10], may_shrink=1.0).withdrawn) == 36
    with pytest.raises(PostgresError, match="no entries"):
        record_catalogue(mirror, [])
    assert catalogue_size(mirror) == 10


def test_what_the_theme_no_longer_wants_is_excluded_and_not_withdrawn(mirror: str) -> None:
    record_catalogue(mirror, [offer("HLTH_A"), offer("NAMA_B"), offer("HLTH_BIG")])
    big = {"HLTH_BIG": "too many observations"}
    change = record_catalogue(
        mirror, [offer("HLTH_A"), offer("HLTH_BIG")], elsewhere={"NAMA_B"}, excluded=big
    )
    assert (change.withdrawn, change.dropped) == ((), ("NAMA_B",))
    found = states(mirror)
    assert {code: state.state for code, state in found.items()} == {
        "HLTH_A": "new", "NAMA_B": "excluded", "HLTH_BIG": "excluded",
    }  # fmt: skip
    assert found["HLTH_BIG"].excluded == "too many observations"
    record_catalogue(mirror, [offer("HLTH_A"), offer("NAMA_B"), offer("HLTH_BIG")])
    assert {state.state for state in states(mirror).values()} == {"new"}


def test_an_outage_of_the_source_is_on_record_until_it_answers_again(mirror: str) -> None:
    assert polls(mirror)["feed"].tried_at is None
    poll_succeeded(mirror, "feed", {"items": 900})
    poll_failed(mirror, "feed", "HTML instead of RSS")
    poll_failed(mirror, "feed", "no answer")
    feed = polls(mirror)["feed"]
    assert (feed.error, feed.failures, feed.found) == ("no answer", 2, {"items": 900})
    assert feed.succeeded_at
    assert feed.tried_at == feed.failed_at
    poll_succeeded(mirror, "feed", {"items": 901})
    assert (polls(mirror)["feed"].error, polls(mirror)["feed"].failures) == (None, 0)
    assert polls(mirror)["sweep"].tried_at is None
