"""Releases: dates, changed cells, feed items, new and withdrawn datasets, and a memory that survives restarts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from eurostat_assets.sandbox import Running, connect, running
from eurostat_assets.sandbox.clock import BRUSSELS, release_slot
from eurostat_assets.sandbox.errors import NotReady, SandboxError, UnknownDataset, WrongFolder
from eurostat_assets.sandbox.publisher import Publisher
from eurostat_assets_tests.sandbox.conftest import data, get
from eurostat_assets_tests.sandbox.decoding import decoded, of_batches


@pytest.fixture(scope="module")
def busy() -> Iterator[Running]:
    """A sandbox to be released into; each test keeps to datasets that no other uses."""
    with running(profile="tests") as sandbox:
        yield sandbox


@pytest.fixture
def own() -> Iterator[Running]:
    """A sandbox of the test's own, with an empty feed and nothing released."""
    with running(profile="tests") as sandbox:
        yield sandbox


def feed(sandbox: Running) -> list[dict[str, str]]:
    root = ElementTree.fromstring(get(f"{sandbox.api_url}/catalogue/rss/en/statistics-update.rss").body)
    return [{child.tag: child.text or "" for child in item} for item in root.iter("item")]


def inventory(sandbox: Running) -> dict[str, list[str]]:
    lines = get(f"{sandbox.api_url}/files/inventory?type=data").body.decode().splitlines()
    return {line.split("\t")[0]: line.split("\t") for line in lines[1:]}


def annotated(document: dict[str, Any]) -> dict[str, str]:
    return {a["type"]: a.get("date") or a.get("title", "") for a in document["extension"]["annotation"]}


def test_a_release_of_data_changes_a_few_cells_and_the_dates_everywhere(busy: Running) -> None:
    before = data(busy, "HLTH_CD_ARO").json()
    edition = busy.release("hlth_cd_aro")["HLTH_CD_ARO"]
    after = data(busy, "HLTH_CD_ARO").json()

    was, now = decoded(before), decoded(after)
    changed = [cell for cell in {**was, **now} if was.get(cell) != now.get(cell)]
    assert 0.01 < len(changed) / len(was) < 0.06
    assert was.keys() - now.keys()
    assert now.keys() - was.keys()
    assert now == of_batches(busy.cells("HLTH_CD_ARO"))
    assert annotated(after)["OBS_COUNT"] == str(len(now))

    wire = datetime.fromisoformat(edition["update_data"]).strftime("%Y-%m-%dT%H:%M:%S%z")
    assert annotated(after)["UPDATE_DATA"] == after["updated"] == inventory(busy)["HLTH_CD_ARO"][3] == wire
    assert annotated(after)["UPDATE_STRUCTURE"] == annotated(before)["UPDATE_STRUCTURE"]
    assert after["extension"]["datastructure"] == before["extension"]["datastructure"]


def test_a_release_of_the_structure_changes_its_version_and_no_cell(busy: Running) -> None:
    before = data(busy, "HLTH_SILC_10").json()
    busy.release("HLTH_SILC_10", what="structure")
    after = data(busy, "HLTH_SILC_10").json()

    assert decoded(after) == decoded(before)
    assert annotated(after)["UPDATE_DATA"] == annotated(before)["UPDATE_DATA"]
    assert annotated(after)["UPDATE_STRUCTURE"] == after["updated"] > before["updated"]
    assert [d["extension"]["datastructure"]["version"] for d in (before, after)] == ["1.0", "2.0"]


def test_every_release_of_a_single_cell_changes_it(busy: Running) -> None:
    values = []
    for _ in range(5):
        busy.release("HLTH_EHIS_ONE")
        values.append(data(busy, "HLTH_EHIS_ONE").json()["value"]["0"])

    assert all(one != another for one, another in pairwise(values))


def test_the_feed_tells_every_event_in_brussels_time_and_forgets_it_after_a_week(own: Running) -> None:
    own.set_clock("2026-10-26T12:00:00+01:00")  # the day after the end of summer time
    own.release("HLTH_CD_ARO", "HLTH_RS_BDS")
    own.release("HLTH_SILC_10", what="structure")
    own.release("HLTH_SHA11_HF", what="both")
    own.withdraw("HLTH_DM_NOGEO")
    own.add("HLTH_CD_NEW")
    own.announce("ICD10", "UPDATED_CODE_LIST", description="A code list")
    own.announce("HLTH_CD_ARO$DV_1", None)
    items = feed(own)

    assert {(item["title"].split(" - ")[0], item.get("category")) for item in items} == {
        ("HLTH_CD_ARO", "UPDATED_DATASET_DATA"),
        ("HLTH_RS_BDS", "UPDATED_DATASET_DATA"),
        ("HLTH_SILC_10", "UPDATED_DATASET_STRUCTURE"),
        ("HLTH_SHA11_HF", "UPDATED_DATASET_STRUCTURE_DATA"),
        ("HLTH_DM_NOGEO", "DELETED_DATASET"),
        ("HLTH_CD_NEW", "NEW_DATASET"),
        ("ICD10", "UPDATED_CODE_LIST"),
        ("HLTH_CD_ARO$DV_1", None),
    }
    aro = next(item for item in items if item["title"] == 'HLTH_CD_ARO - "Dataset: updated data"')
    assert aro["pubDate"] == "2026-10-26 11:00:00.0"
    assert aro["link"].endswith("/product/page/HLTH_CD_ARO")
    assert aro["description"].startswith("Invented: ")
    assert feed(own) == items

    own.set_clock("2026-11-02T10:59:00+01:00")
    assert feed(own)
    own.set_clock("2026-11-02T12:01:00+01:00")
    assert not feed(own)


