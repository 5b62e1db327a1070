"""The table of contents: titles, periods, sizes and the tree of folders, from `GET catalogue/toc/txt`.

Tab-separated UTF-8 with quoted cells. Four blanks of indentation per level inside the quoted title *are* the
tree; a dataset filed in several folders has a row in each. Dates here have no time of day: freshness is the
inventory's business.
"""

from dataclasses import dataclass
from datetime import date

from eurostat_assets.eurostat.codes import check_code
from eurostat_assets.eurostat.errors import MalformedCode, Unreadable

_INDENT = 4
# title, code, type, last update of data, last table structure change, data start, data end; `values` came in
# 2023.
_FEWEST_COLUMNS = 7


@dataclass(frozen=True, slots=True)
class TocEntry:
    """One row. `type` is folder, dataset or table; `folders` the codes from the root down, without the row's
    own.

    `title` is empty where the language has none; `code` is upper case for datasets and tables, as sent for
    folders.
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


class Toc(list[TocEntry]):
    """The rows in their order; `broken_lines` holds what could not be read, as `line 12: reason`."""

    def __init__(self, entries: list[TocEntry], broken_lines: list[str]) -> None:
        super().__init__(entries)
        self.broken_lines = broken_lines


def parse_toc(body: bytes) -> Toc:
    """The whole tree; a broken line is reported, the rest used. Raises Unreadable, also without datasets."""
    # Only LF ends a line: a title may hold other characters that Python counts as line breaks.
    header, *lines = body.decode("utf-8-sig", errors="replace").split("\n")
    if len(_cells(header)) < _FEWEST_COLUMNS:
        raise Unreadable(f"the table of contents begins with {header[:80]!r} instead of its column names")
    entries: list[TocEntry] = []
    broken_lines: list[str] = []
    branch: list[str] = []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            entry = _parse_line(line, branch)
        except (MalformedCode, ValueError) as error:
            broken_lines.append(f"line {number}: {error}")
            continue
        entries.append(entry)
        if entry.type == "folder":
            branch = [*entry.folders, entry.code]
    if all(entry.type == "folder" for entry in entries):
        raise Unreadable("the table of contents holds no dataset at all")
    return Toc(entries, broken_lines)


def _parse_line(line: str, branch: list[str]) -> TocEntry:
    """`branch`: the codes of the folders that are open here, from the root down."""
    cells = _cells(line)
    if len(cells) < _FEWEST_COLUMNS:
        raise ValueError(f"only {len(cells)} columns")
    indented, code, kind, data_change, structure_change, start, end, *values = cells
    title = indented.strip()
    depth = (len(indented) - len(indented.lstrip(" "))) // _INDENT
    # A row without a title may have lost its indentation as well; no dataset stands beside the roots.
    folders = branch if kind != "folder" and depth == 0 else branch[:depth]
    return TocEntry(
        code=code.strip() if kind == "folder" else check_code(code),
        title=title,
        type=kind,
        folders=tuple(folders),
        last_data_change=_day(data_change),
        last_structure_change=_day(structure_change),
        data_start=start.strip() or None,
        data_end=end.strip() or None,
        values=int(values[0]) if values and values[0].strip() else None,
    )


def _cells(line: str) -> list[str]:
    return [_unquoted(cell) for cell in line.rstrip("\r").split("\t")]


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _day(text: str) -> date | None:
    """`06.02.2026`, or None where there is none."""
    if not text.strip():
        return None
    day, month, year = text.strip().split(".")
    return date(int(year), int(month), int(day))
