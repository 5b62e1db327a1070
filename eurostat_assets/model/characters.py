"""Which characters a text may have: control characters are taken out of titles and labels, and refused in codes.

PostgreSQL stores no NUL at all, terminals obey control characters, and two codes that differ in an invisible character
look the same to everybody. A title is still a title without it; a code is not the same code.
"""

from __future__ import annotations

import re
import unicodedata

# Categories of Unicode. Cc: C0, DEL and C1 controls; Cf: invisible formatting, such as zero-width and bidi controls;
# Cs: halves of surrogate pairs; Zl, Zp: line and paragraph separators.
_NEVER_IN_CODES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_BREAK = re.compile(rf"[{_BREAKS}]+")
# Other formatting characters stay: a soft hyphen or a zero-width joiner belongs to how some languages are written.
_TAKEN_OUT = re.compile(rf"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff{_BIDI}]")


def clean(text: str) -> str:
    """Return `text` without control characters, line breaks as a blank; for titles, labels and messages."""
    if text.isascii() and text.isprintable():
        return text
    return _TAKEN_OUT.sub("", _BREAK.sub(" ", text))


def bad_character(code: str) -> str | None:
    """Return the first character that no code may have, as `U+0000`; None for a code that is right."""
    if code.isprintable():  # which no character of these categories is
        return None
    bad = next((one for one in code if unicodedata.category(one) in _NEVER_IN_CODES), None)
    return bad and f"U+{ord(bad):04X}"
