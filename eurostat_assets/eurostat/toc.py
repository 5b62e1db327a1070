"""The table of contents: titles, periods, sizes and the tree of folders, from `GET catalogue/toc/txt`.

Tab-separated UTF-8 with quoted cells. Four blanks of indentation per level inside the quoted title *are* the tree, which
is read in tree.py; a dataset filed in several folders has a row in each. Dates here have no time of day: freshness is the
inventory's business.
"""

import re
from dataclasses import dataclass
from datetime import date

from eurostat_assets.eurostat.codes import check_code
from eurostat_assets.eurostat.errors import MalformedCode, Unreadable
from eurostat_assets.eurostat.tables import Line, Notes, Table, check_number
from eurostat_assets.eurostat.tree import UNKNOWN, Place, depth_of, places
from eurostat_assets.model.characters import NAME, clean
from eurostat_assets.model.numbers import whole_number

COLUMNS = (
    "title",
    "code",
    "type",
    "last update of data",
    "last table structure change",
    "data start",
    "data end",
    "values",  # since 2023
)
_DECORATION = COLUMNS[3:]
_FOLDER, _LEAVES = "folder", ("dataset", "table")
_FOLDER_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_$-]*")
_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")


@dataclass(frozen=True, slots=True)
class TocEntry:
    """One row. `type` is folder, dataset or table; `folders` the codes from the root down, without the row's own, with
    `?` for a folder that is not known.

    `title` is empty where the language has none; `code` is upper case for datasets and tables, as sent for folders. Any
    other cell is None where it is blank or cannot be read.
    """

    code: str
    title: str
    type: str
    folders: tuple[str, ...]
    last_data_change: date | None
    last_structure_change: date | None
    data_start: str | None
    data_end: str | None
    values: int | None

    @property
    def placed(self) -> bool:
        """Whether all its folders are known."""
        return UNKNOWN not in self.folders


class Toc(list[TocEntry]):
    """The rows in their order. `broken_lines`: lines that could not be read, as `line 12: reason`; `unknown_cells`: cells
    that could not, of lines that were.
    """

    def __init__(self, entries: list[TocEntry], broken_lines: Notes, unknown_cells: Notes) -> None:
        super().__init__(entries)
        self.broken_lines = broken_lines
        self.unknown_cells = unknown_cells


@dataclass(slots=True)
class _Row:
    """What one line says of itself; `code` is None for a line that cannot be read."""

    place: Place
    code: str | None
    title: str
    type: str
    cells: dict[str, str | None]
    data_change: date | None
    structure_change: date | None
    values: int | None


def parse_toc(body: bytes) -> Toc:
    """Return the whole tree. A line that cannot be read is reported, and the rest used; what may have been below it has
    folders that are not known. Raises Unreadable, also without datasets.
    """
    broken_lines, unknown_cells = Notes(), Notes()
    table = Table(body, "table of contents", COLUMNS, needed=COLUMNS[:3], in_order=True)
    rows: list[_Row] = []
    for line in table:
        rows.append(_row(line, broken_lines, unknown_cells))
        check_number(len(rows), "table of contents")
    entries = [
        TocEntry(
            row.code, row.title, row.type, folders, row.data_change, row.structure_change,
            row.cells["data start"], row.cells["data end"], row.values,
        )
        for row, folders in zip(rows, places([row.place for row in rows]), strict=True)
        if row.code is not None
    ]  # fmt: skip
    if all(entry.type == _FOLDER for entry in entries):
        raise Unreadable("the table of contents holds no dataset at all")
    return Toc(entries, broken_lines, unknown_cells)


def _row(line: Line, broken_lines: Notes, unknown_cells: Notes) -> _Row:
    problems: list[str] = []
    cells = {name: clean(line[name]).strip() or None if line.whole else None for name in _DECORATION}
    data_change, structure_change = (_day(cells[name], problems) for name in _DECORATION[:2])
    values = _count(cells["values"], problems)
    kind, code = clean(line["type"], NAME).strip().lower(), None
    title = clean(line["title"]).strip()
    try:
        code = _code(line, kind, dated=data_change is not None)
    except (MalformedCode, ValueError) as error:
        broken_lines.add(f"line {line.number}", error)
    else:
        for problem in problems if line.whole else ["its cells are not those of the columns"]:
            unknown_cells.add(f"line {line.number}", problem)
    place = Place(
        depth_of(line.raw("title")),
        is_leaf=kind in _LEAVES or (code is not None and kind != _FOLDER),
        code=code,
        # A dataset without a title may have lost its indentation with it; no dataset stands beside the roots.
        unindented=line.whole and line["title"] == "",
        merged=line.merged,
    )
    return _Row(place, code, title, kind, cells, data_change, structure_change, values)


def _code(line: Line, kind: str, *, dated: bool) -> str:
    """The row's code. Raises MalformedCode, ValueError."""
    if kind == _FOLDER:
        code = line["code"].strip()
        if not _FOLDER_CODE.fullmatch(code):
            raise ValueError(f"{code[:40]!r} is not the code of a folder")
        return code
    if (
        kind not in _LEAVES and not dated
    ):  # a new type of dataset has a date as they all have; no folder has one
        raise ValueError(f"{kind[:40]!r} is neither a folder nor a dataset")
    return check_code(line["code"])


def _day(text: str | None, problems: list[str]) -> date | None:
    """`06.02.2026`, or None where there is none."""
    if text is None:
        return None
    found = _DAY.fullmatch(text)
    try:
        if found:
            return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        pass
    problems.append(f"{text[:40]!r} is not a day")
    return None


def _count(text: str | None, problems: list[str]) -> int | None:
    if text is None:
        return None
    count = whole_number(text)
    if count is None:
        problems.append(f"{text[:40]!r} is not a number of values")
    return count
