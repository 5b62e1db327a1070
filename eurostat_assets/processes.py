"""One launcher at a time in a home: its lock, who holds it, and ending what an earlier one left behind.

Here belongs what would be the same for any program; what is started, and in which order, is the launcher's.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from eurostat_assets import process_tree

REGISTER = "processes.json"
SECONDS_TO_STOP = 20.0  # a launcher that was asked to stop; it needs 10 at most
SECONDS_TO_TIDY = 15.0  # a guardian whose launcher has died; it needs 5
GRACE = 6.0


class AlreadyRunning(Exception):
    """Another launcher of this home is at work."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"The platform of {home} is running already. Stop it with Ctrl-C where it runs, or `eurostat-assets down`."
        )


def check_alone(home: Path) -> None:
    """Raise `AlreadyRunning` where another launcher of this home lives."""
    other = launcher_of(home)
    if other and other.pid != os.getpid():
        raise AlreadyRunning(home)


@contextmanager
def only_one(home: Path) -> Iterator[IO[str]]:
    """Hold the home's lock: two daemons on one Dagster instance cancel each other's runs.

    A guardian that is still ending what a dead launcher started is waited for. Raises `AlreadyRunning`.
    """
    with (home / REGISTER).open("a+") as register:
        give_up = time.monotonic() + SECONDS_TO_TIDY
        while not _locked(register):
            if launcher_of(home) or time.monotonic() > give_up:
                raise AlreadyRunning(home)
            time.sleep(0.2)
        check_alone(home)  # who locked a file that is no more
        yield register


def write_down(register: IO[str], *, owns_database: bool) -> None:
    """Write down that this process is the home's launcher, and whether the database server is its own to stop."""
    register.seek(0)
    register.truncate()
    entry = {"pid": os.getpid(), "started": psutil.Process().create_time(), "owns_database": owns_database}
    json.dump(entry, register)
    register.flush()


def write_ended(home: Path) -> None:
    """Write down that the last launcher's platform has ended whole; into the same file, whose lock may be held.

    Where it cannot be written, on a full disk, the next launcher looks for what is left and finds nothing.
    """
    with suppress(OSError):
        (home / REGISTER).write_text("{}")


def launcher_of(home: Path) -> psutil.Process | None:
    """Return the living launcher of a home, by the register or by what it started; None where there is none."""
    entry = _entry(home)
    with suppress(KeyError, TypeError, ValueError, OSError, psutil.Error):
        process = process_tree.living(int(entry["pid"]), float(entry["started"]), home)
        # Whose the file is decides whose process it may name: root may work in a folder of somebody else.
        if process and process.uids().real == (home / REGISTER).stat().st_uid:
            return process
    return process_tree.launcher_of(home)


def owned_database(home: Path) -> bool:
    """Return whether a launcher of this home started its database server, and neither it nor its guardian stopped it."""
    return bool(_entry(home).get("owns_database"))


def stop_leftovers(home: Path) -> set[str]:
    """Stop another launcher of this home, and all that one started and could not stop itself; returns their names."""
    names = set()
    launcher = launcher_of(home)
    if launcher and launcher.pid != os.getpid():
        names.add("the launcher")
        with suppress(psutil.NoSuchProcess):
            launcher.terminate()
        _, alive = psutil.wait_procs([launcher], timeout=SECONDS_TO_STOP)
        for process in alive:
            process.kill()
    return names | process_tree.end(home, grace=GRACE, spare_own=True)


def _entry(home: Path) -> dict:
    """What the last launcher wrote down; empty where that is lost, cannot be read, or is of an earlier version."""
    with suppress(OSError, ValueError):
        entry = json.loads((home / REGISTER).read_text())
        return entry if isinstance(entry, dict) else {}
    return {}


def _locked(register: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(register, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
