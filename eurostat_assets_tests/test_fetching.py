"""A run of a dataset that has nothing newer costs one small request and changes nothing."""

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from eurostat_assets import postgres, resources, room, sandbox, watching
from eurostat_assets.definitions import build
from eurostat_assets.eurostat import Release
from eurostat_assets.sensors.endings import record_failed_run
from eurostat_assets.sweeping import sweep
from eurostat_assets_tests.mirroring import Mirroring, mirroring, table, truth

CODE = "HLTH_RS_BDS"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def source() -> Iterator[sandbox.Running]:
    with sandbox.running(profile="tests") as running:
        yield running


@pytest.fixture
def mirror(tmp_path: Path, source: sandbox.Running, database: str) -> Iterator[Mirroring]:
    with mirroring(tmp_path, source.api_url, database) as one:
        sweep(resources.client(one.settings), resources.Mirror(one.settings))
        yield one


def state(mirror: Mirroring) -> postgres.DatasetState:
    return postgres.states(mirror.settings.database_url.get_secret_value())[CODE]


def reports(mirror: Mirroring, asset: str = "published_table") -> list[dg.AssetMaterialization]:
    """What was reported of the asset, newest first."""
    records = mirror.instance.fetch_materializations(dg.AssetKey(asset), limit=100).records
    return [one for record in records if (one := record.asset_materialization)]


def materialised(mirror: Mirroring) -> int:
    """How often the table was loaded, without the reports that nothing had changed."""
    return sum("checked" not in one.metadata for one in reports(mirror))


def test_an_unchanged_dataset_is_checked_and_not_loaded_again(mirror):
    assert mirror.mirror(CODE) is None
    before = state(mirror)
    assert mirror.mirror(CODE) is None
    after = state(mirror)
    assert (after.release, after.published_at) == (before.release, before.published_at)
    assert after.checked_at
    assert before.checked_at
    assert after.checked_at > before.checked_at
    assert materialised(mirror) == 1


@pytest.mark.parametrize("asset", ["raw_json", "observations", "published_table"])
def test_an_unchanged_dataset_is_reported_as_it_was_and_says_that_it_was_checked(mirror, asset):
    mirror.mirror(CODE)
    mirror.mirror(CODE)
    mirror.mirror(CODE)
    third, second, first = reports(mirror, asset)
    assert {name: third.metadata[name] for name in first.metadata} == first.metadata
    assert third.metadata.keys() - first.metadata.keys() == {"checked"}
    assert "Eurostat's newest" in str(third.metadata["checked"].value)
    assert (
        third.tags == second.tags == first.tags
    )  # data version, and from which one of the source it was made
    assert third.partition == CODE


def test_every_check_of_a_dataset_is_of_its_newest_materialisation(mirror):
    checks = [dg.AssetCheckKey(dg.AssetKey("observations"), "complete")]
    checks += [dg.AssetCheckKey(dg.AssetKey("published_table"), "parquet_intact")]
    for _ in ("loaded", "checked, unchanged"):
        mirror.mirror(CODE)
        known = mirror.instance.event_log_storage.get_asset_check_partition_info(checks)
        assert [one.partition_key for one in known] == [CODE, CODE]
        assert all(one.is_current for one in known)


def test_what_dagster_has_no_history_of_is_reported_from_the_books(mirror):
    mirror.mirror(CODE)
    for asset in ("raw_json", "observations", "published_table"):
        mirror.instance.wipe_assets([dg.AssetKey(asset)])
    mirror.mirror(CODE)
    (only,) = reports(mirror)
    assert only.metadata["dagster/partition_row_count"].value == state(mirror).rows
    assert (only.tags or {})["dagster/data_version"] == state(mirror).release


def status_of(mirror: Mirroring, asset: str = "raw_json") -> str:
    """Whether Dagster calls the dataset's partition of the asset FRESH, STALE or MISSING."""
    graph = build(mirror.settings).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(mirror.instance, graph, LoadingContextForTest(mirror.instance))
    return resolver.get_status(dg.AssetKey(asset), CODE).value


