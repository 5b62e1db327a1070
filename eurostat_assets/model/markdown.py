"""Text that others wrote, in Markdown: whatever it says is shown and nothing is obeyed.

For the UI (metadata are rendered as GitHub's Markdown), the report, and chats that render it. Addresses stand as code, so
that nothing in them becomes a link or a picture, and so do names after an @, which some chats and forges tell of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from eurostat_assets.model.characters import bounded, visible
from eurostat_assets.model.messages import MESSAGE

_MEANS_SOMETHING = re.compile(r"([\\*{}\[\]#|~!$]|(?<![^\W_])_|_(?![^\W_]))")  # in a word, _ means nothing
# What GitHub's Markdown makes links of by itself. Without what would end code, or a cell of a table.
_ADDRESS = re.compile(
    r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://[^\s`|\\]*|(?:https?://|www\.|mailto:|xmpp:)[^\s`|\\]*"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|(?<!\w)@\w[\w.-]*)",
    re.IGNORECASE,
)
_BEGINS_A_BLOCK = re.compile(r"^([0-9]{0,9})([.)+=-])(?=[\s=-]|$)")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table of one line per row; every cell is text."""
    lines = [_line(header), "|" + "---|" * len(header), *(_line(row) for row in rows)]
    return "\n".join(lines)


def text(value: object) -> str:
    """Return any value as text of one line in which nothing is Markdown or HTML; nothing for None."""
    if value is None:
        return ""
    plain = bounded(" ".join(visible(str(value)).split()), MESSAGE)
    pieces = _ADDRESS.split(plain)
    # Every second piece is what the pattern found.
    shown = "".join(f"`{one}`" if number % 2 else _plain(one) for number, one in enumerate(pieces))
    return _BEGINS_A_BLOCK.sub(r"\1\\\2", shown)


def _plain(piece: str) -> str:
    piece = piece.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # As an entity, because beside code an escaped one may end it.
    return _MEANS_SOMETHING.sub(r"\\\1", piece).replace("`", "&#96;")


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(text(cell) for cell in cells) + " |"
