"""The inventory: every dataset Eurostat disseminates, with its two dates to the second, in one request.

`GET files/inventory?type=data` answers 5 MB of tab-separated UTF-8 with a header line; only the first five
columns are read here, the others are download addresses. Titles and folders are the table of contents'
business.
"""

from dataclasses import dataclass

from eurostat_assets.eurostat.codes import check_code
from eurostat_assets.eurostat.errors import MalformedCode, Unreadable
from eurostat_assets.eurostat.release import Release

_COLUMNS = ("Code", "Type", "Source dataset", "Last data change", "Last structural change")


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """`type` is DATASET or EXTRACTION as sent; `source_dataset` names an extraction's parent."""

    code: str
    type: str
    source_dataset: str | None
    release: Release


class Inventory(dict[str, InventoryEntry]):
    """Entries by upper-case code; `broken_lines` holds what could not be read, as `line 12: reason`."""

    def __init__(self, entries: dict[str, InventoryEntry], broken_lines: list[str]) -> None:
        super().__init__(entries)
        self.broken_lines = broken_lines


def parse_inventory(body: bytes) -> Inventory:
    """The whole inventory; a broken line is reported, the rest used. Raises Unreadable, also when none is
    left.
    """
    header, *lines = body.decode("utf-8-sig", errors="replace").split("\n")
    if tuple(name.strip().strip('"') for name in header.split("\t"))[: len(_COLUMNS)] != _COLUMNS:
        raise Unreadable(f"the inventory begins with {header[:80]!r} instead of its column names")
    entries: dict[str, InventoryEntry] = {}
    broken_lines: list[str] = []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            entry = _parse_line(line)
        except (MalformedCode, ValueError) as error:
            broken_lines.append(f"line {number}: {error}")
        else:
            entries[entry.code] = entry
    if not entries:
        raise Unreadable("the inventory holds no dataset at all")
    return Inventory(entries, broken_lines)


def _parse_line(line: str) -> InventoryEntry:
    fields = line.split("\t")
    if len(fields) < len(_COLUMNS):
        raise ValueError(f"only {len(fields)} columns")
    code, kind, parent, data, structure = (field.strip() for field in fields[: len(_COLUMNS)])
    return InventoryEntry(
        code=check_code(code),
        type=kind.upper(),
        source_dataset=None if parent in ("", "-") else parent.upper(),
        release=Release.from_wire(data, structure),
    )
