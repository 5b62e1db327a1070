"""The fast lane: a piece of some ten thousand cells decoded at once, or not at all.

A piece is what stands between the brackets of `value` or `status`, cut at a comma: `"123":4.5,"124":6`. Each decoder
finds the separators of the whole piece, proves by them that it has the plain form below, and reads the digits eight
at a time. Where the proof fails it raises `OtherForm`, and the reference lane reads that piece.

    object of values     "<position>":<number>,…      number: [-]digits[.digits], at most 15 digits, or null
    array of values      <number>,<number>,…
    object of statuses   "<position>":"<status>",…    status: at most 8 ASCII characters, none escaped

White space between the tokens of values does no harm. Fifteen digits are exact as a 64-bit float, so is the power of
ten they are divided by, and the quotient is rounded correctly: it is the very float any JSON parser makes of them.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from eurostat_assets.jsonstat.flags import Statuses

Integers = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]

_QUOTE, _COMMA, _MINUS, _DOT, _ZERO, _COLON, _N = b'",-.0:n'
_MARGIN = b" " * 16  # the 16 bytes before any place of the piece can be read
_MOST_DIGITS = 15
_EIGHT_ZEROES = np.uint64(0x3030303030303030)
_ABOVE_NINE = np.uint64(0x7676767676767676)  # added to a byte above 9, sets its top bit
_TOP_BITS = np.uint64(0x8080808080808080)
# A mask for the last n of 8 bytes, by n.
_LAST = np.array([0, *((-1 << (64 - 8 * n)) % 2**64 for n in range(1, 9))], np.uint64)
_POWERS = 10 ** np.arange(_MOST_DIGITS + 1, dtype=np.int64)
_FLOAT_POWERS = _POWERS.astype(np.float64)
# Upper neighbour + lower neighbour * (10, 100, 10,000); the size of a neighbour in bits; what to keep.
_JOINS = [
    (np.uint64(1 + (10 << 8)), np.uint64(8), np.uint64(0x00FF00FF00FF00FF)),
    (np.uint64(1 + (100 << 16)), np.uint64(16), np.uint64(0x0000FFFF0000FFFF)),
    (np.uint64(1 + (10_000 << 32)), np.uint64(32), np.uint64(0x00000000FFFFFFFF)),
]
_NULL = int.from_bytes(b"null", "little")
_SPACE_WITHIN_TOKENS = re.compile(rb'[0-9."a-zE+-][ \t\n\r]+[0-9."a-zE+-]')


class OtherForm(Exception):
    """The piece does not have the plain form; which says nothing against it."""


def object_of_values(piece: bytes, _first: int = 0) -> tuple[Integers, Floats]:
    """The positions and the values, NaN for null."""
    text = _Text(_without_space(piece))
    separators = np.flatnonzero((text.chars == _COLON) | (text.chars == _COMMA))
    _require(len(separators) % 2 == 0)
    colons, ends = np.ascontiguousarray(separators.reshape(-1, 2).T)
    _require(text.all(colons, _COLON) and text.all(ends, _COMMA))
    return text.keys(text.starts(ends), colons - 1), text.numbers(colons + 1, ends)


def array_of_values(piece: bytes, first: int) -> tuple[Integers, Floats]:
    """The positions, from `first` on, and the values, NaN for null."""
    text = _Text(_without_space(piece))
    ends = np.flatnonzero(text.chars == _COMMA)
    return np.arange(first, first + len(ends)), text.numbers(text.starts(ends), ends)


class StatusDecoder:
    """Decodes objects of statuses to the numbers that `statuses` gives them."""

    def __init__(self, statuses: Statuses) -> None:
        self._statuses = statuses
        # The texts met so far, as words in ascending order, and their numbers. The last word is no ASCII text.
        self._words = np.array([2**64 - 1], np.uint64)
        self._numbers = np.zeros(1, np.int16)

    def __call__(self, piece: bytes, _first: int = 0) -> tuple[Integers, Integers]:
        """The positions and the status numbers."""
        text = _Text(piece)
        content = text.chars[len(_MARGIN) : -1]
        _require(len(content) > 0 and int(content.min()) >= 0x20 and int(content.max()) < 0x7F)
        _require(b"\\" not in piece)
        quotes = np.flatnonzero(text.chars == _QUOTE)
        _require(len(quotes) % 4 == 0)
        opened, closed, status_opened, status_closed = quotes.reshape(-1, 4).T
        ends = status_closed + 1
        _require(bool((text.chars[ends] == _COMMA).all()) and int(ends[-1]) == len(text.chars) - 1)
        _require(np.array_equal(opened, text.starts(ends)))
        _require(np.array_equal(status_opened, closed + 2) and bool((text.chars[closed + 1] == _COLON).all()))
        lengths = status_closed - status_opened - 1
        _require(int(lengths.max()) <= 8)
        words = text.words[status_closed - 8] & _LAST[lengths]
        return text.keys(opened, closed), self._numbered(words)

    def _numbered(self, words: npt.NDArray[np.uint64]) -> Integers:
        places = np.searchsorted(self._words, words)
        unknown = self._words[places] != words
        if unknown.any():
            for word in np.unique(words[unknown]):
                self._learn(word)
            places = np.searchsorted(self._words, words)
        return self._numbers[places]

    def _learn(self, word: np.uint64) -> None:
        status = int(word).to_bytes(8, "little").lstrip(b"\0").decode("ascii")
        place = np.searchsorted(self._words, word)
        self._words = np.insert(self._words, place, word)
        self._numbers = np.insert(self._numbers, place, self._statuses.number(status))


class _Text:
    """A piece as bytes (`chars`) and as the eight bytes that begin at each of them (`words`), a comma at its end."""

    def __init__(self, piece: bytes) -> None:
        text = b"".join((_MARGIN, piece, b","))
        self.chars = np.frombuffer(text, np.uint8)
        self.words = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))

    def all(self, places: Integers, char: int) -> bool:
        """Is it this character at all these places?"""
        return bool((self.chars[places] == char).all())

    def starts(self, ends: Integers) -> Integers:
        """Where the cells begin: at the start, and after every comma but the last."""
        return np.concatenate(([len(_MARGIN)], ends[:-1] + 1))

    def keys(self, opened: Integers, closed: Integers) -> Integers:
        """The numbers between quotes at these places."""
        lengths = closed - opened - 1
        _require(int(lengths.min()) >= 1 and int(lengths.max()) <= _MOST_DIGITS)
        _require(self.all(opened, _QUOTE) and self.all(closed, _QUOTE))
        _require(not ((self.chars[opened + 1] == _ZERO) & (lengths > 1)).any())
        return self._digits(closed, lengths)

    def numbers(self, starts: Integers, ends: Integers) -> Floats:
        """The numbers (or nulls) between these places."""
        is_null = self.chars[starts] == _N
        if not is_null.any():
            return self._decimals(starts, ends)
        nulls = starts[is_null]
        _require(bool((ends[is_null] - nulls == 4).all()))
        _require(bool(((self.words[nulls - 4] >> np.uint64(32)) == _NULL).all()))
        values = np.full(len(starts), np.nan)
        if len(nulls) < len(starts):
            values[~is_null] = self._decimals(starts[~is_null], ends[~is_null])
        return values

    def _decimals(self, starts: Integers, ends: Integers) -> Floats:
        negative = self.chars[starts] == _MINUS
        starts = starts + negative
        decimals, pointed = self._decimal_places(starts, ends)
        points = ends - decimals - pointed
        whole = points - starts
        _require(int(whole.min()) >= 1 and int((whole + decimals).max()) <= _MOST_DIGITS)
        _require(not ((self.chars[starts] == _ZERO) & (whole > 1)).any())
        digits = self._digits(points, whole)
        if pointed.any():
            digits = digits * _POWERS[decimals] + self._digits(ends, decimals)
        values = digits.astype(np.float64) / _FLOAT_POWERS[decimals]
        return np.where(negative, -values, values) if negative.any() else values

    def _decimal_places(self, starts: Integers, ends: Integers) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """How many digits stand after the decimal point, and whether there is one."""
        decimals = np.zeros(len(ends), np.int64)
        left = np.count_nonzero(self.chars == _DOT)
        for places in range(1, _MOST_DIGITS):
            if not left:
                break
            here = (self.chars[ends - 1 - places] == _DOT) & (ends - starts > places + 1)
            decimals[here] = places
            left -= np.count_nonzero(here)
        _require(left == 0)
        return decimals, decimals > 0

    def _digits(self, ends: Integers, lengths: Integers) -> Integers:
        """The decimal numbers of `lengths` digits (0 to 16) before `ends`."""
        if int(lengths.max()) <= 8:
            return self._eight_digits(ends, lengths)
        low = self._eight_digits(ends, np.minimum(lengths, 8))
        high = self._eight_digits(ends - 8, np.maximum(lengths - 8, 0))
        return high * 10**8 + low

    def _eight_digits(self, ends: Integers, lengths: Integers) -> Integers:
        # The first digit is in the lowest byte. Neighbours are joined: 8 digits, 4 pairs, 2 fours, 1 number.
        digits = self.words[ends - 8]
        digits ^= _EIGHT_ZEROES
        digits &= _LAST[lengths]
        _require(not (((digits + _ABOVE_NINE) | digits) & _TOP_BITS).any())
        for factor, shift, mask in _JOINS:
            digits *= factor
            digits >>= shift
            digits &= mask
        return digits.view(np.int64)


def _without_space(piece: bytes) -> bytes:
    """White space is taken out only where it cannot join what it parts: `1 2` is not 12."""
    if not any(space in piece for space in (b" ", b"\n", b"\t", b"\r")):
        return piece
    _require(_SPACE_WITHIN_TOKENS.search(piece) is None)
    return piece.translate(None, b" \t\n\r")


def _require(condition: bool) -> None:
    if not condition:
        raise OtherForm
