"""The reference lane: the cells of a region one by one, by a streaming JSON parser. Always right, never fast.

It knows every legal shape: `value` and `status` as object or array, nulls, exponents, white space, escapes. Decimals
become the nearest 64-bit float, as everywhere; an integer must have 64 bits and be a float exactly, or it is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import ijson
import numpy as np

from eurostat_assets.jsonstat.errors import BadNumber, BadPosition, BadStatus, NotJson
from eurostat_assets.jsonstat.flags import Statuses
from eurostat_assets.jsonstat.source import Readable

Block = tuple[np.ndarray, np.ndarray]
"""Flat indices (int64), and for each the value (float64, NaN for null) or the status number (int16, 0 for none)."""

_CELLS_PER_BLOCK = 1 << 16

_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][\da-fA-F]{2})|\\."
)
_LONGEST_ESCAPE = 12
_LONGEST_TOKEN = 4 << 20  # bytes, which the parser holds; of a cell and the space around it


def value_blocks(text: Readable, *, is_array: bool, first: int = 0) -> Iterator[Block]:
    """The cells of a `value` container; an array begins at position `first`.

    Raises `NotJson`, `BadPosition`, `BadNumber`."""
    return _blocks(_cells(text, _number, is_array, first, "value"), np.float64)


def status_blocks(text: Readable, statuses: Statuses, *, is_array: bool, first: int = 0) -> Iterator[Block]:
    """The cells of a `status` container; an array begins at position `first`.

    Raises `NotJson`, `BadPosition`, `BadStatus`."""

    def number(event: str, status: Any, position: int) -> int:
        if event == "string":
            try:
                return statuses.number(status)
            except BadStatus as bad:
                bad.position = position
                raise
        if event == "null":
            return 0
        raise BadStatus(f"{status!r} is not text", member="status", position=position)

    return _blocks(_cells(text, number, is_array, first, "status"), np.int16)


def position_of(key: str, member: str) -> int:
    """The flat index that a key of `value` or `status` means. Raises `BadPosition`."""
    exact = key.isascii() and key.isdecimal() and (key == "0" or key[0] != "0") and len(key) < 19
    if not exact:
        raise BadPosition(f"{key[:40]!r} is not the number of a cell", member=member)
    return int(key)


def _number(event: str, value: Any, position: int) -> float:
    if event == "null":
        return math.nan
    if event != "number":
        raise BadNumber(f"{value!r} is not a number", member="value", position=position)
    if isinstance(value, int) and value != int(float(value)):
        raise BadNumber(f"the integer {value} does not fit a 64-bit float", member="value", position=position)
    return float(value)


def check(text: Readable, member: str) -> None:
    """Read through JSON of any length and keep nothing. Raises `NotJson`."""
    try:
        for _ in _events(text, member):
            pass
    except (ijson.JSONError, UnicodeDecodeError) as bad:
        raise _not_json(bad, member) from bad


def _events(text: Readable, member: str) -> Iterator[tuple[str, Any]]:
    screened = _Screened(text, member)
    for event in ijson.basic_parse(screened, use_float=True):
        screened.since_event = 0
        yield event


def _cells(
    text: Readable, payload: Callable[[str, Any, int], Any], is_array: bool, first: int, member: str
) -> Iterator[tuple[int, Any]]:
    position = first - 1
    try:
        events = _events(text, member)
        next(events)  # the bracket that opens the region
        for event, content in events:
            if event in ("end_map", "end_array"):
                continue  # anything after it is an error that the parser raises
            if is_array:
                position += 1
            else:
                position = position_of(content, member)
                event, content = next(events)
            yield position, payload(event, content, position)
    except (ijson.JSONError, UnicodeDecodeError) as bad:
        if "overflow" in str(bad):
            raise BadNumber("a number that does not fit", member=member, position=position) from bad
        raise _not_json(bad, member) from bad


def _not_json(bad: Exception, member: str) -> NotJson:
    return NotJson(str(bad).strip().split("\n")[0], member=member)


class _Screened:
    """The text as the parser gets it, without what the parser takes though JSON or text has no place for it: vertical tabs
    and form feeds as white space, and halves of surrogate pairs, which it would quietly replace. Nor does it get a token
    without end, which it would hold."""

    def __init__(self, text: Readable, member: str) -> None:
        self._text = text
        self._member = member
        self._begun = b""  # an escape that goes on in the next chunk
        self.since_event = 0  # bytes, since the parser saw the end of a number, a text, a bracket

    def read(self, size: int) -> bytes:
        chunk = self._text.read(size)
        self.since_event += len(chunk)
        if self.since_event > _LONGEST_TOKEN:
            raise NotJson(
                f"a number, text or space of more than {_LONGEST_TOKEN:,} bytes", member=self._member
            )
        if b"\v" in chunk or b"\f" in chunk:
            raise NotJson("a control character that must not be there", member=self._member)
        if self._begun or b"\\" in chunk:
            self._check_escapes(self._begun + chunk, at_end=not chunk)
        return chunk

    def _check_escapes(self, text: bytes, *, at_end: bool) -> None:
        self._begun = b""
        place = text.find(b"\\")
        while place >= 0:
            if len(text) - place < _LONGEST_ESCAPE and not at_end:
                self._begun = text[place:]
                return
            escape = _ESCAPE.match(text, place)
            if escape and escape["half"]:
                raise NotJson(
                    f"{escape[0].decode()} is half a surrogate pair, which is no text", member=self._member
                )
            place = text.find(b"\\", escape.end() if escape else place + 2)


def _blocks(cells: Iterator[tuple[int, Any]], payload_type: type[np.generic]) -> Iterator[Block]:
    positions: list[int] = []
    payloads: list[Any] = []
    for position, payload in cells:
        positions.append(position)
        payloads.append(payload)
        if len(positions) == _CELLS_PER_BLOCK:
            yield np.array(positions, np.int64), np.array(payloads, payload_type)
            positions, payloads = [], []
    if positions:
        yield np.array(positions, np.int64), np.array(payloads, payload_type)
