"""Numbers that others wrote as text. Belongs here: when a text is one. Does not: what it counts."""

from __future__ import annotations

MOST_DIGITS = 18
"""So many always fit into 64 bits, as Arrow and PostgreSQL store them."""


def whole_number(text: str) -> int | None:
    """Return the number that a text of ASCII digits is; None for any other text, and for one of more than MOST_DIGITS."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None
