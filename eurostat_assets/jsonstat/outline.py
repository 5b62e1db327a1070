"""Finding what is where in the text, at the speed of reading it, without looking into the cells.

Eurostat writes `value` and `status` (nearly all of the bytes) before `id`, `size` and `dimension`. So the
text is gone over twice: once here, to set the cells aside and parse the rest; then by two readers, one on
each of the two.

This is a real lexer, aware of depth and strings: a label may well contain `"value":{`. The rest is parsed by
a strict JSON parser, and so are the cells when their turn comes; together that proves the whole text to be
JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from eurostat_assets.jsonstat.errors import BadStructure, NotJson
from eurostat_assets.jsonstat.source import CHUNK, Source, Text

LONGEST_OUTLINE = 32 << 20  # bytes beside the cells; Eurostat's longest code lists make about one megabyte

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]', re.DOTALL)
_BRACKET_OR_QUOTE = re.compile(rb'\\.?|["{}\[\]]', re.DOTALL)
_WRAPPED_ARRAY = re.compile(rb'\{\s*"value"\s*:\s*\[')
_NEVER_A_DATASET = {"dimension", "extension", "role", "note", "error", "warning"}

Path = tuple[str | int | None, ...]


@dataclass(frozen=True)
class Region:
    """The cells of one member: text offsets from its opening bracket to just after its closing one."""

    start: int
    end: int
    is_array: bool


def outline(source: Source) -> Any:
    """The document, parsed, with a `Region` in place of each dataset's `value` and `status` container.

    Raises `NotJson`, `CorruptSource`, and `BadStructure` for a repeated member. Memory: the text beside the
    cells.
    """
    with Text(source) as text:
        rest, regions = _Scan(text).run()
    document = parse_strictly(rest)
    for path, region in regions.items():
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = region
    return document


def parse_strictly(text: bytes) -> Any:
    """JSON as its standard has it: UTF-8, no NaN, no member twice. Raises `NotJson`, `BadStructure`."""
    try:
        document = json.loads(
            text.decode("utf-8-sig"), object_pairs_hook=_members, parse_constant=_refuse_constant
        )
        if b"\\ud" in text.lower():  # half a surrogate pair is JSON, but not text that anything could store
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except (UnicodeDecodeError, UnicodeEncodeError) as bad:
        raise NotJson(f"not UTF-8 ({bad.reason}): the body is damaged or not JSON") from bad
    except json.JSONDecodeError as bad:
        excerpt = bad.doc[max(0, bad.pos - 30) : bad.pos + 30]
        raise NotJson(f"{bad.msg} at {excerpt!r}: the body is cut off, damaged or not JSON") from bad
    except ValueError as bad:  # an integer of more digits than Python converts
        raise NotJson(str(bad)) from bad
    except RecursionError as bad:
        raise NotJson("nested deeper than any JSON-stat document") from bad


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise BadStructure("occurs twice, and it cannot be known which is meant", member=twice)
    return members


def _refuse_constant(name: str) -> None:
    raise NotJson(f"{name} is not JSON")


class _Scan:
    """One walk over the text that keeps everything but the cells, for which it keeps a null."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.window = b""
        self.offset = 0  # of the window in the text
        self.rest = bytearray()
        self.path: list[str | int | None] = []  # per open container: the member's name, or the array's index
        self.regions: dict[Path, Region] = {}

    def run(self) -> tuple[bytes, dict[Path, Region]]:
        while self._extend():
            self._walk()
        self._keep(len(self.window))
        return bytes(self.rest), self.regions

    def _extend(self) -> bool:
        chunk = self.text.read(CHUNK)
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
        bundle, or an item of a collection. The oldest Eurostat service wraps its status: `{"value": [...]}`."""
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

    def _is_cells(self) -> bool:
        match self.path:
            case [*_, "value" | "status"]:
                return True
        return False

    def _pass_container(self) -> None:
        """Move behind the container that opens the window: its cells are set aside, anything else is kept."""
        start, is_array, is_cells = self.offset, self.window.startswith(b"["), self._is_cells()
        closing = _Closing(b"]" if is_array else b"}")
        move = self._drop if is_cells else self._keep
        move(1)
        while (end := closing.find(self.window)) is None:
            move(len(self.window))
            if not self._extend():
                raise NotJson(f"the text ends within {self._member()}: the body is cut off")
        move(end)
        if is_cells:
            self.rest += b"null"
            self.regions[tuple(self.path)] = Region(start, self.offset, is_array)

    def _member(self) -> str:
        return ".".join(map(str, self.path))


class _Closing:
    """The search for the bracket that closes a container, chunk after chunk."""

    def __init__(self, bracket: bytes) -> None:
        self.bracket = bracket
        self.depth = 1
        self.in_string = False
        self.escaped = False

    def find(self, chunk: bytes) -> int | None:
        """The offset just after the closing bracket, or None if it is not in this chunk."""
        simple = self.depth == 1 and not self.escaped
        if simple and b"{" not in chunk and b"[" not in chunk and b"\\" not in chunk:
            return self._find_by_parity(chunk)
        return self._find_by_token(chunk)

    def _find_by_parity(self, chunk: bytes) -> int | None:
        """Without escapes and nesting, a bracket closes if the quotes before it are even in number."""
        import numpy as np

        quotes = np.frombuffer(chunk, np.uint8) == ord('"')
        at = 0
        while (found := chunk.find(self.bracket, at)) >= 0:
            self.in_string ^= bool(np.count_nonzero(quotes[at:found]) & 1)
            at = found + 1
            if not self.in_string:
                return at
        self.in_string ^= bool(np.count_nonzero(quotes[at:]) & 1)
        return None

    def _find_by_token(self, chunk: bytes) -> int | None:
        start, self.escaped = int(self.escaped), False
        for token in _BRACKET_OR_QUOTE.finditer(chunk, start):
            mark = token.group()
            if mark == b'"':
                self.in_string = not self.in_string
            elif mark == b"\\":  # the last byte of the chunk: what it escapes is the first of the next
                self.escaped = True
            elif not self.in_string and mark in (b"{", b"["):
                self.depth += 1
            elif not self.in_string and mark in (b"}", b"]"):
                self.depth -= 1
                if self.depth == 0:
                    if mark != self.bracket:
                        raise NotJson(
                            f"{mark.decode()!r} where {self.bracket.decode()!r} belongs: the body is damaged"
                        )
                    return token.end()
        return None


def _name(token: bytes) -> str:
    try:
        return json.loads(token)
    except ValueError:
        return ""  # the parser of the rest will complain
