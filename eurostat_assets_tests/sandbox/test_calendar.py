"""The sandbox's own calendar: its hours, what it publishes, and that everything served agrees about it."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from eurostat_assets.sandbox import Running, running
from eurostat_assets.sandbox.calendar import Hour, Rhythm, release_times
from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.publisher import Publisher
from eurostat_assets_tests.sandbox.conftest import data, get
from eurostat_assets_tests.sandbox.decoding import decoded, of_batches

START = datetime(2026, 3, 9, 8, tzinfo=BRUSSELS)
LIVELY: dict[str, Any] = {
    "share": 0.1, "new": 0.6, "withdrawn": 0.5, "returned": 0.4, "renamed": 0.4, "restructured": 0.9, "reordered": 0.7
}  # fmt: skip


def month(publisher: Publisher, rhythm: Rhythm, hours: int = 75) -> list[datetime]:
    """A month of releases at once."""
    slots = list(islice(release_times(START, 0, rhythm.mornings), hours))
    for slot in slots:
        publisher.clock.set(slot)
        with publisher.at(slot):
            Hour(publisher, rhythm, slot).publish()
    return slots


def test_release_times_are_those_of_brussels_with_some_odd_mornings() -> None:
    slots = list(islice(release_times(START, 0, 0.4), 80))
    of_day = Counter(slot.strftime("%H:%M") for slot in slots)
    mornings = [hour for hour in of_day if hour not in ("11:00", "23:00")]

    assert slots == sorted(slots)
    assert slots[0] > START
    assert of_day["11:00"] > 25 < of_day["23:00"]
    assert mornings
    assert all("09:01" <= hour <= "09:34" for hour in mornings)
    assert {slot.utcoffset() for slot in slots} == {
        timedelta(hours=1),
        timedelta(hours=2),
    }  # summer time begins


def test_a_month_brings_every_kind_of_event_and_only_ever_moves_forward() -> None:
    publisher = Publisher(None, "tests")
    first = dict(publisher.editions)
    slots = month(publisher, Rhythm(**LIVELY))
    categories = {item.category for item in publisher.feed}
    changes = {change.split()[0] for e in publisher.editions.values() for change in e.changes}

    assert {
        "UPDATED_DATASET_DATA", "UPDATED_DATASET_STRUCTURE", "UPDATED_DATASET_STRUCTURE_DATA", "NEW_DATASET",
        "DELETED_DATASET", "UPDATED_CODE_LIST",
    } <= categories  # fmt: skip
    assert changes == {"add", "remove", "rename", "position", "reorder"}
    assert publisher.withdrawn
    assert publisher.editions.keys() - first.keys()
    assert {item.date for item in publisher.feed} <= set(slots)
    for code, edition in publisher.editions.items():
        if code in first and edition != first[code]:
            assert edition.updated > first[code].updated
            assert edition.updated in slots


def test_the_same_seed_brings_the_same_month_and_its_state_tells_every_cell() -> None:
    one, other = Publisher(None, "tests"), Publisher(None, "tests")
    month(one, Rhythm(**LIVELY))
    month(other, Rhythm(**LIVELY))
    restored = Publisher.of(json.loads(json.dumps(one.state())))

    assert one.editions == other.editions == restored.editions
    for (source, edition), (again, _) in zip(one.catalogue(), restored.catalogue(), strict=True):
        document = json.loads(b"".join(source.stream(edition, None, "en")))
        assert decoded(document) == of_batches(again.observations(edition))


def inventory(sandbox: Running) -> dict[str, list[str]]:
    lines = get(f"{sandbox.api_url}/files/inventory?type=data").body.decode().splitlines()
    return {line.split("\t")[0]: line.split("\t") for line in lines[1:] if "$" not in line.split("\t")[0]}


def test_a_compressed_calendar_releases_by_itself_and_everything_served_agrees() -> None:
    with running(profile="tests", day_seconds=1, calendar=LIVELY) as sandbox:
        time.sleep(5)
        stopped = sandbox.stop_calendar()
        state, listed = sandbox.state(), inventory(sandbox)
        toc = get(f"{sandbox.api_url}/catalogue/toc/txt").body.decode()
        root = ElementTree.fromstring(get(f"{sandbox.api_url}/catalogue/rss/en/statistics-update.rss").body)
        bodies = {code: data(sandbox, code).json() for code in listed}
        truths = {code: of_batches(batches) for code, batches in sandbox.all_cells().items()}
        time.sleep(1)
        assert sandbox.state() == state
        assert sandbox.resume_calendar()["running"]
        time.sleep(1.5)
        later = sandbox.stop_calendar()

    assert stopped["release_times"] >= 6
    assert later["release_times"] > stopped["release_times"]
    assert datetime.fromisoformat(later["now"]) > datetime.fromisoformat(stopped["now"])
    assert listed.keys() == truths.keys()
    for code, document in bodies.items():
        dates = {a["type"]: a.get("date") for a in document["extension"]["annotation"]}
        assert decoded(document) == truths[code]
        assert listed[code][3:5] == [dates["UPDATE_DATA"], dates["UPDATE_STRUCTURE"]]
        assert f'"{code.lower()}"' in toc or code == "HLTH_CD_DAILY"
    assert not any(f'"{gone["code"].lower()}"' in toc for gone in state["withdrawn"])
    # The feed tells the last week of everything that has another date than at the beginning.
    now = datetime.fromisoformat(stopped["now"])
    told = {(item.findtext("title") or "").split(" - ")[0] for item in root.iter("item")}
    news = state["editions"] + state["withdrawn"]
    recent = {
        e["code"]
        for e in news
        if max(map(datetime.fromisoformat, (e["update_data"], e["update_structure"])))
        > now - timedelta(days=7)
    }
    assert recent
    assert recent <= told


def test_a_release_may_land_between_two_slices() -> None:
    with running(profile="tests") as sandbox:
        one = data(sandbox, "HLTH_CO_DISCH", "sex=T").json()
        sandbox.restructure("HLTH_CO_DISCH", "reorder icd10 3")
        other = data(sandbox, "HLTH_CO_DISCH", "sex=M").json()

    assert one["updated"] < other["updated"]
    assert one["dimension"]["icd10"]["category"]["index"] != other["dimension"]["icd10"]["category"]["index"]


def test_a_restarted_calendar_goes_on_where_it_was(tmp_path: Path) -> None:
    with running(tmp_path, profile="tests", day_seconds=1) as sandbox:
        time.sleep(1.5)
        stopped = sandbox.stop_calendar()
    with running(tmp_path, profile="tests", day_seconds=60) as sandbox:
        again = sandbox.stop_calendar()
        dates = [item["date"] for item in sandbox.state()["feed"]]

    assert stopped["release_times"]
    assert datetime.fromisoformat(again["now"]) < datetime.fromisoformat(stopped["now"]) + timedelta(days=3)
    assert dates == sorted(dates)


def test_the_small_profile_is_a_whole_theme_that_can_be_had() -> None:
    with running(profile="small") as sandbox:
        listed = [code for code in inventory(sandbox) if "HLTH" in code]
        assert len(listed) == 490
        assert {data(sandbox, code).status for code in listed[:100]} == {200}
