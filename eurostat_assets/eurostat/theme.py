"""The part of Eurostat's catalogue that a deployment mirrors: a pure choice from contents and inventory.

What exists is decided by the inventory and the table of contents together, so that a broken line in one does
not look like a withdrawal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from eurostat_assets.eurostat.codes import check_code, is_extraction
from eurostat_assets.eurostat.errors import EmptyTheme
from eurostat_assets.eurostat.inventory import InventoryEntry
from eurostat_assets.eurostat.release import Release
from eurostat_assets.eurostat.toc import TocEntry


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What is known of a dataset before it is downloaded.

    `folders`: every place in the table of contents as a path of folder codes (`data/popul/hlth/hlth_state`).
    `release` is None where the inventory does not list the dataset; `values` counts observations.
    """

    code: str
    title: str
    type: str
    release: Release | None
    period_start: str | None
    period_end: str | None
    values: int | None
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Theme:
    """Datasets whose code matches `pattern`, those under the folder `subtree`, and `include`; never
    `exclude`.

    pattern   text that the code contains (`HLTH`), or a glob when it has `*` or `?` (`HLTH_CD_*`); empty
              matches none.
    subtree   code of a folder (`hlth`), or the path of one of its places (`data/popul/hlth`).
    include   codes wanted in any case; the only way to mirror a predefined extraction (`…$…`).
    """

    pattern: str = "HLTH"
    subtree: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def select(
        self, toc: Sequence[TocEntry], inventory: Mapping[str, InventoryEntry]
    ) -> list[CatalogueEntry]:
        """The theme's datasets, sorted by code.

        Raises EmptyTheme when nothing is left or the subtree is not there (a truncated table of contents is
        no reason to withdraw everything), MalformedCode for an include or exclude that is none.
        """
        exclude = {check_code(code) for code in self.exclude}
        placed: dict[str, list[TocEntry]] = {}
        for row in toc:
            if row.type != "folder":
                placed.setdefault(row.code, []).append(row)
        offered = {*placed, *inventory}
        wanted = {code for code in offered if self.matches(code)} | (self._under_subtree(toc) - exclude)
        if not wanted:
            raise EmptyTheme(f"the theme {self} selects none of {len(offered)} datasets")
        return [_entry(code, placed.get(code, []), inventory.get(code)) for code in sorted(wanted)]

    def matches(self, code: str) -> bool:
        """Whether `code`, in upper case, belongs to the theme by itself: pattern, include and exclude.

        The subtree is not asked: only the table of contents knows it. Raises MalformedCode.
        """
        if code in {check_code(each) for each in self.exclude}:
            return False
        return self._fits_pattern(code) or code in {check_code(each) for each in self.include}

    def _fits_pattern(self, code: str) -> bool:
        pattern = self.pattern.strip().upper()
        if is_extraction(code):
            return False
        if "*" in pattern or "?" in pattern:
            return fnmatchcase(code, pattern)
        return bool(pattern) and pattern in code

    def _under_subtree(self, toc: Sequence[TocEntry]) -> set[str]:
        if not self.subtree:
            return set()
        branch = tuple(self.subtree.strip("/ ").lower().split("/"))
        leaves = (row for row in toc if row.type != "folder" and not is_extraction(row.code))
        codes = {row.code for row in leaves if _lies_under(row.folders, branch)}
        if not codes:
            raise EmptyTheme(f"the table of contents has no dataset under the folder {self.subtree!r}")
        return codes


def _lies_under(folders: tuple[str, ...], branch: tuple[str, ...]) -> bool:
    path = tuple(folder.lower() for folder in folders)
    return branch[0] in path if len(branch) == 1 else path[: len(branch)] == branch


def _entry(code: str, rows: list[TocEntry], listed: InventoryEntry | None) -> CatalogueEntry:
    row = rows[0] if rows else None
    return CatalogueEntry(
        code=code,
        title=next((row.title for row in rows if row.title), code),
        type=row.type if row else (listed.type.lower() if listed else "dataset"),
        release=listed.release if listed else None,
        period_start=row.data_start if row else None,
        period_end=row.data_end if row else None,
        values=row.values if row else None,
        folders=tuple(dict.fromkeys("/".join(row.folders) for row in rows)),
    )
