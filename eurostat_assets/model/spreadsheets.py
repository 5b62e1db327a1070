"""Cells of a CSV file that a spreadsheet opens: text stays text, and no formula.

Excel and its like calculate a cell that begins with one of these characters, quoted or not; an apostrophe before it says
that it is text (OWASP, "CSV Injection").
"""

from __future__ import annotations

from eurostat_assets.model.characters import clean

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(text: str) -> str:
    """Return `text` for a cell, after an apostrophe where a spreadsheet would take it for a formula."""
    cleaned = clean(text)
    return f"'{cleaned}" if cleaned.lstrip().startswith(FORMULA) else cleaned
