"""Broken bodies against the reader, by the million: `python -m benchmarks.fuzz [--bodies N] [--seconds S]
[--seed K]`.

Every body is a small legal text damaged by chance. It must end in exactly the rows that a strict,
plain-Python decoding finds in it, or in a `JsonStatError`; with the fast lane (at some piece size) and the
reference lane agreeing. Anything else, a crash, a body that takes seconds, or memory that grows, fails the
run and keeps the body.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from benchmarks.fuzzing import (
    Tally,
    Wrong,
    arguments,
    cut,
    flipped,
    fuzzed,
    inserted,
    judged,
    repeated,
    without,
)
from eurostat_assets.jsonstat import JsonStatError, Observations
from eurostat_assets.jsonstat.document import locate
from eurostat_assets.jsonstat.order import OutOfOrder
from eurostat_assets_tests.jsonstat.documents import Held, eurostat_like
from eurostat_assets_tests.jsonstat.plain import decode_document

PIECE_SIZES = (1, 16, 64, 300, 1 << 17)
FRAGMENTS = [
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"true",
        b"-",
        b".",
        b"e",
        b"0",
        b" ",
        b"\n",
        b"\0",
    ),
    *(
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\\u0000",
        b"\\ud800",
        b"\\",
        b'\\"',
        b"1e999",
        b"-0",
        b"1e-400",
        b"NaN",
    ),
    *(
        b"9" * 30,
        b"1" * 5000,
        b"0.1234567890123456789",
        b"[" * 2000,
        b'{"a":' * 300,
        b'"value":{',
        b'"status":{',
    ),
    *(
        b'"value":[',
        b'"id":[',
        b'"size":[',
        b'"0":1,',
        b'"1":"b",',
        b'"class":"collection",',
        b'"dimension":{',
    ),
    *(
        b'"9999999999":1,',
        b'"18446744073709551616":1,',
        b'{"value":[',
        b'"status":"a",',
        b'"status":["a"],',
        b"\xef\xbb\xbf",
    ),
]


def seeds() -> list[bytes]:
    """Legal texts of several shapes."""
    small = eurostat_like(36, places=12)
    sparse = {
        **small,
        "value": dict(list(small["value"].items())[:12]),
        "status": {"3": "b", "7": "|C", "9": "u|C"},
    }
    size = 36
    dense = {**small, "value": [n / 4 if n % 3 else None for n in range(size)], "status": ["e"] * size}
    blanket = {**sparse, "status": ["a"]}
    body = {name: value for name, value in sparse.items() if name not in ("id", "size", "version", "class")}
    shape = {"id": sparse["id"], "size": [str(n) for n in sparse["size"]], "role": {"time": ["time"]}}
    old = {"dataset": {**body, "dimension": {**body["dimension"], **shape}}}
    oldest = {"nama_gdp_c": {**old["dataset"], "value": dense["value"], "status": {"value": [":"] * size}}}
    collection = {"class": "collection", "link": {"item": [{"class": "dataset", "href": "x"}, sparse]}}
    tricky = {
        **sparse,
        "label": 'a "value":{ or ]} in a label',
        "status": {"3": ',"5":"x', "7": "}", "9": "é"},
    }
    shapes = [small, sparse, dense, blanket, old, oldest, collection, tricky]
    looks: list[dict[str, Any]] = [{"separators": (",", ":")}, {}, {"indent": 1, "ensure_ascii": False}]
    return [json.dumps(shape, **look).encode() for shape in shapes for look in looks]


def bodies(seed: int) -> Iterator[bytes]:
    """Damaged texts without end, the same for the same seed."""
    chance = random.Random(seed)
    texts = seeds()
    while True:
        body = chance.choice(texts)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
            body = chance.choice(DAMAGES)(chance, body, texts)
        if chance.random() < 0.02:
            body = (
                flipped(chance, gzip.compress(body, 1)) if chance.random() < 0.5 else gzip.compress(body, 1)
            )
        yield body[:100_000]


def _digit(chance: random.Random, body: bytes, _: list[bytes]) -> bytes:
    places = [n for n in range(len(body)) if 0x30 <= body[n] <= 0x39]
    if not places:
        return body
    place = chance.choice(places)
    return body[:place] + str(chance.randrange(10)).encode() + body[place + 1 :]


def _cell(chance: random.Random, body: bytes, _: list[bytes]) -> bytes:
    """One cell moved or given again: legal JSON that is wrong as JSON-stat, or in another order."""
    cells = body.split(b",")
    first, second = chance.randrange(len(cells)), chance.randrange(len(cells))
    if chance.random() < 0.5:
        cells.insert(second, cells[first])
    else:
        cells[first], cells[second] = cells[second], cells[first]
    return b",".join(cells)


def _spliced(chance: random.Random, body: bytes, texts: list[bytes]) -> bytes:
    other = chance.choice(texts)
    start = chance.randrange(len(other))
    return (
        body[: chance.randrange(len(body) + 1)] + other[start : start + chance.choice((50, 500, len(other)))]
    )


Damage = Callable[[random.Random, bytes, list[bytes]], bytes]
_EVERYWHERE = [flipped, cut, without, repeated, inserted(FRAGMENTS)]
DAMAGES: list[Damage] = [
    *((lambda chance, body, _, damage=damage: damage(chance, body)) for damage in _EVERYWHERE),
    _digit,
    _digit,
    _cell,
    _cell,
    _spliced,
]


def judge(body: bytes, piece_size: int) -> str:
    """What becomes of a body: "rows", or the name of the error. Raises `Wrong`."""
    try:
        header, cells = locate(Held(body))
    except JsonStatError as error:
        return type(error).__name__
    fast, reference = (_outcome(Held(body), header, cells, size) for size in (piece_size, None))
    if isinstance(fast, str) != isinstance(reference, str):
        raise Wrong(f"the lanes disagree: {str(fast)[:200]} / {str(reference)[:200]}")
    if isinstance(fast, str):
        return fast
    if fast != reference:
        raise Wrong("the lanes find different rows")
    if fast != _plainly(body):
        raise Wrong("not the rows that are in the text")
    return "rows"


def _outcome(*what: Any) -> list[tuple[Any, ...]] | str:
    try:
        observations = Observations(*what)
        try:
            table = pa.Table.from_batches(observations.batches(sort=False), observations.schema)
        except OutOfOrder:
            table = pa.Table.from_batches(observations.batches(sort=True), observations.schema)
    except JsonStatError as error:
        return type(error).__name__
    columns = (column.to_pylist() for column in table.drop_columns(["period_start", "period_end"]))
    return list(zip(*columns, strict=True))


def _plainly(body: bytes) -> list[tuple[Any, ...]]:
    text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise Wrong("a member twice, and yet it was read")
        return dict(pairs)

    def constant(name: str) -> None:
        raise Wrong(f"{name} was read")

    try:
        document = json.loads(text.decode("utf-8-sig"), object_pairs_hook=members, parse_constant=constant)
        if document.get("class") == "collection":
            items = document["link"]["item"]
            [document] = [item for item in items if isinstance(item, dict) and "dimension" in item]
        elif "dimension" not in document:
            [document] = [one for one in document.values() if isinstance(one, dict) and "dimension" in one]
        return decode_document(document)[1]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Wrong(f"read, but not by a plain decoder: {error!r}") from error


def run(seed: int, count: int) -> Tally:
    """Judge that many bodies."""
    chance = random.Random(seed + 1)
    chosen = itertools.islice(bodies(seed), count)
    return judged(chosen, lambda body: judge(body, chance.choice(PIECE_SIZES)), suffix=".json")


def main() -> int:
    well = fuzzed(run, arguments("benchmarks.fuzz", __doc__, bodies=1_000_000), "rows")
    if well:
        print("never a crash, a hang, or rows that are not in the text")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
