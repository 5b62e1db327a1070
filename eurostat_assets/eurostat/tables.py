"""Tab-separated tables as Eurostat sends them, read by the names of their columns.

Columns may move, change case, be quoted or get company; what matters is the header. Cells are text: what they mean, and
which of them a row cannot do without, is the reader's business (inventory.py, toc.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eurostat_assets.eurostat.errors import Unreadable

MOST_NOTES = 100
"""So many lines that could not be read are described; of the others only the number is kept."""

MOST_ENTRIES = 100_000
"""Each takes some 1,000 bytes of memory. Eurostat's inventory has 8,200, its table of contents 12,300."""

_MOST_COLUMNS = 100
# A quoted cell may hold tabs; it ends with a quote before a tab or the end of the line.
_CELL = re.compile(r'"[^"]*(?:""[^"]*)*"(?=\t|$)|[^\t]*')


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank. `number` counts from 1, the header included.

    `whole`: whether it has as many cells as there are columns. If not, it is not certain which cell belongs to which
    column, and what is read must prove itself. `merged`: more cells are filled than there are columns, so that it may
    hold the next line as well.
    """

    number: int
    whole: bool
    merged: bool
    _cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """The cell without its quotes, empty where there is none."""
        cell = self.raw(column)
        return cell[1:-1].replace('""', '"') if is_quoted(cell) else cell

    def raw(self, column: str) -> str:
        """The cell as sent, with its quotes."""
        return self._cells.get(column, "")


class Table:
    """The lines below the header of `body`, of the `columns` named, in any order and case.

    Raises Unreadable where a column of `needed` is not there, or is there twice. `in_order`: whether a header in another
    language is taken for `columns` in this order. `name` is what the table is called in messages.
    """

    def __init__(
        self, body: bytes, name: str, columns: Sequence[str], needed: Sequence[str], *, in_order: bool = False
    ) -> None:
        self._lines = enumerate(_lines(body.decode("utf-8-sig", errors="replace")), start=1)
        self._number, header = next(((number, line) for number, line in self._lines if line.strip()), (0, ""))
        names = [_plain(cell) for cell in _cells(header, _MOST_COLUMNS)]
        wanted = {_plain(column): column for column in columns}
        if in_order and len(names) >= len(columns) - 1 and not wanted.keys() & {*names}:
            names = [*wanted][: len(names)]
        missing = [column for column in needed if names.count(_plain(column)) != 1]
        if missing:
            raise Unreadable(f"the {name} begins with {header[:80]!r} instead of its column names")
        self._width = len(names)
        self._columns = [(place, wanted[name]) for place, name in enumerate(names) if name in wanted]

    def __iter__(self) -> Iterator[Line]:
        """Each line; a line break within quotes ends none if the two lines make a whole one. Can be gone through once."""
        number = self._number
        begun = ""  # a line that ended within quotes, and may go on
        for number, text in self._lines:
            if not text.strip():
                continue
            cells = _cells(text, self._width + 3)
            if begun:
                joined = _cells(begun + text, self._width + 3)
                if text.count('"') % 2 and len(joined) == self._width:
                    begun = ""
                    yield self._line(number, joined)
                    continue
                yield self._line(number - 1, _cells(begun, self._width + 3))
            begun = text if text.count('"') % 2 and len(cells) < self._width else ""
            if not begun:
                yield self._line(number, cells)
        if begun:
            yield self._line(number, _cells(begun, self._width + 3))

    def _line(self, number: int, cells: list[str]) -> Line:
        while len(cells) > self._width and not cells[-1].strip():
            cells.pop()
        found = {column: cells[place] for place, column in self._columns if place < len(cells)}
        filled = sum(1 for cell in cells if cell)
        return Line(number, len(cells) == self._width, filled > self._width, found)


class Notes(list[str]):
    """What could not be read, as `line 12: reason`: the first MOST_NOTES of them; `total` says how many there were."""

    total = 0

    def add(self, place: str, reason: object) -> None:
        self.total += 1
        if len(self) < MOST_NOTES:
            self.append(f"{place}: {reason}")


def check_number(entries: int, name: str) -> None:
    """Raise Unreadable for more entries than any table of Eurostat's has."""
    if entries > MOST_ENTRIES:
        raise Unreadable(f"the {name} has more than {MOST_ENTRIES:,} entries")


def _lines(text: str) -> Iterator[str]:
    """Each line with its end. Only LF ends one: a title may hold other characters that Python counts as line breaks."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin) + 1 or len(text)
        yield text[begin:end]
        begin = end


def is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def _cells(line: str, most: int) -> list[str]:
    """The first `most` cells of a line, quotes included; what follows them is in the last one."""
    line = line.removesuffix("\n").removesuffix("\r")
    cells: list[str] = []
    at = 0
    while len(cells) < most - 1:
        cell = _CELL.match(line, at)
        assert cell is not None  # it matches nothing at all, too
        cells.append(cell[0])
        at = cell.end() + 1
        if at > len(line):
            return cells
    return [*cells, line[at:]]


def _plain(name: str) -> str:
    """A column's name without case, quotes and whatever separates its words."""
    return re.sub(r"[\W_]+", "", name).casefold()
