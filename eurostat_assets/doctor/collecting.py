"""The requests that the contract is judged by, made one after another through the client's own transport.

Which request there is, and its name, is said here; what its answer should be, in `contract/`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from eurostat_assets.doctor.exchange import Exchange, kept_headers
from eurostat_assets.eurostat import EurostatError, Theme
from eurostat_assets.eurostat.content import plain
from eurostat_assets.eurostat.errors import CutShort
from eurostat_assets.eurostat.inventory import parse_inventory
from eurostat_assets.eurostat.slices import NO_CELLS
from eurostat_assets.eurostat.toc import parse_toc
from eurostat_assets.eurostat.wire import Wire

LARGEST: Final = 64 * 2**20
"""Bytes of a body that are read."""

NO_SUCH_DATASET: Final = "HLTH_NO_SUCH_DATASET"
NO_SUCH_DIMENSION: Final = "nosuchdimension"
LANGUAGES: Final = ("en", "fr", "de")

_DEADLINE: Final = 300.0
_USUAL_SIZE: Final = range(100, 200_000)
"""Observations of a dataset that is worth asking for: not too few to show something, some MB at most."""

_GIVE_UP_AFTER: Final = 2
"""Requests without any connection, after which the others are not tried."""


@dataclass(frozen=True)
class Request:
    """`name` is how checks ask for the answer."""

    name: str
    path: str
    params: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Answers:
    """Every answer by the name of its request, and the dataset that was asked for, None where none was found."""

    dataset: str | None = None
    exchanges: dict[str, Exchange] = field(default_factory=dict)


Progress = Callable[[int, int, str], object]
"""Called before each request with its number, how many there will be, and its name."""


def collect(
    wire: Wire,
    theme: Theme,
    *,
    dataset: str | None = None,
    on_progress: Progress | None = None,
    on_answer: Callable[[Exchange], object] | None = None,
) -> Answers:
    """Ask everything, some 20 requests of together about 15 MB. `dataset`: the one to look at, else a small one is chosen.

    Never raises for what Eurostat does: an answer that did not come is an Exchange with an `error`.
    """
    answers = Answers(dataset)
    unconnected = 0
    for number, request in enumerate(_requests(answers, theme), start=1):
        if on_progress:
            on_progress(number, COUNT, request.name)
        if unconnected < _GIVE_UP_AFTER:
            exchange = _ask(wire, request)
        else:
            exchange = Exchange(
                request.name, request.path, error="not asked, as no answer came to the requests before"
            )
        unconnected = unconnected + 1 if exchange.error else 0
        answers.exchanges[request.name] = exchange
        if on_answer:
            on_answer(exchange)
    return answers


def _requests(answers: Answers, theme: Theme) -> Iterator[Request]:
    """One at a time: what is asked later depends on the answers so far."""
    yield from _CATALOGUE
    answers.dataset = answers.dataset or _small_dataset(answers, theme)
    if answers.dataset:
        yield from _of_dataset(answers.dataset)
        if chosen := _two_positions(answers):
            yield Request("slice", _data(answers.dataset), _json("EN", chosen))
    yield from _UNKNOWN


def _data(code: str) -> str:
    return f"/statistics/1.0/data/{code}"


def _json(language: str, filters: Iterable[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    return [("format", "JSON"), ("lang", language), *filters]


_CSV: Final = [("format", "SDMX-CSV"), ("compressed", "true")]
_EMPTY: Final = [(name, code) for name, codes in NO_CELLS.items() for code in codes]

_CATALOGUE: Final = [
    Request("inventory", "/files/inventory", [("type", "data")]),
    *(Request(f"toc_{one}", "/catalogue/toc/txt", [("lang", one)]) for one in LANGUAGES),
    *(Request(f"feed_{one}", f"/catalogue/rss/{one}/statistics-update.rss") for one in LANGUAGES),
    Request("codelists", "/files/inventory", [("type", "codelist")]),
    Request("codelist", "/sdmx/2.1/codelist/ESTAT/FREQ/latest", [("format", "TSV"), ("lang", "en")]),
]
_UNKNOWN: Final = [
    Request("unknown_dataset", _data(NO_SUCH_DATASET), _json("EN")),
    Request("unknown_bulk", f"/sdmx/2.1/data/{NO_SUCH_DATASET}/", _CSV),
]


def _of_dataset(code: str) -> list[Request]:
    return [
        *(Request(f"outline_{one}", _data(code), _json(one.upper(), _EMPTY)) for one in LANGUAGES),
        Request("outline_lower", _data(code.lower()), _json("EN", _EMPTY)),
        Request("outline_range", _data(code), _json("EN", _EMPTY), {"Range": "bytes=0-99"}),
        Request("whole", _data(code), _json("EN")),
        Request("unknown_dimension", _data(code), _json("EN", [(NO_SUCH_DIMENSION, "X")])),
        Request("bulk", f"/sdmx/2.1/data/{code}/", _CSV),
    ]


COUNT: Final = len(_CATALOGUE) + len(_of_dataset("")) + 1 + len(_UNKNOWN)


def _small_dataset(answers: Answers, theme: Theme) -> str | None:
    """The smallest dataset of the theme with some hundred observations; of all datasets, where the theme has none."""
    try:
        inventory = parse_inventory(answers.exchanges["inventory"].content)
    except EurostatError:
        inventory = {}
    try:
        toc = parse_toc(answers.exchanges["toc_en"].content)
    except EurostatError:
        toc = []
    sizes = {
        row.code: row.values
        for row in toc
        if row.type != "folder" and row.values in _USUAL_SIZE and (row.code in inventory or not inventory)
    }
    by_size = sorted(sizes, key=lambda code: (not theme.matches(code), sizes[code], code))
    # Without a table of contents nobody knows a size.
    listed = sorted(inventory, key=lambda code: (not theme.matches(code), code))
    return next(iter([*by_size, *listed]), None)


def _two_positions(answers: Answers) -> list[tuple[str, str]]:
    """A filter by the first and the last position of the longest dimension, as `dimension=code` pairs."""
    try:
        document = answers.exchanges["outline_en"].document
        dimensions = {name: list(one["category"]["index"]) for name, one in document["dimension"].items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return []
    longest = max(dimensions, key=lambda name: len(dimensions[name]), default="")
    codes = dimensions.get(longest, [])
    return [(longest, codes[0]), (longest, codes[-1])] if len(codes) > 1 else []


def _ask(wire: Wire, request: Request) -> Exchange:
    try:
        try:
            return _ask_once(wire, request)
        except CutShort:
            return _ask_once(wire, request)
    except EurostatError as error:
        return Exchange(request.name, request.path, _now(), error=error.what)


def _ask_once(wire: Wire, request: Request) -> Exchange:
    asked_at, began = _now(), time.monotonic()
    with wire.get(
        request.path, request.params, dataset=None, deadline=_DEADLINE, headers=request.headers
    ) as answer:
        received, first = 0, b""

        def blocks() -> Iterator[bytes]:
            nonlocal received, first
            for block in answer.blocks():
                first = (first + block)[:2] if len(first) < 2 else first
                received += len(block)
                yield block

        content = bytearray()
        for piece in plain(blocks(), None):
            content += piece
            if len(content) > LARGEST:
                break
        return Exchange(
            name=request.name,
            url=answer.url,
            asked_at=asked_at,
            seconds=round(time.monotonic() - began, 3),
            status=answer.status,
            headers=kept_headers(dict(answer.headers)),
            content=bytes(content[:LARGEST]),
            gzipped=first == b"\x1f\x8b",
            wire_bytes=received,
            cut=len(content) > LARGEST,
            redirected_to=answer.redirected_to,
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
