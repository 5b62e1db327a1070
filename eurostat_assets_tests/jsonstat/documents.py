"""Documents of every legal shape, invented by hypothesis: the cube, how its members are written, how the text looks."""

from __future__ import annotations

import io
import itertools
import json
import math
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

IN_CODES = st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])
CODES = st.text(IN_CODES, min_size=1, max_size=6)
TRICKY = ['"value":{', '{"1":', "]}", "\\", '"', ',"5":', "é€😀", " ", "\n"]
LABELS = st.one_of(st.sampled_from(TRICKY), st.text(st.characters(codec="utf-8"), max_size=8))
STATUSES = st.one_of(
    st.sampled_from(["b", "ep", "|C", "u|C", ":", ".", "", 'a,"7":"x', "a\\b", "overlong status"]),
    st.text(IN_CODES, max_size=4),
)
NUMBERS = st.one_of(
    st.sampled_from(["0", "-0", "0.0", "-0.5", "7", "12.5", "4.0", "1E3", "1e-7", "123456789012345", "null"]),
    st.integers(-(10**17), 10**17).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9).map(
        str
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


class Held:
    """A text in memory that opens like a file."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def open(self, mode: str, /) -> io.BytesIO:
        assert mode == "rb"
        return io.BytesIO(self.text)


EXACT_NUMBERS = NUMBERS.filter(
    lambda text: text == "null" or not text.lstrip("-").isdigit() or float(text) == int(text)
)
"""Without the integers that no float holds."""


@dataclass(frozen=True)
class Document:
    """A JSON-stat text, and the same dataset as plain Python to decode it from."""

    text: bytes
    dataset: dict[str, Any]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A dataset of up to some dozens of cells, in one of the legal ways to write it."""
    ids = draw(
        st.lists(st.sampled_from(["freq", "Sex", "geo", "time", "unit", "ä b"]), unique=True, max_size=4)
    )
    codes = {one: draw(st.lists(CODES, unique=True, max_size=5)) for one in ids}
    size = math.prod(len(one) for one in codes.values())
    cells = draw(_cells(size, EXACT_NUMBERS))
    statuses = draw(st.none() | STATUSES | _cells(size, STATUSES.map(json.dumps)))
    dataset: dict[str, Any] = {
        "label": draw(LABELS),
        "value": draw(_member(cells, size)),
        "id": ids,
        "size": [len(codes[one]) for one in ids],
        "dimension": {one: draw(_dimension(codes[one])) for one in ids},
    }
    if statuses is not None:
        dataset["status"] = statuses if isinstance(statuses, str) else draw(_member(statuses, size))
    if draw(st.booleans()):
        dataset["extension"] = {"note": draw(LABELS), "value": {"1": 2}, "status": {"label": {"b": "break"}}}
    return draw(_written(dataset))


@st.composite
def _cells(draw: st.DrawFn, size: int, payloads: st.SearchStrategy[str]) -> list[tuple[int, str]]:
    """Some cells of the cube as (position, JSON text), in code order as likely as in any other."""
    chosen = draw(st.lists(st.integers(0, size - 1), unique=True)) if size else []
    if draw(st.booleans()):
        chosen.sort()
    return [(position, draw(payloads)) for position in chosen]


@dataclass(frozen=True)
class Literal:
    """JSON text to be written as it is."""

    text: str


@st.composite
def _member(draw: st.DrawFn, cells: list[tuple[int, str]], size: int) -> dict[str, Literal] | list[Literal]:
    sparse = {str(position): Literal(text) for position, text in cells}
    if draw(st.booleans()):
        return sparse
    return [sparse.get(str(position), Literal("null")) for position in range(size)]


@st.composite
def _dimension(draw: st.DrawFn, codes: list[str]) -> dict[str, Any]:
    labels = {code: draw(LABELS) for code in codes}
    forms: list[Any] = [list(codes), dict(zip(codes, range(len(codes)), strict=True))]
    if len(codes) == 1:
        forms.append(None)
    index = draw(st.sampled_from(forms))
    if isinstance(index, dict):
        index = dict(draw(st.permutations(list(index.items()))))
    category = {"label": labels} if index is None else {"index": index, "label": labels}
    return {"label": draw(LABELS), "category": category}


@st.composite
def _written(draw: st.DrawFn, dataset: dict[str, Any]) -> Document:
    version = draw(st.sampled_from(["2.0", "1.x", "bundle"]))
    members = list(dataset.items())
    if version == "2.0":
        members += [("version", "2.0"), ("class", "dataset")]
        whole = dict(draw(st.permutations(members)))
    else:
        shape = {name: dataset[name] for name in ("id", "size")}
        rest = [item for item in members if item[0] not in shape]
        body = dict(draw(st.permutations(rest)))
        body["dimension"] = {**body["dimension"], **shape}
        whole = {"dataset" if version == "1.x" else "Some name": body}
    look = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n\t", " : ")]))
    ascii_only = draw(st.booleans())
    text = draw(st.sampled_from(["", " ", "\n"])) + _text(whole, look, ascii_only)
    return Document(text.encode(), json.loads(_text(dataset, (",", ":"), ascii_only=True)))


def _text(value: Any, look: tuple[str, str], ascii_only: bool) -> str:
    if isinstance(value, Literal):
        return value.text
    if isinstance(value, dict):
        pairs = (
            f"{_text(k, look, ascii_only)}{look[1]}{_text(v, look, ascii_only)}" for k, v in value.items()
        )
        return "{" + look[0].join(pairs) + "}"
    if isinstance(value, list):
        return "[" + look[0].join(_text(one, look, ascii_only) for one in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def eurostat_like(cells: int, seed: int = 0, places: int = 36) -> dict[str, Any]:
    """A dataset as Eurostat writes it: sparse, in code order, with flags and confidential cells."""
    chance = random.Random(seed)
    codes = {
        "freq": ["A"],
        "sex": ["T", "M", "F"],
        "geo": [f"{a}{b}" for a in "ZYXABC" for b in "TSRABC"][:places],
        "time": [str(year) for year in range(2000, 2000 + max(1, cells // (3 * places)))],
    }
    ordered = sorted((cell, index) for index, cell in enumerate(itertools.product(*codes.values())))
    value, status = {}, {}
    for _, index in ordered:
        kind = chance.random()
        if kind < 0.6:
            value[str(index)] = round(chance.random() * 10 ** chance.randrange(6), chance.randrange(3))
        if kind < 0.1 or kind > 0.98:
            status[str(index)] = chance.choice(["b", "ep", "u"]) if kind < 0.1 else "|C"
    return {
        "version": "2.0",
        "class": "dataset",
        "label": "Invented",
        "value": value,
        "status": status,
        "id": list(codes),
        "size": [len(one) for one in codes.values()],
        "dimension": {
            name: {
                "category": {
                    "index": {code: n for n, code in enumerate(one)},
                    "label": dict(zip(one, one, strict=True)),
                }
            }
            for name, one in codes.items()
        },
        "extension": {"id": "HLTH_INVENTED", "status": {"label": {"b": "break", "|C": "|confidential"}}},
    }
