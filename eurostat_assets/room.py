"""Room on the disks: what the next load of a dataset needs, and whether that fits.

Here: the estimate, and the disks that this mirror writes to. Not here: what becomes of a load that does not fit
(fetching.py), the alarm (alarms/), and what the server keeps back for itself (postgres/ballast.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from eurostat_assets.postgres import DatasetState
from eurostat_assets.resources import embedded_server
from eurostat_assets.settings import Settings

BODY_PER_ROW = 5.0
PARQUET_PER_ROW = 4.0
TABLE_PER_ROW = 88.0
"""Bytes, of Eurostat's health theme when it was loaded last: bodies compressed, tables with their BRIN index."""
UNANNOUNCED_ROWS = 100_000
"""For a dataset of which Eurostat does not say how many observations it has."""
SMALL_DISK = 0.05
"""At most this share of a disk is kept free: else a small one would take nothing."""


@dataclass(frozen=True)
class Shortage:
    """Under `folder`, `needed` bytes would have to be free, the reserve included, and `free` are."""

    dataset: str
    folder: Path
    needed: int
    free: int

    def __str__(self) -> str:
        return (
            f"{self.dataset} waits for room: its load needs about {megabytes(self.needed)} with the reserve, and"
            f" {megabytes(self.free)} are free under {self.folder}; free some space there, and it is loaded by itself"
        )


def shortage(settings: Settings, state: DatasetState, others: Iterable[DatasetState] = ()) -> Shortage | None:
    """Return what is missing for the next load of a dataset beside those of `others` that have begun; None: it fits.

    The old body, file and table stay until the new ones have taken their place, so the new ones come on top of them.
    """
    needs: dict[int, tuple[Path, float]] = {}
    for one in (state, *others):
        for folder, size in _needed(settings, one):
            disk = folder.stat().st_dev
            first, sofar = needs.get(disk, (folder, 0.0))
            needs[disk] = (first, sofar + size)
    for folder, size in needs.values():
        usage = shutil.disk_usage(folder)
        needed = int(size + reserve(settings, usage.total))
        if usage.free < needed:
            return Shortage(state.dataset, folder, needed, usage.free)
    return None


def reserve(settings: Settings, total: int) -> float:
    """Return the bytes that loads leave free on a disk of `total` bytes."""
    return min(settings.disk_reserve * 1e9, total * SMALL_DISK)


def for_tables(settings: Settings) -> int | None:
    """Return the bytes that tables may take beside the reserve; None for a server of the user's own."""
    server = embedded_server(settings)
    if server is None:
        return None
    usage = shutil.disk_usage(_there(server.data))
    return int(usage.free - reserve(settings, usage.total))


def folders(settings: Settings) -> Iterator[Path]:
    """The folders on this machine that the mirror writes to, if they are there: home, embedded database, store."""
    server = embedded_server(settings)
    for folder in (settings.home, *([server.data] if server else []), *_local_store(settings)):
        if folder.exists():
            yield folder


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB" if size < 1e10 else f"{size / 1e9:,.0f} GB"


def _needed(settings: Settings, state: DatasetState) -> Iterator[tuple[Path, float]]:
    """What the next load of a dataset writes, in bytes, and where; each folder exists."""
    known, coming = state.rows or 0, state.offered_rows or state.rows or UNANNOUNCED_ROWS
    grown = coming / known if known else 1.0

    def size(last: int | None, per_row: float) -> float:
        return last * grown if last and known else coming * per_row

    body, parquet = size(state.source_bytes, BODY_PER_ROW), coming * PARQUET_PER_ROW
    made = _there(settings.scratch)
    yield made, body + parquet
    # On another disk, both are copied there before they are removed here.
    yield from (
        (kept, body + parquet) for kept in map(_there, _local_store(settings)) if not _same_disk(made, kept)
    )
    if server := embedded_server(settings):
        yield _there(server.data), size(state.bytes, TABLE_PER_ROW)


def _local_store(settings: Settings) -> list[Path]:
    return [] if "://" in settings.store else [Path(settings.store)]


def _there(folder: Path) -> Path:
    """The folder, or the one above it that exists: it will be made there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev
