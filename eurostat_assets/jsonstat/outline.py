"""Finding what is where in the text, at the speed of reading it, without looking into the cells.

Eurostat writes `value` and `status` (nearly all of the bytes) before `id`, `size` and `dimension`. So the text is
gone over twice: once here, to set the cells aside and parse the rest; then by two readers, one on each of the two.

This is a real lexer, aware of depth and strings: a label may well contain `"value":{`. The rest is parsed by a strict
JSON parser, and so are the cells when their turn comes; together that proves the whole text to be JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from eurostat_assets.jsonstat.brackets import Closing
from eurostat_assets.jsonstat.errors import NotJson
from eurostat_assets.jsonstat.source import CHUNK, Source, Text
from eurostat_assets.jsonstat.strict import parse_strictly
from eurostat_assets.model.bounds import MOST_VALUES, too_many_values

LONGEST_OUTLINE = 16 << 20  # bytes beside the cells; Eurostat's longest code lists make about one megabyte
MOST_CONTAINERS = (
    10_000  # passed whole; a dataset has about ten, a collection or bundle as many for each of its datasets
)

# A string that does not end within the window is one as well (`open`): what is in it is no bracket.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|(?P<open>\\?\Z))|[{}\[\],]', re.DOTALL)
_WRAPPED_ARRAY = re.compile(rb'\{\s*"value"\s*:\s*\[')
_NEVER_A_DATASET = {"dimension", "extension", "role", "note", "error", "warning"}

Place = tuple[str | int | None, ...]
"""The way to a container: names of members and indices of arrays."""


@dataclass(frozen=True)
class Region:
    """The cells of one member: text offsets from its opening bracket to just after its closing one."""

    start: int
    end: int
    is_array: bool


def outline(source: Source) -> tuple[Any, list[Region]]:
    """The document, parsed, with a `Region` in place of each dataset's `value` and `status` container; and those.

    Raises `NotJson`, `CorruptSource`, and `BadStructure` for a repeated member. Memory: the text beside the cells.
    """
    with Text(source) as text:
        rest, regions = _Scan(text).run()
    if too_many_values(rest):
        raise NotJson(f"more than {MOST_VALUES:,} values beside the cells: not a JSON-stat dataset")
    document = parse_strictly(rest)
    for place, region in regions.items():
        parent = document
        for step in place[:-1]:
            parent = parent[step]
        parent[place[-1]] = region
    return document, list(regions.values())


class _Scan:
    """One walk over the text that keeps everything but the cells, for which it keeps a null."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.window = b""
        self.offset = 0  # of the window in the text
        self.rest = bytearray()
        self.path: list[str | int | None] = []  # per open container: the member's name, or the array's index
        self.regions: dict[Place, Region] = {}
        self.passed = 0  # containers

    def run(self) -> tuple[bytes, dict[Place, Region]]:
        while self._extend():
            self._walk()
        self._keep(len(self.window))
        return bytes(self.rest), self.regions

    def _extend(self) -> bool:
        # As much again as a string that does not end has already, so that it is not searched in ever so many steps.
        chunk = self.text.read(max(CHUNK, len(self.window)))
        self.window += chunk
        return bool(chunk)

    def _drop(self, size: int) -> None:
        self.window = self.window[size:]
        self.offset += size

    def _keep(self, size: int) -> None:
        self.rest += self.window[:size]
        self._drop(size)
        if len(self.rest) + len(self.window) > LONGEST_OUTLINE:
            raise NotJson(f"more than {LONGEST_OUTLINE:,} bytes beside the cells: not a JSON-stat dataset")

    def _walk(self) -> None:
        """Follow the tokens of the window; a string that may go on in the next chunk stays in the window."""
        at = 0
        while token := _TOKEN.search(self.window, at):
            if token["open"] is not None:
                break
            mark, at = token.group(), token.end()
            if mark not in (b"{", b"["):
                self._follow(mark)
            elif self._may_hold_cells(token.start()):
                self.path.append(None if mark == b"{" else 0)
            else:
                self._keep(token.start())
                self._pass_container()
                at = 0
        unfinished = self.window.find(b'"', at)
        self._keep(len(self.window) if unfinished < 0 else unfinished)

    def _follow(self, mark: bytes) -> None:
        """Keep the path. Where the brackets are wrong it will be as well, and the parser of the rest complains."""
        path = self.path
        if not path:
            return
        if mark in (b"}", b"]"):
            path.pop()
        elif mark == b",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif path[-1] is None:
            path[-1] = _name(mark)

    def _may_hold_cells(self, at: int) -> bool:
        """Must the container that opens here be looked into? A dataset is the document itself, a member of a 1.x
        bundle, or an item of a collection; and Eurostat's oldest service wraps its status: `{"value": [...]}`."""
        match self.path:
            case [] | ["link"] | ["link", "item"] | ["link", "item", int()]:
                return True
            case ["status"] | [_, "status"]:
                return self._wraps_array(at)
            case ["value"]:
                return False
            case [str(name)]:
                return name not in _NEVER_A_DATASET
        return False

    def _wraps_array(self, at: int) -> bool:
        if len(self.window) - at < 4096:
            self._extend()
        return _WRAPPED_ARRAY.match(self.window, at) is not None

    def _pass_container(self) -> None:
        """Move behind the container that opens the window: its cells are set aside, anything else is kept."""
        self.passed += 1
        if self.passed > MOST_CONTAINERS:
            raise NotJson(f"more than {MOST_CONTAINERS:,} objects and arrays beside the cells")
        start, is_array, is_cells = (
            self.offset,
            self.window.startswith(b"["),
            self.path[-1] in ("value", "status"),
        )
        closing = Closing(b"]" if is_array else b"}")
        move = self._drop if is_cells else self._keep
        move(1)
        while (end := closing.find(self.window)) is None:
            move(len(self.window))
            if not self._extend():
                member = ".".join(map(str, self.path))
                raise NotJson("the text ends within it: the body is cut off", member=member)
        move(end)
        if is_cells:
            self.rest += b"null"
            self.regions[tuple(self.path)] = Region(start, self.offset, is_array)


def _name(token: bytes) -> str:
    try:
        return json.loads(token)
    except ValueError:
        return ""  # the parser of the rest will complain
