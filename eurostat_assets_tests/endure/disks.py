"""A disk that fills up and is freed again, while somebody loads; a disk of its own, which takes root and `mount`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2

from eurostat_assets import access
from eurostat_assets.postgres import PostgresError
from eurostat_assets_tests.endure.core import Core, core
from eurostat_assets_tests.endure.mirrors import CODES, Mirror, mirror
from eurostat_assets_tests.endure.releases import APPENDED, WATCHED
from eurostat_assets_tests.endure.rounds import NotHere, Round
from eurostat_assets_tests.endure.servers import Attempt, come_up, run_statement

MEGABYTES = 700
WAL = {"max_wal_size": "96MB", "min_wal_size": "32MB"}
"""So that the log of a round fits."""
PIECE = 1 << 20
SECONDS_UNTIL_FULL = 0.3


@contextmanager
def core_on_a_disk(current: Round) -> Iterator[Core]:
    """The world of a server, on a disk of its own."""
    with _disk(current) as folder, core(current, folder / "core", WAL) as world:
        yield world


@contextmanager
def mirror_on_a_disk(current: Round) -> Iterator[Mirror]:
    """The world of a mirror, on a disk of its own."""
    with _disk(current) as folder, mirror(current, folder / "mirror") as world:
        yield world


def disks(world: Core, kills: int) -> None:
    """Fill the disk of a server while somebody loads."""
    current, goal = world.round, world.round.done + kills
    chance, tables = current.chance, [table for table in WATCHED if table is not APPENDED]
    while current.done < goal:
        attempt = Attempt.of(world, chance.choice(tables))
        time.sleep(chance.uniform(0, SECONDS_UNTIL_FULL))
        filler = _fill(world.folder, leave=chance.choice((0, 0, chance.randrange(3 * PIECE))))
        with suppress(psycopg2.Error, PostgresError):
            if chance.random() < 0.5:
                run_statement(world.url(), "CHECKPOINT")
        time.sleep(chance.uniform(0, SECONDS_UNTIL_FULL))
        filler.unlink()
        come_up(world, "room on its disk")
        attempt.end(world, "its disk was full")
        current.count("while a loader was at work")


def disks_of_mirrors(world: Mirror, kills: int) -> None:
    """Fill the disk of a whole mirror during a `sync`."""
    current, goal = world.round, world.round.done + kills
    while current.done < goal:
        world.release(*CODES)
        begun = world.said.stat().st_size
        sync = world.start("sync", "--all")
        time.sleep(current.chance.uniform(0.5, 10))
        at_work, filler = sync.poll() is None, _fill(world.home, leave=0)
        if current.chance.random() < 0.5:
            world.end_of(sync)
        else:
            time.sleep(current.chance.uniform(1, 5))
        filler.unlink()
        world.end_of(sync)
        if "Traceback (most recent call last)" in (words := world.said.read_text(errors="replace")[begun:]):
            current.fault(f"`sync` showed a traceback on a full disk: {words[-2000:]}")
        world.run("db", "start")
        world.look(access.reader_url(world.settings), {})
        if at_work:
            current.count("during a sync")


@contextmanager
def _disk(current: Round) -> Iterator[Path]:
    """A small disk in memory. Raises NotHere where there can be none."""
    folder = current.folder / "disk"
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() or not shutil.which("mount"):
        raise NotHere("a disk of its own takes root and the program mount")
    if os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", folder], check=True)
    size = f"size={MEGABYTES}m,mode=0755"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", folder], capture_output=True).returncode:
        raise NotHere("this machine does not let root mount a disk")
    try:
        yield folder
    finally:
        if subprocess.run(["umount", folder], capture_output=True).returncode:
            current.fault("the disk is still in use after the round")
            subprocess.run(["umount", "--lazy", folder])


def _fill(folder: Path, leave: int) -> Path:
    """Leave no more than so many bytes free."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while (free := shutil.disk_usage(folder).free - leave) > 0:
            file.write(bytes(min(free, PIECE)))
    return path