def test_items_repeat_and_come_in_no_order(own: Running) -> None:
    codes = sorted(own.release(*(code for code in inventory(own) if "$" not in code)))
    listed = [item["title"].split(" - ")[0] for item in feed(own)]

    assert set(listed) == set(codes)
    assert len(listed) > len(codes)
    assert listed != sorted(listed)


def test_a_withdrawn_dataset_is_gone_and_a_new_one_is_there(busy: Running) -> None:
    busy.withdraw("HLTH_DM_NOGEO")
    busy.add("HLTH_CD_NEW")

    assert data(busy, "HLTH_DM_NOGEO").status == 404
    assert decoded(data(busy, "HLTH_CD_NEW").json()) == of_batches(busy.cells("HLTH_CD_NEW"))
    toc = get(f"{busy.api_url}/catalogue/toc/txt").body.decode()
    assert "hlth_cd_new" in toc
    assert "hlth_dm_nogeo" not in toc
    assert "HLTH_DM_NOGEO" not in inventory(busy)

    withdrawn = busy.state()["withdrawn"][0]
    returned = busy.add("HLTH_DM_NOGEO")["HLTH_DM_NOGEO"]
    assert returned["update_data"] > withdrawn["update_data"]
    assert data(busy, "HLTH_DM_NOGEO").status == 200


def test_an_order_for_an_unknown_dataset_changes_nothing_and_says_why(busy: Running) -> None:
    before = busy.state()
    for order in (
        lambda: busy.release("HLTH_CD_ARO", "NOPE"),
        lambda: busy.withdraw("NOPE"),
        lambda: busy.add("NOPE"),
        lambda: busy.add("HLTH_CD_ARO"),
    ):
        with pytest.raises(SandboxError, match=r"NOPE|HLTH_CD_ARO"):
            order()
    assert busy.state() == before


def test_a_restarted_sandbox_continues_where_it_was(tmp_path: Path) -> None:
    with running(tmp_path, profile="tests") as first:
        connect(tmp_path).release("HLTH_CD_ARO", "HLTH_CD_ARO", what="both")
        first.add("HLTH_CD_NEW")
        first.withdraw("HLTH_RS_BDS")
        state, body = first.state(), data(first, "HLTH_CD_ARO").body
    with running(tmp_path, profile="tests") as second:
        assert second.state() == state
        assert data(second, "HLTH_CD_ARO").body == body
        assert data(second, "HLTH_RS_BDS").status == 404
        assert data(second, "HLTH_CD_NEW").status == 200
    with pytest.raises(NotReady):
        connect(tmp_path)
    with pytest.raises(WrongFolder, match="seed"):
        Publisher(tmp_path, "tests", seed=1)


@pytest.mark.parametrize(
    ("now", "newest", "slot"),
    [
        ("2026-07-01T12:00+02:00", "2026-06-01T11:00+02:00", "2026-07-01T11:00+02:00"),
        ("2026-07-01T10:59+02:00", "2026-06-01T11:00+02:00", "2026-06-30T23:00+02:00"),
        (
            "2026-07-01T12:00+02:00",
            "2026-07-01T11:00+02:00",
            "2026-07-01T23:00+02:00",
        ),  # never the same date twice
        ("2026-07-01T12:00+02:00", "2026-07-03T23:00+02:00", "2026-07-04T11:00+02:00"),
        (
            "2026-03-29T12:00+02:00",
            "2026-01-01T11:00+01:00",
            "2026-03-29T11:00+02:00",
        ),  # summer time began at 2:00
        ("2026-10-25T10:30+01:00", "2026-01-01T11:00+01:00", "2026-10-24T23:00+02:00"),
    ],
)
def test_a_release_is_dated_by_brussels_slots(now: str, newest: str, slot: str) -> None:
    dated = release_slot(datetime.fromisoformat(now), datetime.fromisoformat(newest))

    assert dated == datetime.fromisoformat(slot)
    assert dated.utcoffset() == datetime.fromisoformat(slot).utcoffset()


def test_many_releases_only_ever_move_forward(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, "tests")
    publisher.set_clock(datetime(2026, 3, 27, 12, tzinfo=BRUSSELS))
    for what in ("data", "structure", "both") * 10:
        before = publisher.editions["HLTH_CD_ARO"]
        (after,) = publisher.release(["HLTH_CD_ARO"], what)
        assert after.updated > before.updated
        assert after.updated.hour in (11, 23)
        assert after.updated - before.updated <= timedelta(hours=13) or before.release + before.structure == 0
    assert json.loads((tmp_path / "sandbox.json").read_text())["editions"][0]["release"] == 20
    assert publisher.now.astimezone(UTC).hour == 11
    with pytest.raises(UnknownDataset):
        publisher.release(["NOPE"])
