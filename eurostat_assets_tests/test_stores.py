"""Two runs of one dataset: the store keeps the newer release, whole, whichever run writes last."""

import hashlib
import json
import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from upath import UPath

from eurostat_assets.eurostat import RawJson, Release
from eurostat_assets.eurostat.raw import RawPart
from eurostat_assets.io_managers import ParquetStore, RawStore
from eurostat_assets.jsonstat import write_parquet
from eurostat_assets_tests.jsonstat.documents import eurostat_like

CODE = "HLTH_TEST"
NOON = datetime(2026, 4, 24, 9, tzinfo=UTC)
ROUNDS = 200
CONTEXT: Any = Mock(partition_key=CODE)  # a real one makes a Dagster instance each time


def raw(folder: Path, day: int, content: str = "", fetched: datetime = NOON) -> RawJson:
    """A body as a run has it on its workbench; equal content has an equal name in the store."""
    content = content or f"the body of day {day}"
    path = folder / f"{uuid.uuid4().hex}.json.gz"
    path.write_text(content)
    release = Release(datetime(2026, 1, day, tzinfo=UTC), datetime(2026, 1, day, tzinfo=UTC))
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    part = RawPart(path, "http://localhost/x", sha256, len(content), len(content))
    return RawJson(CODE, release, fetched, 1.0, (part,))


def write(store: RawStore, body: RawJson) -> None:
    store.handle_output(CONTEXT, body)


def read(store: RawStore) -> RawJson:
    return store.load_input(CONTEXT)


def bodies(store: str) -> list[str]:
    folder = UPath(store) / "raw" / f"dataset={CODE}"
    return sorted(path.read_text() for path in folder.iterdir() if path.name != "current.json")


@pytest.mark.parametrize("days", [(1, 2), (2, 1), (1, 1)])
def test_what_is_described_is_there_however_two_runs_meet(tmp_path, days):
    chance = random.Random(3)
    with ThreadPoolExecutor(2) as runs:
        for _ in range(ROUNDS):
            place = str(tmp_path / uuid.uuid4().hex)
            write(RawStore(place), raw(tmp_path, 1))  # of before; one of the two fetches it once more, maybe
            starting = threading.Barrier(2)

            def run(day: int, place: str = place, starting: threading.Barrier = starting) -> None:
                body = raw(tmp_path, day)
                starting.wait(60)
                threading.Event().wait(chance.uniform(0, 0.002))
                write(RawStore(place), body)

            list(runs.map(run, days))
            newest = max(days)
            current = read(RawStore(place))
            assert current.release.data.day == newest
            assert current.path.read_text() == f"the body of day {newest}"
            assert bodies(place) == [f"the body of day {newest}"]
    assert not list(tmp_path.glob("*.json.gz"))  # nor is anything left on the workbench


def test_a_release_that_eurostat_went_back_behind_is_not_kept_for_ever(tmp_path):
    store = RawStore(str(tmp_path / "store"))
    write(store, raw(tmp_path, 2, fetched=NOON))
    write(store, raw(tmp_path, 1, fetched=NOON + timedelta(hours=1)))
    assert read(store).release.data.day == 2
    write(store, raw(tmp_path, 1, fetched=NOON + timedelta(hours=3)))
    assert read(store).release.data.day == 1


def test_in_an_object_store_a_young_body_stays_as_another_run_may_be_about_to_name_it(tmp_path, monkeypatch):
    place = f"memory://{uuid.uuid4().hex}"
    store = RawStore(place)
    write(store, raw(tmp_path, 1))
    write(store, raw(tmp_path, 2))
    assert read(store).path.read_text() == "the body of day 2"
    assert bodies(place) == ["the body of day 1", "the body of day 2"]
    monkeypatch.setattr("eurostat_assets.io_managers.OVERLAP", timedelta(0))
    write(store, raw(tmp_path, 3))
    assert bodies(place) == ["the body of day 3"]


def test_what_a_killed_run_had_half_written_goes_with_the_next_one(tmp_path):
    store, body = ParquetStore(str(tmp_path / "store")), tmp_path / "body.json"
    body.write_text(json.dumps(eurostat_like(100) | {"updated": "2026-02-06T23:00:00+0100"}))
    folder = tmp_path / "store" / "observations" / f"dataset={CODE}"
    folder.mkdir(parents=True)
    (folder / "_digest.json.4711.part").write_text("{")
    store.handle_output(CONTEXT, write_parquet(body, tmp_path / "finished.parquet"))
    assert sorted(path.name for path in folder.iterdir()) == ["_digest.json", "observations.parquet"]
