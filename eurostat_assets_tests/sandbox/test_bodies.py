"""What the sandbox serves is what it says is true, in the shape of the real thing."""

from __future__ import annotations

import json
import re
from math import prod
from pathlib import Path
from typing import Any

import pytest

from eurostat_assets.sandbox import Running
from eurostat_assets.sandbox.profiles import profile
from eurostat_assets_tests.sandbox.conftest import data
from eurostat_assets_tests.sandbox.decoding import codes, decoded, of_batches, places

CODES = sorted(profile("tests"))
MEMBERS = [
    "version",
    "class",
    "label",
    "source",
    "updated",
    "value",
    "status",
    "id",
    "size",
    "dimension",
    "extension",
]


@pytest.mark.parametrize("code", CODES)
def test_a_body_decoded_plainly_is_the_truth(sandbox: Running, code: str) -> None:
    document = data(sandbox, code).json()
    cells = decoded(document)

    assert cells == of_batches(sandbox.cells(code))
    assert document["extension"]["id"] == code
    assert _annotation(document, "OBS_COUNT") == str(len(cells))
    assert document["label"].startswith("Invented: ")


@pytest.mark.parametrize("code", CODES)
def test_members_and_keys_come_in_the_order_of_the_real_api(sandbox: Running, code: str) -> None:
    answer = data(sandbox, code)
    document = answer.json()
    order = codes(document)

    assert list(document) == [name for name in MEMBERS if name in document]
    assert answer.body == json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    for member in ("value", "status"):
        stored = [_codes_of(document, order, key) for key in document.get(member, {})]
        assert stored == sorted(stored)
    assert ("status" in document) == ("status" in document["extension"])
    assert document.get("status") != {}


def test_positions_come_in_another_order_than_their_sorted_codes(sandbox: Running) -> None:
    orders = [order for code in CODES for order in codes(data(sandbox, code).json()) if len(order) > 2]

    assert sum(order != sorted(order) for order in orders) > len(orders) / 2


def test_positions_with_no_data_are_those_without_any_cell(sandbox: Running) -> None:
    emptied = 0
    for code in CODES:
        document = data(sandbox, code).json()
        used = [places(document, key) for key in {**document["value"], **document.get("status", {})}]
        for axis, name in enumerate(document["id"]):
            unused = set(range(document["size"][axis])) - {place[axis] for place in used}
            assert document["extension"]["positions-with-no-data"][name] == sorted(unused)
            emptied += len(unused)
    assert emptied


def test_the_datasets_are_as_varied_as_reality(sandbox: Running) -> None:
    documents = {code: data(sandbox, code).json() for code in CODES}
    statuses = {status for document in documents.values() for status in document.get("status", {}).values()}
    numbers = {code: re.findall(r'":(-?[\d.]+)[,}]', data(sandbox, code).body.decode()) for code in CODES}
    periods = {
        period
        for document in documents.values()
        for period in document["dimension"]["time"]["category"]["index"]
    }

    assert {"p", "b", "bep", "|C", "m"} <= statuses
    assert {len(document["id"]) for document in documents.values()} >= {4, 5, 6, 7, 8}
    assert prod(documents["HLTH_EHIS_ONE"]["size"]) == len(documents["HLTH_EHIS_ONE"]["value"]) == 1
    assert documents["HLTH_SILC_SECRET"]["value"] == {}
    assert documents["HLTH_SILC_SECRET"]["status"]
    assert "geo" not in documents["HLTH_DM_NOGEO"]["id"]
    assert "status" not in documents["HLTH_DHC_HALF"]
    assert {"5", "4.0"} <= set(numbers["HLTH_SILC_10"])
    assert any(number.startswith("-") for number in numbers["NAMA_10_GDPX"])
    assert {len(period) for period in periods} == {
        4,
        7,
        8,
        10,
    }  # 2020, 2020-S1 (Q3, 07), 2020-W28, 2020-07-01
    assert len(documents["HLTH_RS_MIXED"]["dimension"]["freq"]["category"]["index"]) == 4
    assert '"' in documents["HLTH_DPEH_050"]["label"]
    assert not data(sandbox, "HLTH_CD_ARO").body.isascii()


def test_monthly_cells_have_months_and_annual_ones_years(sandbox: Running) -> None:
    lengths = {"A": 4, "S": 7, "Q": 7, "M": 7}
    cells = decoded(data(sandbox, "HLTH_RS_MIXED").json())

    assert {cell[0] for cell in cells} == set(lengths)
    assert all(
        len(cell[-1]) == lengths[cell[0]] and (cell[0] in cell[-1] or cell[0] in "AM") for cell in cells
    )


def test_a_generated_body_and_a_recorded_one_have_the_same_structure(sandbox: Running, shared: Path) -> None:
    raw = (shared / "real" / "jsonstat-eurostat" / "hlth_ehis_hc7.json").read_bytes()
    recorded, generated = json.loads(raw), data(sandbox, "HLTH_EHIS_BM1E").json()

    assert raw == json.dumps(recorded, ensure_ascii=False, separators=(",", ":")).encode()
    assert _structure(generated) == _structure(recorded)
    assert list(generated["extension"]) == list(recorded["extension"])
    assert [a["type"] for a in generated["extension"]["annotation"]] == [
        a["type"] for a in recorded["extension"]["annotation"]
    ]


def _structure(node: Any, path: str = "") -> Any:
    """Members and the kinds of their contents; codes, flat indices and dimension ids are left out."""
    if isinstance(node, str):
        return "date" if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", node) else "text"
    if isinstance(node, int | float):
        return "number"
    if isinstance(node, list):
        return {json.dumps(_structure(item, path)) for item in node}
    if (
        path.endswith(("/index", "/label", "/value", "/status", "/positions-with-no-data"))
        and path != "/extension/status"
    ):
        return {json.dumps(_structure(item, path), default=sorted) for item in node.values() if item != []}
    if path == "/dimension":
        return {json.dumps(_structure(item, "/dimension/x"), default=sorted) for item in node.values()}
    return {name: _structure(item, f"{path}/{name}") for name, item in node.items()}


def _codes_of(document: dict[str, Any], positions: list[list[str]], key: str) -> list[str]:
    return [position[place] for position, place in zip(positions, places(document, key), strict=True)]


def _annotation(document: dict[str, Any], kind: str) -> str:
    return next(
        a.get("title") or a.get("date") for a in document["extension"]["annotation"] if a["type"] == kind
    )