def test_a_partition_is_stale_from_the_report_of_a_release_until_that_is_published(mirror, source):
    ours = resources.Mirror(mirror.settings)

    def sweep_in_dagster() -> None:
        assert mirror.run("refresh_catalogue") is None

    sweep_in_dagster()
    mirror.mirror(CODE)
    assert status_of(mirror) == "FRESH"
    source.release("HLTH_CD_ARO")
    sweep_in_dagster()
    assert status_of(mirror) == "FRESH"  # another's release
    source.release(CODE)
    sweep_in_dagster()
    assert status_of(mirror) == "STALE"
    newest = reports(mirror, "eurostat_dataset")[0]
    assert newest.partition == CODE
    assert newest.metadata["title"].value == postgres.states(ours.database)[CODE].title
    assert newest.metadata["found by"].value == "sweep"
    mirror.mirror(CODE)
    assert status_of(mirror) == "FRESH"
    source.release(CODE)
    mirror.mirror(CODE)  # by a person, before anything told of it
    assert status_of(mirror) == "FRESH"
    sweep_in_dagster()
    assert status_of(mirror) == "FRESH"


def test_what_is_still_being_prepared_leaves_the_published_release_and_is_shown_as_stale(mirror, source):
    mirror.run("refresh_catalogue")
    mirror.mirror(CODE)
    published = state(mirror).release
    source.release(CODE)
    mirror.run("refresh_catalogue")
    source.set_faults("async:1=1", [CODE])
    assert mirror.mirror(CODE) is None
    newest = reports(mirror)[0]
    assert "preparing" in str(newest.metadata["checked"].value)
    assert (newest.tags or {})["dagster/data_version"] == published
    assert status_of(mirror) == "STALE"


def test_a_manual_run_finds_the_release_that_feed_and_sweep_have_not_told_of_yet(mirror, source):
    mirror.mirror(CODE)
    before = state(mirror).release
    source.release(CODE)
    assert mirror.mirror(CODE) is None
    assert state(mirror).release != before
    assert materialised(mirror) == 2


def test_a_body_equal_to_the_published_one_is_not_loaded_again(mirror):
    mirror.mirror(CODE)
    database = mirror.settings.database_url.get_secret_value()
    later = postgres.states(database)[CODE].data_updated
    assert later
    promised = later.replace(year=later.year + 1)
    postgres.record_offers(database, {CODE: Release(promised, promised)})
    assert state(mirror).state == "stale"
    assert mirror.mirror(CODE) is None
    assert state(mirror).state == "current"  # the dataset itself is believed, not the promise
    assert materialised(mirror) == 1


def test_a_withdrawn_dataset_is_left_alone_and_a_run_of_it_succeeds(mirror, source):
    mirror.mirror(CODE)
    source.withdraw(CODE)
    sweep(resources.client(mirror.settings), resources.Mirror(mirror.settings))
    assert state(mirror).state == "withdrawn"
    assert mirror.mirror(CODE) is None
    assert materialised(mirror) == 1


def test_force_loads_what_is_unchanged(mirror):
    mirror.mirror(CODE)
    assert mirror.mirror(CODE, force=True) is None
    assert materialised(mirror) == 2


def test_a_run_that_a_person_launched_is_found_by_dataset_and_release(mirror):
    mirror.instance.add_dynamic_partitions("eurostat_dataset", [CODE])
    run_id = mirror.execute("mirror_dataset", CODE).run_id
    run = mirror.instance.get_run_by_id(run_id)
    assert run is not None
    assert run.tags["dagster/partition"] == CODE
    assert run.tags["eurostat/why"] == "person"
    assert run.tags["eurostat/release"] == state(mirror).release
    assert run.tags["eurostat/title"] == (state(mirror).title or "")[:120]


def right(mirror: Mirroring, source: sandbox.Running) -> bool:
    """Whether the published table holds the source's cells."""
    there = table(mirror.settings.database_url.get_secret_value(), CODE)
    return sorted(there, key=str) == sorted(truth(source.cells(CODE)), key=str)


