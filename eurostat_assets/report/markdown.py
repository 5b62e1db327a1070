"""Tables in Markdown, of text that others wrote: whatever it says is shown and nothing is obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MEANS_SOMETHING = re.compile(r"([\\`*_{}\[\]#|~!])")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [_line(header), "|" + "---|" * len(header), *(_line(row) for row in rows)]
    return "\n".join(lines)


def text(value: object) -> str:
    """Any value as text of one line in which nothing is Markdown or HTML; nothing for None."""
    if value is None:
        return ""
    plain = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MEANS_SOMETHING.sub(r"\\\1", plain)


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(text(cell) for cell in cells) + " |"
