"""What the sensors decide: which datasets are due, by dates alone and inside the theme; what an outage is taken for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
from pydantic import SecretStr

from eurostat_assets import postgres, resources, sandbox, watching
from eurostat_assets.eurostat import EurostatError, FeedItem
from eurostat_assets.postgres import DatasetState
from eurostat_assets.postgres.state import State
from eurostat_assets.sensors import eurostat_releases, feed, stale_datasets, sweep_when_feed_is_silent
from eurostat_assets.sensors.due import being_requested, due
from eurostat_assets.sensors.feed import hinted
from eurostat_assets.settings import Settings
from eurostat_assets.sweeping import sweep

NOON = datetime(2026, 4, 24, 9, tzinfo=UTC)
NIGHT = datetime(2026, 4, 24, 21, tzinfo=UTC)
CODE = "HLTH_RS_BDS"


def item(code: str, published: datetime) -> FeedItem:
    return FeedItem(code=code, category="UPDATED_DATASET_DATA", published=published, title=code)


@pytest.mark.parametrize(
    ("items", "known", "expected"),
    [
        ([item("HLTH_A", NIGHT)], {"HLTH_A": NOON}, {"HLTH_A"}),
        ([item("HLTH_A", NOON)], {"HLTH_A": NOON}, set()),  # the release we know of
        ([item("HLTH_A", NOON), item("HLTH_A", NIGHT)], {"HLTH_A": NOON}, {"HLTH_A"}),  # repeated, any order
        ([item("HLTH_NEW", NOON)], {}, {"HLTH_NEW"}),  # first sight
        ([item("NAMA_10_GDP", NIGHT)], {}, set()),  # another theme
        ([FeedItem("HLTH_A", None, NIGHT, "")], {"HLTH_A": NOON}, {"HLTH_A"}),  # no category to go by
        ([FeedItem("HLTH_A", "UPDATED_CODE_LIST", NIGHT, "")], {}, set()),  # a code list of that name
        ([item("HLTH_A", NOON), FeedItem("HLTH_A", "DELETED_DATASET", NIGHT, "")], {}, set()),  # gone by now
        ([], {"HLTH_A": NOON}, set()),
    ],
)
def test_a_feed_item_is_a_hint_when_it_is_younger_than_what_is_known(items, known, expected):
    assert hinted(items, lambda code: "HLTH" in code, known) == expected


def state(code: str, rows: int, word: State = "new", wait: float = -1) -> DatasetState:
    fields: dict = dict.fromkeys(DatasetState.__dataclass_fields__)
    fields |= {"dataset": code, "state": word, "offered_data": NOON, "offered_structure": NOON, "failures": 0}
    fields["behind_since"] = NOON if word in ("new", "stale", "failed") else None
    return DatasetState(**fields | {"offered_rows": rows, "next_attempt_at": NIGHT + timedelta(seconds=wait)})


@pytest.mark.parametrize(
    ("ours", "busy", "most", "expected"),
    [
        ([state("A", 1), state("B", 9), state("C", 5)], set(), 9, ["B", "C", "A"]),  # biggest first
        ([state("A", 1), state("B", 9)], {"B"}, 9, ["A"]),
        ([state("A", 1, "failed", wait=1), state("B", 9, "failed")], set(), 9, ["B"]),  # not before its time
        ([state("A", 1, "current"), state("B", 1, "withdrawn"), state("C", 1, "excluded")], set(), 9, []),
        ([state("A", 1), state("B", 9), state("C", 5)], set(), 2, ["B", "C"]),
        ([state("A", 1)], set(), -3, []),
        (
            [replace(state("A", 1), offered_data=None, behind_since=None)],
            set(),
            9,
            [],
        ),  # nobody knows that there is anything
    ],
)
def test_what_is_due_is_requested_biggest_first_and_never_twice(ours, busy, most, expected):
    chosen = due({one.dataset: one for one in ours}, busy, NIGHT, most)
    assert [one.dataset for one in chosen] == expected


def test_a_request_of_the_feed_is_over_once_its_run_has_failed():
    def asked(requested: int | None, failed: int | None) -> DatasetState:
        moments = {
            name: None if seconds is None else NIGHT + timedelta(seconds=seconds)
            for name, seconds in (("requested_at", requested), ("failed_at", failed))
        }
        return replace(state("HLTH_X", 1), **moments)

    soon = NIGHT + timedelta(seconds=30)
    assert being_requested(asked(0, None), soon)
    assert being_requested(asked(0, -10), soon)  # the failure that this request is the answer to
    assert not being_requested(asked(0, 20), soon)
    assert not being_requested(asked(-60, None), soon)
    assert not being_requested(asked(None, 20), soon)


@dg.job
def _nothing() -> None:
    """A job to make runs of."""


class World:
    """A Eurostat, a mirror's database and a Dagster instance; each tick is one evaluation of the real sensor."""

    def __init__(self, source: sandbox.Running, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.source, self.settings, self.instance = source, settings, instance
        self.mirror = resources.Mirror(settings)

    def listen(self):
        return self._tick(eurostat_releases(self.settings))

    def act(self):
        return self._tick(stale_datasets(30))

    def watch(self):
        return self._tick(sweep_when_feed_is_silent(self.settings))

    def sweep(self):
        return sweep(resources.client(self.settings), self.mirror)

    def with_api(self, api_url: str) -> "World":
        return World(self.source, self.settings.model_copy(update={"api_url": api_url}), self.instance)

    def _tick(self, sensor: dg.SensorDefinition):
        client = resources.client(self.settings)
        given = {"eurostat": client, "mirror": self.mirror}
        wanted = {name: value for name, value in given.items() if name in sensor.required_resource_keys}
        return sensor(dg.build_sensor_context(instance=self.instance, resources=wanted))

    @contextmanager
    def run_of(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> Iterator[None]:
        """While the block runs, Dagster has a run in this status that some sensor requested so."""
        tags = {
            **request.tags,
            "dagster/partition": request.partition_key or "",
            "dagster/run_key": request.run_key or "",
        }
        run = self.instance.create_run_for_job(_nothing, tags=tags, status=status)
        yield
        self.instance.delete_run(run.run_id)

    def sql(self, statement: str) -> None:
        with psycopg2.connect(self.mirror.database) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    with sandbox.running(profile="tests") as source, dg.DagsterInstance.ephemeral() as instance:
        settings = Settings(
            home=tmp_path,
            api_url=source.api_url,
            database_url=SecretStr(database),
            attempts=1,
            read_timeout=5,
            request_pace=0,
        )
        yield World(source, settings, instance)


def settle(world: World) -> None:
    """Pretend that everything offered is published, and that the feed was just read."""
    world.sweep()
    world.sql(
        "UPDATE eurostat.datasets SET data_updated = offered_data, structure_updated = offered_structure, rows = 1,"
        " release = to_char(offered_data AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') || '_' ||"
        " to_char(offered_structure AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    )
    world.listen()


def test_a_release_in_the_feed_becomes_one_requested_run_however_often_one_looks(world):
    settle(world)
    assert "Nothing new" in world.listen().skip_message
    assert "Nothing is due" in world.act().skip_message
    world.source.release(CODE)
    first = world.listen()
    (request,) = first.run_requests
    assert (request.job_name, request.partition_key) == ("mirror_dataset", CODE)
    assert re.fullmatch(r"feed: UPDATED_DATASET_DATA \d{4}-\d\d-\d\d \d\d:\d\d", request.tags["eurostat/why"])
    assert [event.partition for event in first.asset_events] == [CODE, CODE]
    assert first.asset_events[1].metadata["found by"].value == request.tags["eurostat/why"]
    assert first.dynamic_partitions_requests[0].partition_keys == [CODE]
    assert "Nothing new" in world.listen().skip_message
    assert "Nothing is due" in world.act().skip_message  # while the daemon makes the run
    # Should the daemon have died then, the other sensor requests the same attempt.
    world.sql("UPDATE eurostat.datasets SET requested_at = now() - interval '2 minutes'")
    assert [(one.run_key, one.tags) for one in world.act().run_requests] == [(request.run_key, request.tags)]
    # Not so when that run was there, whoever requested it and whatever became of it.
    with world.run_of(request, dg.DagsterRunStatus.FAILURE):
        assert "Nothing is due" in world.act().skip_message


def test_nobody_sees_a_release_of_the_feed_without_its_request(world, monkeypatch):
    settle(world)
    world.source.release(CODE)
    seen = []

    def between(*_):
        seen.append(world.act().skip_message)
        return {}

    monkeypatch.setattr(
        feed, "record_probe_failures", between
    )  # what comes next after the release is in the books
    assert [one.partition_key for one in world.listen().run_requests] == [CODE]
    assert [message.partition(":")[0] for message in seen] == ["Nothing is due"]


def test_a_dataset_that_a_run_works_for_is_not_requested_by_the_feed(world):
    settle(world)
    world.source.release(CODE)
    busy = dg.RunRequest(partition_key=CODE, run_key="another", tags={})
    with world.run_of(busy, dg.DagsterRunStatus.STARTED):
        assert f"Newer at Eurostat: {CODE}" in world.listen().skip_message
        assert "Nothing is due" in world.act().skip_message
    assert [one.partition_key for one in world.act().run_requests] == [CODE]


def test_a_dataset_whose_probe_fails_is_not_called_current_until_eurostat_answers(world):
    settle(world)
    world.source.release(CODE)
    world.source.set_faults("500=1", [CODE])
    for times in (1, 2):
        assert "1 not answered" in world.listen().skip_message
        state = postgres.states(world.mirror.database)[CODE]
        assert (state.state, state.probe_failures) == ("stale", times)
        assert "500" in (state.probe_error or "")
    assert "Nothing is due" in world.act().skip_message  # nobody knows that there is anything to load
    wrong = [one for one in watching.look(world.mirror, None).conditions if one.kind == "dataset_failed"]
    assert [one.subject for one in wrong] == [CODE]
    assert "does not answer for it" in wrong[0].sentence
    assert not state.behind
    world.source.set_faults("")
    assert [one.partition_key for one in world.listen().run_requests] == [CODE]
    state = postgres.states(world.mirror.database)[CODE]
    assert (state.state, state.probe_error, state.probe_failures) == ("stale", None, 0)


def test_one_sweep_is_requested_however_many_ask_for_it(world):
    world.sql("DELETE FROM eurostat.polls")
    asked = [world.watch(), world.watch(), world.listen()]
    assert [isinstance(one, dg.SkipReason) for one in asked] == [False, True, True]
    assert asked[0].tags["eurostat/why"] == "sweep: the feed was never read"


def test_a_dataset_seen_for_the_first_time_in_the_feed_is_added_and_requested(world):
    settle(world)
    world.source.add("HLTH_SILC_99")
    world.source.announce("NAMA_10_GDP", "NEW_DATASET")
    requested = world.listen()
    assert [request.partition_key for request in requested.run_requests] == ["HLTH_SILC_99"]
    assert requested.dynamic_partitions_requests[0].partition_keys == ["HLTH_SILC_99"]


def test_a_feed_that_fails_is_a_failed_tick_and_the_sweep_takes_over(world):
    settle(world)
    assert "regularly" in world.watch().skip_message
    broken = world.with_api("http://127.0.0.1:9/eurostat/api/dissemination")  # where nobody listens
    with pytest.raises(EurostatError):
        broken.listen()
    feed = postgres.polls(world.mirror.database)["feed"]
    assert feed.error
    assert feed.failures == 1
    assert "Swept" in world.watch().skip_message
    world.sql("UPDATE eurostat.polls SET succeeded_at = now() - interval '1 hour' WHERE source = 'sweep'")
    assert "the feed fails" in world.watch().tags["eurostat/why"]
    world.source.release(CODE)
    world.sweep()
    assert [request.partition_key for request in world.act().run_requests] == [CODE]
    world.listen()
    assert "regularly" in world.watch().skip_message


def test_who_was_away_for_longer_than_the_feed_reaches_back_sweeps(world):
    settle(world)
    world.sql("UPDATE eurostat.polls SET succeeded_at = now() - interval '8 days'")
    assert "the feed was last read" in world.watch().tags["eurostat/why"]
    world.sql("UPDATE eurostat.polls SET requested_at = NULL")
    (asked,) = world.listen().run_requests
    assert asked.job_name == "refresh_catalogue"
    assert "seven days only" in (asked.run_key or "")
    world.sweep()
    assert "Nothing new" in world.listen().skip_message


def test_a_deletion_in_the_feed_is_verified_by_a_sweep(world):
    settle(world)
    world.source.withdraw(CODE)
    (asked,) = world.listen().run_requests
    assert CODE in (asked.run_key or "")
    assert asked.run_key == world.listen().run_requests[0].run_key
    world.sweep()
    assert postgres.states(world.mirror.database)[CODE].state == "withdrawn"
    assert "Nothing new" in world.listen().skip_message
    assert "Nothing is due" in world.act().skip_message


def test_a_dataset_that_failed_is_requested_again_when_its_time_has_come(world):
    settle(world)
    world.source.release(CODE)
    key = world.listen().run_requests[0].run_key
    postgres.record_failure(world.mirror.database, CODE, "no network")
    world.sql("UPDATE eurostat.datasets SET requested_at = NULL")
    assert "1 wait" in world.act().skip_message
    # In time, or because a person accepted what was held back.
    for at in ("now() - interval '1 second'", "NULL"):
        world.sql(f"UPDATE eurostat.datasets SET next_attempt_at = {at} WHERE error IS NOT NULL")  # noqa: S608
        assert world.act().run_requests[0].run_key != key
        assert world.act().run_requests[0].tags["eurostat/why"].startswith("retry 1 after the failure of 20")


@pytest.mark.parametrize("fault", ["inventory_line=1", "inventory_half=1"])
def test_what_a_damaged_inventory_lacks_is_not_taken_for_withdrawn(world, fault):
    world.sweep()
    world.source.withdraw(CODE)
    world.source.set_faults(fault)
    world.sweep()
    states = postgres.states(world.mirror.database).values()
    assert {one.state for one in states} == {"new"}
    world.source.set_faults("")
    world.sweep()
    assert postgres.states(world.mirror.database)[CODE].state == "withdrawn"


def test_datasets_beyond_the_budget_are_not_requested(world):
    world.settings = world.settings.model_copy(update={"largest_dataset": 1000})
    world.mirror = resources.Mirror(world.settings)
    world.sweep()
    states = postgres.states(world.mirror.database).values()
    excluded = {one.dataset for one in states if one.state == "excluded"}
    assert excluded == {one.dataset for one in states if (one.offered_rows or 0) > 1000} != set()
    requested = {request.partition_key for request in world.act().run_requests}
    assert requested
    assert not requested & excluded
