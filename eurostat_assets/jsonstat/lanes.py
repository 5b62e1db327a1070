"""From the text of a region to blocks of cells: cut into pieces, each read by the fast lane if it can, else by the
reference lane.

Cutting is sound wherever it happens: if each piece between its own pair of brackets is valid JSON, then so is
the whole. It is done where a cell surely begins, so that a piece of valid text is valid as well.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import partial

from eurostat_assets.jsonstat import fast, reference
from eurostat_assets.jsonstat.errors import NotJson
from eurostat_assets.jsonstat.flags import Statuses
from eurostat_assets.jsonstat.reference import Block
from eurostat_assets.jsonstat.source import Readable

PIECE = 1 << 17  # bytes; its arrays stay in the processor's second cache
_LONGEST_PIECE = 4  # times the size asked for
_SPACE = b" \t\n\r"
_CELL = re.compile(rb',[ \t\n\r]*"[0-9]+"[ \t\n\r]*:')


def value_blocks(text: Readable, *, is_array: bool, piece_size: int | None = PIECE) -> Iterator[Block]:
    """The cells of a `value` region, brackets included; all by the reference lane if there is no `piece_size`.

    Raises `NotJson`, `BadPosition`, `BadNumber`."""
    if piece_size is None:
        return reference.value_blocks(text, is_array=is_array)
    decode = fast.array_of_values if is_array else fast.object_of_values
    return _blocks(text, "value", is_array, decode, reference.value_blocks, piece_size)


def status_blocks(
    text: Readable, statuses: Statuses, *, is_array: bool, piece_size: int | None = PIECE
) -> Iterator[Block]:
    """The cells of a `status` region, brackets included; all by the reference lane if there is no `piece_size`.

    Raises `NotJson`, `BadPosition`, `BadStatus`."""
    slow = partial(reference.status_blocks, statuses=statuses)
    if piece_size is None or is_array:  # only services long gone wrote arrays of statuses
        return slow(text, is_array=is_array)
    return _blocks(text, "status", is_array, fast.StatusDecoder(statuses), slow, piece_size)


def _blocks(
    text: Readable,
    member: str,
    is_array: bool,
    quick: Callable[[bytes, int], Block],
    slow: Callable[..., Iterator[Block]],
    piece_size: int,
) -> Iterator[Block]:
    cells = 0  # so far: the position of the next one, in an array

    def decoded(piece: bytes | _Rest) -> Iterator[Block]:
        if isinstance(piece, _Rest):
            return slow(piece, is_array=is_array, first=cells)
        if not piece:
            raise NotJson("a comma with no cell beside it: the body is damaged", member=member)
        try:
            return iter([quick(piece, cells)])
        except fast.OtherForm:
            opening, closing = (b"[", b"]") if is_array else (b"{", b"}")
            return slow(io.BytesIO(opening + piece + closing), is_array=is_array, first=cells)

    for piece in _pieces(text, is_array, piece_size):
        for block in decoded(piece):
            yield block
            cells += len(block[0])


def _pieces(text: Readable, is_array: bool, size: int) -> Iterator[bytes | _Rest]:
    """The text between the brackets, cut at commas into pieces of about that size; the rest where none is found."""
    opening = text.read(1)
    held = b""
    whole = True
    while chunk := text.read(size):
        held = (held + chunk).lstrip(_SPACE)  # white space of any length is not kept
        cut = _array_cut(held) if is_array else _object_cut(held)
        if cut >= 0:
            yield held[:cut].rstrip(_SPACE)
            held = held[cut + 1 :]
            whole = False
        elif len(held) > _LONGEST_PIECE * size:
            yield _Rest(opening + held, text)
            return
    last = held[:-1].strip(_SPACE)  # without the closing bracket
    if last or not whole:
        yield last


def _object_cut(held: bytes) -> int:
    """The last comma that surely begins a cell, -1 if there is none: no string can hold a bare `,"1":`."""
    for tail in (256, len(held)):
        starts = [match.start() for match in _CELL.finditer(held, max(0, len(held) - tail))]
        if starts:
            return starts[-1]
    return -1


def _array_cut(held: bytes) -> int:
    """The last comma, if there are no strings that might hold one."""
    return held.rfind(b",") if b'"' not in held else -1


class _Rest:
    """What is held of a text, and then the rest of it."""

    def __init__(self, held: bytes, text: Readable) -> None:
        self._held = io.BytesIO(held)
        self._text = text

    def read(self, size: int) -> bytes:
        return self._held.read(size) or self._text.read(size)
