"""The fast lane: a piece of some ten thousand cells decoded at once, or not at all.

A piece is what stands between the brackets of `value` or `status`, cut at a comma: `"123":4.5,"124":6`. Each decoder
finds the separators of the whole piece, proves by them that the piece has the plain form below, and reads all the
digits eight at a time. Where the proof fails it answers None, and the reference lane reads the piece instead.

    object of values   "<position>":<number>,…      position: digits; number: [-]digits[.digits], up to 15 digits
    array of values    <number>,<number>,…          or null
    object of statuses "<position>":"<status>",…    status: up to 8 ASCII characters, no escapes

White space between the tokens of values is taken out first. Fifteen digits and a power of ten are exact as 64-bit
floats and their quotient is correctly rounded, so a value is the very float any JSON parser makes of it.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from eurostat_assets.jsonstat.flags import Statuses

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_QUOTE, _COMMA, _MINUS, _DOT, _ZERO, _COLON, _NINE = b'",-.0:9'
_MARGIN = b" " * 16  # so that the 16 bytes before any place can be read
_MOST_DIGITS = 15
_SPACE = re.compile(rb"\s")
_TOKENS_THAT_SPACE_PARTS = re.compile(rb'[0-9."a-z+-]\s+[0-9."a-zE+-]')


def object_of_values(piece: bytes) -> tuple[Integers, Floats] | None:
    """Positions and values."""
    text = _Text(_squeezed(piece))
    colons = np.flatnonzero(text.chars == _COLON)
    numbers = text.numbers_after(colons)
    if numbers is None:
        return None
    values, commas = numbers
    keys = text.positions(np.concatenate(([len(_MARGIN)], commas[:-1] + 1)), colons - 1)
    return None if keys is None else (keys, values)


def array_of_values(piece: bytes) -> Floats | None:
    """Values, NaN for null."""
    piece = _squeezed(piece)
    if b"null" not in piece:
        numbers = _Text(piece).numbers()
        return None if numbers is None else numbers[0]
    
    return None
