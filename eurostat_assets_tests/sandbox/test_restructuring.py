"""Datasets whose structure changes: what is served, what is true, and what the catalogue says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from eurostat_assets.sandbox import Running, running
from eurostat_assets.sandbox.errors import SandboxError
from eurostat_assets.sandbox.profiles import profile
from eurostat_assets.sandbox.restructuring import possible, restructured
from eurostat_assets_tests.sandbox.conftest import data, get
from eurostat_assets_tests.sandbox.decoding import codes, decoded, of_batches


@pytest.fixture(scope="module")
def changing() -> Iterator[Running]:
    with running(profile="tests") as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("code", "change", "names"),
    [
        ("HLTH_SILC_10", "add deg_urb 3", "freq unit quant_inc levels sex age deg_urb geo time"),
        ("HLTH_DPEH_050", "remove sex", "freq unit lev_limit age deg_urb geo time"),
        ("HLTH_EHIS_BM1E", "rename age age18", "freq unit isced11 sex age18 geo time"),
        ("HLTH_DM_NOGEO", "add deg_urb 2", "freq unit c_birth sex age deg_urb time"),
        ("HLTH_RS_BDS", "position geo UK", "freq unit facility geo time"),
        ("HLTH_CD_WEEKLY", "position time 2022-W03", "freq unit sex age geo time"),
        ("HLTH_CD_ARO", "reorder icd10 7", "freq unit sex age icd10 geo time"),
    ],
)
def test_after_a_change_what_is_served_is_what_is_true(
    changing: Running, code: str, change: str, names: str
) -> None:
    before = data(changing, code).json()
    if change.startswith("position geo"):  # whichever comes next in the code list
        change = next(c for c in possible(profile("tests")[code], 1) if c.startswith("position geo"))
    if change.startswith("position time"):
        change = next(c for c in possible(profile("tests")[code], 1) if c.startswith("position time"))
    edition = changing.restructure(code, change)[code]
    after = data(changing, code).json()

    assert after["id"] == names.split()
    assert decoded(after) == of_batches(changing.cells(code))
    assert edition["changes"] == [change]
    assert after["updated"] > before["updated"]
    assert after["extension"]["datastructure"]["version"] == "2.0"
    if change.startswith("position"):
        assert sum(map(len, codes(after))) == sum(map(len, codes(before))) + 1
    if change.startswith("reorder"):
        assert codes(after) != codes(before)
        assert list(map(sorted, codes(after))) == list(map(sorted, codes(before)))
        assert decoded(after) == decoded(before)
        assert edition["update_data"] < edition["update_structure"]


def test_changes_add_up_survive_a_restart_and_slices_know_the_new_dimensions(tmp_path: Path) -> None:
    with running(tmp_path, profile="tests") as first:
        first.restructure("HLTH_SILC_10", "add deg_urb 3")
        first.restructure("HLTH_SILC_10", "rename deg_urb deg_urb18")
        first.restructure("HLTH_SILC_10", "remove quant_inc")
        body = data(first, "HLTH_SILC_10").body
        first.withdraw("HLTH_SILC_10")
    with running(tmp_path, profile="tests") as second:
        second.add("HLTH_SILC_10")
        whole = data(second, "HLTH_SILC_10").json()
        part = data(second, "HLTH_SILC_10", "deg_urb18=DEG1").json()
        refused = data(second, "HLTH_SILC_10", "quant_inc=TOTAL")
        inventory = get(f"{second.api_url}/files/inventory?type=data").body.decode()

    assert decoded(whole) == decoded(json.loads(body))
    assert decoded(part) == {cell: content for cell, content in decoded(whole).items() if "DEG1" in cell}
    assert refused.status == 400
    assert f"HLTH_SILC_10\tDATASET\t-\t{whole['updated']}\t{whole['updated']}\t" in inventory


def test_every_proposed_change_is_possible() -> None:
    for dataset in profile("tests").values():
        changes = possible(dataset, 1)
        assert changes
        for change in changes:
            assert restructured(dataset, [change]).dimensions != dataset.dimensions


@pytest.mark.parametrize(
    "change",
    ["", "add sex 3", "remove geo", "remove nope", "rename age sex", "position geo BE", "drop sex", "add"],
)
def test_an_impossible_change_is_refused_and_changes_nothing(changing: Running, change: str) -> None:
    before = changing.state()
    with pytest.raises(SandboxError, match="the structure of HLTH_CO_DISCH cannot change"):
        changing.restructure("HLTH_CO_DISCH", change or " ")
    assert changing.state() == before
