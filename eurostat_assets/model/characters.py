"""Which characters a text may have, and how many: the door for every text that others wrote.

Titles, labels, notes, error bodies, names of users and files, words of libraries: `clean` is called where such a text enters
a record. How it is then written is each sink's own business (docs/outside-text.md). In a code nothing is ever taken out: it
is refused, or kept exactly.

PostgreSQL stores no NUL at all, terminals obey control characters, and two codes that differ in an invisible character
look the same to everybody. A title is still a title without it; a code is not the same code.
"""

from __future__ import annotations

import re
import unicodedata

TEXT = 1_000
"""Characters of a title or label at most. The longest title of 2026 in Eurostat's table of contents has fewer than 300."""

NAME = 100
"""Characters of the name of a user, file, column or table in a sentence."""

MARKS = 3
"""Combining marks on one letter. Vietnamese and Greek need two at most, pointed Hebrew three."""

CUT = "…"

# Categories of Unicode. Cc: C0, DEL and C1 controls; Cf: invisible formatting, such as zero-width and bidi controls;
# Cs: halves of surrogate pairs; Zl, Zp: line and paragraph separators.
_NEVER_IN_CODES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_BREAK = re.compile("[\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029]+")
_CONTROLS = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
_FORMAT = (
    "\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
# What Unicode calls default-ignorable without being of category Cf: fillers, variation selectors, the plane of tags.
_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff"
_NO_CHARACTERS = "\ufdd0-\ufdef" + "".join(
    chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
)
_TAKEN_OUT = re.compile(f"[{_CONTROLS}{_FORMAT}{_UNSEEN}{_NO_CHARACTERS}]")
_FIRST_MARK = "\u0300"


def clean(text: str, longest: int = TEXT) -> str:
    """Return `text` as one line without control, format and invisible characters, in NFC, at most `longest` characters.

    Line breaks are a blank; of a flood of combining marks MARKS are left; what is too long ends in CUT.
    """
    return bounded(visible(text), longest)


def visible(text: str) -> str:
    """Return what `clean` does, of any length."""
    if text.isascii() and text.isprintable():
        return text
    text = _TAKEN_OUT.sub("", _BREAK.sub(" ", text))
    if text.isascii():
        return text
    # Floods go first, as sorting one takes quadratic time; a letter that NFC takes apart brings marks of its own.
    for _ in range(2):
        text = unicodedata.normalize("NFC", _without_floods(text))
    return text


def printable(text: str) -> str:
    """Return `text` of any length without the characters that `clean` takes out, but with its lines."""
    if text.isascii() and text.isprintable():
        return text
    lines = (_TAKEN_OUT.sub("", _BREAK.sub(" ", line)) for line in text.split("\n"))
    return "\n".join(map(_without_floods, lines))


def bounded(text: str, longest: int) -> str:
    """Return `text`, cut to `longest` characters where it has more, which CUT at its end says."""
    return text if len(text) <= longest else text[: longest - len(CUT)].rstrip() + CUT


def ends(text: str, longest: int) -> str:
    """Return `text`, or where it has more than `longest` characters its two ends, about so many together.

    For what is wrong with a body, which may be the length of a name in it: the end says what was expected.
    """
    return text if len(text) <= longest else f"{text[: longest - 100]} … {text[-90:]}"


def bad_character(code: str) -> str | None:
    """Return the first character that no code may have, as `U+0000`; None for a code that is right."""
    if code.isprintable():  # which no character of these categories is
        return None
    bad = next((one for one in code if unicodedata.category(one) in _NEVER_IN_CODES), None)
    return bad and f"U+{ord(bad):04X}"


def _without_floods(text: str) -> str:
    """Return `text` with at most MARKS combining marks in a row, and none at its beginning, where they have no letter."""
    if max(text, default="") < _FIRST_MARK:
        return text
    kept, marks = [], MARKS
    for one in text:
        marks = marks + 1 if one >= _FIRST_MARK and unicodedata.category(one)[0] == "M" else 0
        if marks <= MARKS:
            kept.append(one)
    return "".join(kept)
