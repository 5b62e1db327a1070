"""The inventory: every dataset Eurostat disseminates, with its two dates to the second, in one request.

`GET files/inventory?type=data` answers 5 MB of tab-separated UTF-8 with a header line; only five columns are read here,
the others are download addresses. Titles and folders are the table of contents' business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from eurostat_assets.eurostat.codes import check_code, is_extraction
from eurostat_assets.eurostat.errors import MalformedCode, Unreadable
from eurostat_assets.eurostat.release import Release
from eurostat_assets.eurostat.tables import Line, Notes, Table, check_number

_CODE, _TYPE, _PARENT, _DATA, _STRUCTURE = _COLUMNS = (
    "Code",
    "Type",
    "Source dataset",
    "Last data change",
    "Last structural change",
)
_TYPES = ("DATASET", "EXTRACTION")


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """`type` is DATASET or EXTRACTION as sent; `source_dataset` names an extraction's parent."""

    code: str
    type: str
    source_dataset: str | None
    release: Release


class Inventory(dict[str, InventoryEntry]):
    """Entries by upper-case code. `broken_lines`: lines that could not be read, as `line 12: reason`; `unknown_cells`:
    cells that could not, of lines that were.
    """

    def __init__(
        self, entries: Mapping[str, InventoryEntry], broken_lines: Notes, unknown_cells: Notes
    ) -> None:
        super().__init__(entries)
        self.broken_lines = broken_lines
        self.unknown_cells = unknown_cells


def parse_inventory(body: bytes, ahead: timedelta | None = None) -> Inventory:
    """Return the whole inventory. A line without a code or a date of its data is reported, and the rest used; so is one
    whose data are dated more than `ahead` in the future. Of a code that is there twice, the newest counts. Raises
    Unreadable, also when no line is left.
    """
    latest = datetime.now(UTC) + ahead if ahead is not None else None
    entries: dict[str, InventoryEntry] = {}
    broken_lines, unknown_cells = Notes(), Notes()
    for line in Table(body, "inventory", _COLUMNS, needed=(_CODE, _DATA)):
        try:
            entry = _entry(line, unknown_cells, latest)
        except (MalformedCode, ValueError) as error:
            broken_lines.add(f"line {line.number}", error)
            continue
        known = entries.get(entry.code)
        if known is None or _age(known.release) < _age(entry.release):
            entries[entry.code] = entry
            check_number(len(entries), "inventory")
    if not entries:
        raise Unreadable("the inventory holds no dataset at all")
    return Inventory(entries, broken_lines, unknown_cells)


def _age(release: Release) -> tuple[object, ...]:
    return release.updated, release.data


def _entry(line: Line, unknown_cells: Notes, latest: datetime | None) -> InventoryEntry:
    code, data = check_code(line[_CODE]), line[_DATA].strip()
    release = _dated(code, data, None, latest)
    problems: list[str] = []
    if (structure := line[_STRUCTURE].strip()) not in ("", "-"):
        try:
            release = _dated(code, data, structure, latest)
        except ValueError as error:
            problems.append(str(error))
    kind = line[_TYPE].strip().upper() or _TYPES[is_extraction(code)]
    parent: str | None = None
    if (named := line[_PARENT].strip()) not in ("", "-"):
        try:
            parent = check_code(named)
        except MalformedCode as error:
            problems.append(error.what)
    if not line.whole and (problems or kind not in _TYPES):
        raise ValueError("it has another number of cells than there are columns")
    for problem in problems:
        unknown_cells.add(f"line {line.number}", problem)
    return InventoryEntry(code, kind, parent, release)


def _dated(code: str, data: str, structure: str | None, latest: datetime | None) -> Release:
    """Raises ValueError for dates that are none, or later than `latest`: believed, they make every real release old."""
    release = Release.from_wire(data, structure)
    if latest and release.updated > latest:
        raise ValueError(f"{code} is dated {release.updated:%Y-%m-%d}, in the future")
    return release
