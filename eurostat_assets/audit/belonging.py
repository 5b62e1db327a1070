"""What belongs nowhere: tables without a dataset, releases nobody refers to, files of no dataset; and lost raw files.

Pure: it is told what there is. Nothing is ever removed here; each finding says what a person may do. That is never to
drop a table: what a dead process left is removed by the next one, and whatever else is there may be somebody's only copy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from eurostat_assets.audit.findings import Finding


class Relations(Protocol):
    """The tables of both schemas, by name, with their sizes in bytes.

    `tables`: in schema eurostat, but for the mirror's own books; `releases`: in schema eurostat_releases; `referred`: those
    of them that a dataset's table, a bulk-loaded table or a record refers to; `removed_by`: what removes those that a dead
    process left, such as "publication of HLTH_CD_ARO". A table with a parent (inheritance, partition) is in none of them.
    """

    @property
    def tables(self) -> Mapping[str, int]: ...
    @property
    def releases(self) -> Mapping[str, int]: ...
    @property
    def referred(self) -> Collection[str]: ...
    @property
    def removed_by(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Shelf:
    """The codes under which the store has a folder of files of one sort: `raw` or `observations`."""

    sort: str
    codes: Collection[str]


class File(Protocol):
    """A file of the server by its path in the data folder, with its size."""

    @property
    def path(self) -> str: ...
    @property
    def bytes(self) -> int: ...


def orphaned(files: Sequence[File]) -> Iterator[Finding]:
    """One finding about all the `files` of the server's data folder that are of no relation."""
    if not files:
        return
    size = sum(file.bytes for file in files)
    yield Finding(
        "data folder",
        "orphaned_files",
        f"A crash of the database server left {len(files)} files ({size:,} bytes) of tables that were being made, such as"
        f" {files[0].path} in its data folder. They do no harm but for their size; whoever runs the server may delete them"
        " while it is stopped in good order. The embedded server removes them when it starts.",
        {"files": len(files), "bytes": size},
    )


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
                f"The table eurostat.{name} ({size:,} bytes) is no dataset of this mirror: move it to another schema.",
                {"bytes": size},
            )
    for name, size in sorted(relations.releases.items()):
        if name not in relations.referred:
            table = f"The table eurostat_releases.{name} ({size:,} bytes)"
            if name in relations.removed_by:
                story = f"{table} was left by a process that died: the next {relations.removed_by[name]} removes it."
            else:
                story = f"{table} is in no record of this mirror: if it is yours, move it to another schema."
            yield Finding(f"eurostat_releases.{name}", "forgotten_release", story, {"bytes": size})
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
