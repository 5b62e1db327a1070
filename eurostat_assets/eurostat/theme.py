"""The part of Eurostat's catalogue that a deployment mirrors: a pure choice from contents and inventory.

What exists is decided by the inventory and the table of contents together, so that a broken line in one does
not look like a withdrawal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from eurostat_assets.eurostat.codes import check_code, is_extraction
from eurostat_assets.eurostat.errors import EmptyTheme
from eurostat_assets.eurostat.inventory import InventoryEntry
from eurostat_assets.eurostat.release import Release
from eurostat_assets.eurostat.toc import Toc, TocEntry


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What is known of a dataset before it is downloaded.

    `folders`: every known place in the table of contents as a path of folder codes (`data/popul/hlth/hlth_state`). `title`
    is the code where the table of contents has none.
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
        self,
        toc: Toc,
        inventory: Mapping[str, InventoryEntry],
        recorded: Mapping[str, Sequence[str]] | None = None,
    ) -> list[CatalogueEntry]:
        """Return the theme's datasets, sorted by code.

        `recorded`: the folders last known of datasets, as in `CatalogueEntry`. They are kept for a dataset that the table
        of contents does not place: in a row below a folder that could not be read, or nowhere while lines are broken.

        Raises EmptyTheme when nothing is left or the subtree is not there (a truncated table of contents is
        no reason to withdraw everything), MalformedCode for an include or exclude that is none.
        """
        exclude = {check_code(code) for code in self.exclude}
        rows: dict[str, list[TocEntry]] = {}
        for row in toc:
            if row.type != "folder":
                rows.setdefault(row.code, []).append(row)
        offered = {*rows, *inventory}
        whole = not toc.broken_lines
        folders = {
            code: _folders(rows.get(code, ()), whole, (recorded or {}).get(code, ())) for code in offered
        }
        wanted = {code for code in offered if self.matches(code)}
        if self.subtree:
            wanted |= self._under_subtree(rows, folders) - exclude
        if not wanted:
            raise EmptyTheme(f"the theme {self} selects none of {len(offered)} datasets")
        return [
            _entry(code, rows.get(code, []), inventory.get(code), folders[code]) for code in sorted(wanted)
        ]

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

    def _under_subtree(
        self, rows: Mapping[str, Sequence[TocEntry]], folders: Mapping[str, Sequence[str]]
    ) -> set[str]:
        """Datasets that lie under the subtree for certain, by a row or by what was recorded."""
        branch = tuple((self.subtree or "").strip("/ ").lower().split("/"))
        codes = {
            code
            for code, known in folders.items()
            if not is_extraction(code)
            and (
                any(_lies_under(tuple(path.split("/")), branch) for path in known)
                or any(_lies_under(row.folders, branch) for row in rows.get(code, ()))
            )
        }
        if not codes:
            raise EmptyTheme(f"the table of contents has no dataset under the folder {self.subtree!r}")
        return codes


def _lies_under(folders: tuple[str, ...], branch: tuple[str, ...]) -> bool:
    path = tuple(folder.lower() for folder in folders)
    return branch[0] in path if len(branch) == 1 else path[: len(branch)] == branch


def _folders(rows: Sequence[TocEntry], whole: bool, recorded: Sequence[str]) -> tuple[str, ...]:
    """Every known place once. `whole`: the table of contents has no broken line, so where it has no row there is none."""
    known = ["/".join(row.folders) for row in rows if row.placed]
    certain = len(known) == len(rows) and (whole or rows)
    return tuple(dict.fromkeys(known if certain else [*known, *recorded]))


def _newest_first(rows: Sequence[TocEntry]) -> list[TocEntry]:
    """The rows of a dataset, which all say the same when they are of the same day."""
    return sorted(
        rows,
        key=lambda row: (row.last_data_change or date.min, row.last_structure_change or date.min),
        reverse=True,
    )


def _entry(
    code: str, rows: Sequence[TocEntry], listed: InventoryEntry | None, folders: tuple[str, ...]
) -> CatalogueEntry:
    rows = _newest_first(rows)
    row = rows[0] if rows else None
    return CatalogueEntry(
        code=code,
        title=next((row.title for row in rows if row.title), code),
        type=row.type if row else (listed.type.lower() if listed else "dataset"),
        release=listed.release if listed else None,
        period_start=row.data_start if row else None,
        period_end=row.data_end if row else None,
        values=row.values if row else None,
        folders=folders,
    )
