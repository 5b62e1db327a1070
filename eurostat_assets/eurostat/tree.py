"""Which folders a row of the table of contents lies in, told by its indentation; never guessed.

Of a real table of contents (10,752 rows of 2023) these hold without exception: a row lies one level deeper than the row
before it at most; nothing is deeper than a dataset before it; a folder has something in it. Where they do not, an
indentation was damaged or a line lost, and whatever may depend on that has an UNKNOWN folder. What cannot be noticed is
an indentation that was changed to another that is possible there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eurostat_assets.eurostat.tables import is_quoted

UNKNOWN = "?"
"""In place of the code of a folder that is not known."""

_INDENT = 4
# No title begins with a few characters and three blanks; an indentation with something written into it does.
_OVERWRITTEN = re.compile(r" *\S{1,40} {3}")


@dataclass(frozen=True, slots=True)
class Place:
    """What a line says of its place. `depth`: levels below the roots, None where that cannot be read; `code`: None for a
    line that cannot be read, which may be a folder unless it `is_leaf`. `unindented`: it has neither title nor
    indentation. `merged`: it is so long that the next line may have become a part of it.
    """

    depth: int | None
    is_leaf: bool
    code: str | None = None
    unindented: bool = False
    merged: bool = False


def depth_of(title: str) -> int | None:
    """How deep the row with this title, as sent with its quotes, lies; None where its indentation is damaged."""
    if '"' in title:
        if not is_quoted(title):
            return None
        title = title[1:-1]
    blanks = len(title) - len(title.lstrip(" "))
    rest = title[blanks:]
    if blanks % _INDENT or (rest and not rest[0].isprintable()) or _OVERWRITTEN.match(title):
        return None
    return blanks // _INDENT if title else None


def places(lines: Sequence[Place]) -> Iterator[tuple[str, ...]]:
    """The folders of each line, from the root down."""
    branch = _Branch()
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else None
        yield branch.leaf(line, following) if line.is_leaf else branch.folder(line)
        if line.merged:
            branch.lose()


class _Branch:
    """The folders that are open, and what is known of the line before."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._lost = 0  # lines since the last certain one that may be folders of any depth
        self._leaf: int | None = None  # the depth of the line before, if that is a dataset's
        self._folder: int | None = None  # … if it is a folder's

    def lose(self) -> None:
        """A line that may have been a folder of any depth."""
        self._lost += 1
        self._leaf = self._folder = None

    def folder(self, line: Place) -> tuple[str, ...]:
        depth = line.depth
        gap = depth is not None and depth > len(self._open) and not self._lost
        # A line that cannot be read may have the next one in it: its depth is that of what it begins with.
        if depth is None or line.code is None or gap or self._deeper_than_leaf(depth):
            self.lose()
            return (UNKNOWN,)
        self._settle(depth)
        folders = tuple(self._open[:depth])
        self._open[depth:] = [line.code]
        self._leaf, self._folder = None, depth
        return folders

    def leaf(self, line: Place, following: Place | None) -> tuple[str, ...]:
        depth = line.depth
        if line.unindented and not self._lost:
            return tuple(self._open)
        if depth is None or (depth == 0 and (self._open or self._lost)):
            return (UNKNOWN,)
        doubtful = (
            self._deeper_than_leaf(depth)
            or (depth > len(self._open) and not self._lost and self._folder is None)
            or (following is not None and following.depth is not None and following.depth > depth)
        )
        if doubtful:
            self._leaf, self._folder = depth, None
            return (UNKNOWN,)
        if self._folder is not None and depth <= self._folder and depth:
            self._open[depth - 1 :] = [
                UNKNOWN
            ]  # that folder would be empty: it lies higher, and this within it
        self._settle(depth)
        self._leaf, self._folder = depth, None
        return tuple(self._open[:depth])

    def _deeper_than_leaf(self, depth: int) -> bool:
        return self._leaf is not None and depth > self._leaf and not self._lost

    def _settle(self, depth: int) -> None:
        """A certain line: which of the open folders may be another one, now that its depth is known."""
        certain = depth - self._lost
        if certain > len(self._open):  # too deep even so: the last folder is not where it seems
            certain = len(self._open) - 1
        if certain < depth:
            certain = max(0, certain)
            self._open[certain:] = [UNKNOWN] * (depth - certain)
        self._lost = 0
