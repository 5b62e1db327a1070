"""The fast lane and the reference lane say the same of every text, whatever the size of the pieces."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eurostat_assets.jsonstat import JsonStatError, fast, lanes, read
from eurostat_assets.jsonstat.flags import Statuses
from eurostat_assets_tests.jsonstat.documents import (
    NUMBERS,
    STATUSES,
    Document,
    Held,
    documents,
    eurostat_like,
)
from eurostat_assets_tests.jsonstat.plain import decode_document

PIECE_SIZES = [1, 7, 40, 300, 1 << 17]


def rows(text: bytes, piece_size: int | None) -> list[tuple[Any, ...]]:
    observations = read(Held(text), piece_size=piece_size)
    table = pa.Table.from_batches(observations, observations.schema)
    return list(
        zip(*(column.to_pylist() for column in table.drop(["period_start", "period_end"])), strict=True)
    )


@given(documents())
@settings(max_examples=200, deadline=None)
def test_every_legal_document_decodes_to_what_plain_python_makes_of_it(document: Document) -> None:
    _, expected = decode_document(document.dataset)
    for piece_size in (None, *PIECE_SIZES):
        assert rows(document.text, piece_size) == expected


Cells = list[tuple[int, float | str]]
SPACES = st.sampled_from(["", "", "", " ", "\n\t"])
MESSES = st.sampled_from(
    ["", "", "", "", ",", '"', "}", "1", "\\", '"3":', "e5", "-", ".", "null", "true", "\0", "01", "{}", "é"]
)


@st.composite
def regions(draw: st.DrawFn, payloads: st.SearchStrategy[str]) -> tuple[bytes, bool]:
    """The text of `value` or `status`, right or a little wrong."""
    is_array = draw(st.booleans())
    pieces = []
    for text in draw(st.lists(payloads, max_size=12)):
        key = (
            ""
            if is_array
            else f'"{draw(st.integers(0, 10**12) | st.integers(0, 9))}"{draw(SPACES)}:{draw(SPACES)}'
        )
        pieces.append(f"{key}{text}{draw(SPACES)}{draw(MESSES)}")
    text = f",{draw(SPACES)}".join(pieces)
    return (f"[{text}]" if is_array else f"{{{text}}}").encode(), is_array


def outcome(blocks: Callable[..., Any], text: bytes, is_array: bool, piece_size: int | None) -> Cells | str:
    """The cells, or that the text is refused."""
    try:
        found = list(blocks(io.BytesIO(text), is_array=is_array, piece_size=piece_size))
    except JsonStatError:
        return "refused"
    return [(int(p), one) for index, payload in found for p, one in zip(index, payload.tolist(), strict=True)]


def same(one: Cells | str, other: Cells | str) -> bool:
    return str(one) == str(other) or (
        len(one) == len(other)
        and all(
            a[0] == b[0] and (a[1] == b[1] or (a[1] != a[1] and b[1] != b[1]))
            for a, b in zip(one, other, strict=True)
        )
    )


@given(regions(NUMBERS))
@settings(max_examples=400, deadline=None)
def test_both_lanes_find_the_same_values_or_both_refuse(region: tuple[bytes, bool]) -> None:
    expected = outcome(lanes.value_blocks, *region, None)
    for piece_size in PIECE_SIZES:
        assert same(outcome(lanes.value_blocks, *region, piece_size), expected), piece_size


@given(regions(STATUSES.map(json.dumps) | st.just("null")))
@settings(max_examples=400, deadline=None)
def test_both_lanes_find_the_same_statuses_or_both_refuse(region: tuple[bytes, bool]) -> None:
    def blocks(text: io.BytesIO, **how: Any) -> Any:
        statuses = Statuses({})
        for index, numbers in lanes.status_blocks(text, statuses, **how):
            texts = {number: text for text, number in statuses.numbers.items()}
            yield index, np.array([texts[number] for number in numbers.tolist()])

    expected = outcome(blocks, *region, None)
    for piece_size in PIECE_SIZES:
        assert same(outcome(blocks, *region, piece_size), expected), piece_size


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, max_value=10**15, min_value=-(10**15)), min_size=1
    )
)
@settings(max_examples=200, deadline=None)
def test_the_fast_lane_gives_the_very_float_that_the_text_means(numbers: list[Any]) -> None:
    texts = [text for text in (f"{number:f}" for number in numbers) if sum(map(str.isdigit, text)) <= 15]
    if texts:
        _, found = fast.array_of_values(",".join(texts).encode(), 0)
        assert found.tolist() == [float(text) for text in texts]


def test_the_fast_lane_takes_every_piece_of_a_response_of_eurostat(shared: Path) -> None:
    document = json.loads((shared / "real" / "jsonstat-eurostat" / "hlth_ehis_hc7.json").read_bytes())
    for spaces in ((",", ":"), (", ", ": ")):
        piece = json.dumps(document["value"], separators=spaces)[1:-1].encode()
        positions, values = fast.object_of_values(piece)
        assert dict(zip(map(str, positions.tolist()), values.tolist(), strict=True)) == document["value"]
    statuses = Statuses({})
    positions, numbers = fast.StatusDecoder(statuses)(
        json.dumps(document["status"], separators=(",", ":"))[1:-1].encode()
    )
    texts = {number: text for text, number in statuses.numbers.items()}
    assert {str(p): texts[n] for p, n in zip(positions.tolist(), numbers.tolist(), strict=True)} == document[
        "status"
    ]


def test_one_odd_cell_sends_only_its_piece_to_the_reference_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    slow = lanes.reference.value_blocks

    def noted(text: io.BytesIO, **how: Any) -> Any:
        taken.append(len(text.getvalue()))
        return slow(text, **how)

    monkeypatch.setattr(lanes.reference, "value_blocks", noted)
    dataset = eurostat_like(5_000)
    odd = list(dataset["value"])[1000]
    dataset["value"][odd] = 1.5e300
    found = {row[:-3]: row[-3] for row in rows(json.dumps(dataset, separators=(",", ":")).encode(), 1000)}
    assert len(found) == len(set(dataset["value"]) | set(dataset["status"]))
    assert math.isclose(max(value for value in found.values() if value is not None), 1.5e300)
    assert 1 <= len(taken) <= 3
    assert max(taken) < 3000
