"""What may go wrong, how often and for whom: kinds of faults, their text form, and the draw for each request.

`html=0.05,async:2=0.2` lets one request in twenty end in a web page, and one in five be put off twice before it is
answered. A request meets one fault at most. How a fault looks is said in travel.py (on the way), distortions.py (in the
body) and data.py (refusals).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType

from eurostat_assets.sandbox.draw import code_hash
from eurostat_assets.sandbox.errors import MalformedFaults

ON_THE_WAY = MappingProxyType(
    {
        "html": "status 200 and a web page",
        "redirect": "302 to a maintenance page, which answers 200 and a web page",
        "empty": "200 and no body",
        "truncated": "the chunked body breaks off and the connection is closed",
        "cut": "the body ends early although the chunked transfer ends as it should",
        "gzip_unmarked": "a gzip body without Content-Encoding",
        "500": "500 with an error object",
        "503": "503 and a web page",
        "503_retry_after": "the same with Retry-After: 1",
        "429": "429 without a body",
        "429_retry_after": "the same with Retry-After: 1",
        "trickle": "one byte a second",
        "reset": "the connection is dropped before the answer",
    }
)
"""Faults of any answer. With `feed_`, `inventory_` or `toc_` before the name they befall these, else the data."""

PUT_OFF = MappingProxyType(
    {
        "async_error": "ASYNCHRONOUS_RESPONSE as 413 with a list `error`",
        "async_object": "the same with one object `error`",
        "async_warning": "the same as 200 with `warning`",
        "async": "any of these three",
    }
)
OF_BULK = MappingProxyType({"csv_queued": "200 and the XML of the queue instead of CSV or TSV"})
OF_DATA = MappingProxyType(
    {
        "too_big": "EXTRACTION_TOO_BIG for the unfiltered dataset, with half of its cells as the limit",
        "wrong_dataset": "another dataset's body",
        "miscount": "an OBS_COUNT that disagrees with the cells",
        "missing_cells": "a well-formed body that lacks some cells; OBS_COUNT is right",
        "not_found": "404 for a dataset that exists",
        "released": "a good body, during which the next release lands",
    }
)
OF_CATALOGUE = MappingProxyType(
    {
        "feed_junk": "10 MB that are no XML",
        "feed_bomb": "XML entities that grow to gigabytes",
        "feed_odd": "odd items among the real ones, and a wrong encoding declared: readable, but not all of it true",
        "feed_encoding": "an encoding declared that the bytes do not have: not readable",
        "inventory_line": "one broken line",
        "inventory_half": "well-formed, but every second dataset is missing",
        "toc_no_health": "the branch `hlth` is missing",
    }
)
CATALOGUE = ("feed", "inventory", "toc")
# What a request for data can meet: unfiltered, a slice, the empty slice or single cell of a probe, the bulk files.
_MET = {
    "data": {*ON_THE_WAY, *PUT_OFF, *OF_DATA},
    "slice": {*ON_THE_WAY, *PUT_OFF, *OF_DATA} - {"too_big"},
    "probe": {*ON_THE_WAY, "wrong_dataset", "not_found"},
    "csv": {*ON_THE_WAY, *OF_BULK, "wrong_dataset", "not_found", "missing_cells"},
} | {
    name: {
        *(f"{name}_{fault}" for fault in ON_THE_WAY),
        *(f for f in OF_CATALOGUE if f.startswith(name)),
    }
    for name in CATALOGUE
}
KINDS = frozenset().union(*_MET.values())
_RULE = re.compile(r"(?P<kind>\w+)(?::(?P<run>\d+))?=(?P<rate>\d*\.?\d+)")


@dataclass(frozen=True)
class Rule:
    """A `kind` befalls the share `rate` of the requests; with a `run`, that many in a row, and the next one is spared."""

    kind: str
    rate: float
    run: int = 0


def parse(text: str) -> tuple[Rule, ...]:
    """The rules of `kind=rate,kind:run=rate`; none for an empty text. Raises MalformedFaults."""
    rules = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        if (match := _RULE.fullmatch(word)) is None:
            raise MalformedFaults(text, f"{word!r} is not of the form kind=rate or kind:run=rate")
        if match["kind"] not in KINDS:
            raise MalformedFaults(text, f"there is no {match['kind']!r}, but {', '.join(sorted(KINDS))}")
        rules.append(Rule(match["kind"], float(match["rate"]), int(match["run"] or 0)))
    for resource, kinds in _MET.items():
        if sum(rule.rate for rule in rules if rule.kind in kinds) > 1 + 1e-9:
            raise MalformedFaults(text, f"the rates of what can befall {resource} add up to more than 1")
    return tuple(rules)


class Faults:
    """Draws the fault of each request: the same one for the n-th request of a dataset, whatever happens beside it."""

    def __init__(self, seed: int = 0, text: str = "") -> None:
        self._seed = seed
        self._lock = Lock()
        self._general: tuple[Rule, ...] = ()
        self._particular: dict[str, tuple[Rule, ...]] = {}
        self._asked: dict[tuple[str, str], int] = {}
        # How many more requests a fault befalls before one is spared.
        self._runs: dict[tuple[str, str], tuple[str, int]] = {}
        self.set(text)

    def set(self, text: str, datasets: Iterable[str] | None = None) -> None:
        """From now on these, instead of those before. Raises MalformedFaults.

        For `datasets` only: they follow these rules and no others; without, everything follows them.
        """
        rules = parse(text)
        with self._lock:
            if datasets is None:
                self._general, self._particular = rules, {}
            else:
                self._particular |= {code.upper(): rules for code in datasets}
            self._runs.clear()

    def draw(self, resource: str, code: str = "") -> str | None:
        """The fault that this request meets, by its kind; `async` is one of its three shapes.

        `resource` is data, slice, probe, csv, feed, inventory or toc; `code` the dataset's, in upper case.
        """
        with self._lock:
            rules = self._particular.get(code, self._general)
            rules = [rule for rule in rules if rule.kind in _MET[resource]]
            if not rules:
                return None
            key = ("csv" if resource == "csv" else "", code or resource)
            number = self._asked[key] = self._asked.get(key, 0) + 1
            draw = code_hash(self._seed, "fault", *key, number)
            kind = self._next(key, rules, draw / 2**64)
        return ("async_error", "async_object", "async_warning")[draw % 3] if kind == "async" else kind

    def _next(self, key: tuple[str, str], rules: list[Rule], place: float) -> str | None:
        kind, left = self._runs.get(key, ("", 0))
        if any(rule.kind == kind for rule in rules):
            if left:
                self._runs[key] = (kind, left - 1)
                return kind
            del self._runs[key]
            return None
        for rule in rules:
            if place < rule.rate:
                if rule.run:
                    self._runs[key] = (rule.kind, rule.run - 1)
                return rule.kind
            place -= rule.rate
        return None