def test_what_eurostat_is_still_preparing_ends_the_run_in_green_and_waits_for_another(mirror, source):
    source.set_faults("async:1=1", [CODE])
    assert mirror.mirror(CODE) is None
    waiting = state(mirror)
    assert (waiting.state, waiting.error, materialised(mirror)) == ("new", None, 0)
    assert "preparing" in (waiting.note or "")
    assert waiting.next_attempt_at
    assert waiting.next_attempt_at > datetime.now(UTC)
    assert mirror.mirror(CODE) is None
    assert (state(mirror).state, state(mirror).note, state(mirror).waiting_since) == ("current", None, None)
    assert right(mirror, source)


def test_what_is_being_prepared_for_ever_is_taken_as_sdmx_csv(mirror, source):
    source.set_faults("async=1", [CODE])
    impatient = replace(mirror, settings=mirror.settings.model_copy(update={"preparing_patience": 0.0}))
    for _ in range(2):
        assert impatient.mirror(CODE) is None
    assert (state(mirror).state, state(mirror).route) == ("current", "sdmx-csv")
    assert right(mirror, source)


def test_what_is_too_big_for_one_extraction_is_taken_in_slices(mirror, source):
    source.set_faults("too_big=1", [CODE])
    assert mirror.mirror(CODE) is None
    assert (state(mirror).state, state(mirror).route) == ("current", "slices")
    assert right(mirror, source)


@pytest.mark.parametrize("fault", ["miscount=1", "missing_cells=1"])
def test_a_body_with_fewer_cells_than_announced_is_not_published(mirror, source, fault):
    mirror.mirror(CODE)
    before = state(mirror)
    source.release(CODE)
    source.set_faults(fault, [CODE])
    problem = mirror.mirror(CODE)
    assert problem
    assert "OBS_COUNT" in problem
    assert state(mirror).published_at == before.published_at
    source.set_faults("")
    assert mirror.mirror(CODE) is None
    assert right(mirror, source)


def test_the_books_say_what_each_stage_took_and_which_one_failed(mirror, source):
    ours = resources.Mirror(mirror.settings)
    mirror.mirror(CODE)
    took = postgres.stages(ours.database)
    assert {stage: one.count for stage, one in took.items()} == {"download": 1, "read": 1, "publish": 1}
    assert all(one.seconds > 0 for one in took.values())
    source.release(CODE)
    for fault in ("html=1", "missing_cells=1"):
        source.set_faults(fault, [CODE])
        failed = mirror.execute("mirror_dataset", CODE)
        assert not failed.success
        record_failed_run(ours, CODE, failed.all_events)
    postgres.record_failure(ours.database, CODE, "its process was killed")
    assert postgres.faults(ours.database) == {"download": 1, "check": 1, "died": 1}


def test_a_load_that_does_not_fit_is_not_begun_is_no_failure_and_goes_on_by_itself(mirror, monkeypatch):
    free = [505_000]
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage(10_000_000, 9_300_000, free[0]))
    url = mirror.settings.database_url.get_secret_value()
    assert mirror.mirror(CODE) is None
    waiting = state(mirror)
    assert (waiting.state, waiting.failures, waiting.error, waiting.release) == ("new", 0, None, None)
    assert waiting.room_needed
    assert 505_000 < waiting.room_needed < 600_000
    assert waiting.note is not None
    assert CODE in waiting.note
    assert "1 MB are free under" in waiting.note
    assert waiting.next_attempt_at
    assert not waiting.due(datetime.now(UTC))
    assert not (mirror.settings.home / "store").exists()

    quiet = mirror.settings.model_copy(update={"alarm_disk_free": 0, "alarm_lag": 1e-6})
    seen = watching.look(resources.Mirror(quiet), None).conditions
    (alarm,) = [one for one in seen if one.kind == "disk_full"]
    assert "for 1 datasets that wait" in alarm.sentence
    assert (CODE, "dataset_late") not in {(one.subject, one.kind) for one in seen}

    free[0] = 9_000_000
    with psycopg2.connect(url) as connection:
        connection.cursor().execute("UPDATE eurostat.datasets SET next_attempt_at = now()")
    connection.close()
    assert state(mirror).due(datetime.now(UTC))
    assert mirror.mirror(CODE) is None
    assert state(mirror).release
    assert state(mirror).room_needed is None
    assert not [
        one for one in watching.look(resources.Mirror(quiet), None).conditions if one.kind == "disk_full"
    ]
