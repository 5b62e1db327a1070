"""What belongs nowhere: tables without a dataset, releases nobody refers to, files of no dataset; and lost raw files.

Pure: it is told what there is. Nothing is ever removed here; each finding says what a person may do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from eurostat_assets.audit.findings import Finding


class Relations(Protocol):
    """The tables of both schemas, by name, with their sizes in bytes.

    `tables`: in schema eurostat, but for the mirror's own books; `releases`: in schema eurostat_releases; `referred`: those
    of them that a dataset's table or the books refer to.
    """

    @property
    def tables(self) -> Mapping[str, int]: ...
    @property
    def releases(self) -> Mapping[str, int]: ...
    @property
    def referred(self) -> Collection[str]: ...


@dataclass(frozen=True)
class Shelf:
    """The codes under which the store has a folder of files of one sort: `raw` or `observations`."""

    sort: str
    codes: Collection[str]


def strangers(
    relations: Relations, shelves: Sequence[Shelf], known: Collection[str], published: Collection[str]
) -> Iterator[Finding]:
    """Findings about whatever is there without one of the `known` dataset codes, or missing though `published`."""
    known_tables = {code.lower() for code in known}
    for name, size in sorted(relations.tables.items()):
        if name not in known_tables:
            yield Finding(
                f"eurostat.{name}",
                "stranger_table",
                f"The table eurostat.{name} ({size:,} bytes) is no dataset of this mirror: move it to another schema, or"
                " drop it.",
                {"bytes": size},
            )
    for name, size in sorted(relations.releases.items()):
        if name not in relations.referred:
            yield Finding(
                f"eurostat_releases.{name}",
                "forgotten_release",
                f"Nobody refers to the table eurostat_releases.{name} ({size:,} bytes), left by a publication that did not"
                " end: drop it.",
                {"bytes": size},
            )
    for shelf in shelves:
        for code in sorted(set(shelf.codes) - set(known)):
            folder = f"{shelf.sort}/dataset={code}"
            yield Finding(
                folder,
                "stranger_files",
                f"The store's folder {folder} is of no dataset of this mirror: delete it.",
            )
        if shelf.sort == "raw":
            for code in sorted(set(published) - set(shelf.codes)):
                yield Finding(
                    code,
                    "raw_missing",
                    f"{code}: the raw file it was read from is gone; `eurostat-assets sync {code} --force` downloads it"
                    " again.",
                )
