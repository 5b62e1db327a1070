"""The processes that one platform started, found by a mark in their environment and ended together.

A process inherits its environment from the one that started it, and keeps it when that one dies; so whoever was started
below the launcher is found here, however often it was forked or orphaned, on Linux and macOS alike, and the launcher by
what it started. No file is needed for it. Here belong the mark, finding who bears it and ending them; what is started, and
when, is the launcher's.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "EUROSTAT_STARTED_AS"
LAUNCHER = "EUROSTAT_STARTED_BY"
SECONDS_TO_DIE = 10.0  # after SIGKILL; only a process in an uninterruptible call of the kernel takes longer
SAME_START = 2.0  # seconds by which two readings of when a process started may differ


def mark(home: Path, name: str) -> dict[str, str]:
    """Return the variables that mark a process, and all it starts, as `name` of this process' platform in `home`."""
    return {MARK: f"{name}@{home}", LAUNCHER: f"{os.getpid()}@{psutil.Process().create_time()}"}


def members(home: Path, name: str | None = None, *, spare_own: bool = False) -> dict[psutil.Process, str]:
    """Return the living processes of the platform in `home` with their names: all, or those started below `name`.

    Without this process itself, with `spare_own` without those it started, zombies, and processes of other users: root
    sees the environments of all, and anybody may write into his own that he belongs here.
    """
    found, users, own = {}, _users(home), mark(home, "")[LAUNCHER]
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.uids().real not in users:
                continue
            variables = process.environ()
            started_as, at, place = variables.get(MARK, "").partition("@")
            if (
                not at
                or process.pid == os.getpid()
                or name not in (None, started_as)
                or not _same(place, home)
            ):
                continue
            if spare_own and variables.get(LAUNCHER) == own:
                continue
            found[process] = started_as
    return found


def launcher_of(home: Path) -> psutil.Process | None:
    """Return the living process that started members of the platform in `home`; None where there is none."""
    for process in members(home):
        with suppress(psutil.Error, OSError, ValueError):
            pid, _, started = process.environ().get(LAUNCHER, "").partition("@")
            launcher = living(int(pid), float(started), home)
            # Nobody may name a process of somebody else.
            if launcher and launcher.uids().real == process.uids().real:
                return launcher
    return None


def living(pid: int, started: float, home: Path) -> psutil.Process | None:
    """Return the process with this id that started at that time, in seconds since 1970; None where it is no more, or is
    another user's than ours and the owner's of `home`."""
    with suppress(psutil.Error, OverflowError):
        process = psutil.Process(pid)
        is_ours = process.uids().real in _users(home) and process.status() != psutil.STATUS_ZOMBIE
        if is_ours and abs(process.create_time() - started) < SAME_START:
            return process
    return None


def _users(home: Path) -> set[int]:
    """Return the users whose processes may belong to the platform in `home`: ourselves, and the owner of the folder."""
    users = {os.getuid()}
    with suppress(OSError):
        users.add(home.stat().st_uid)
    return users


def _same(place: str, home: Path) -> bool:
    """Return whether both name one folder, whatever links lead to it; it may be gone."""
    with suppress(OSError, ValueError):
        return place == str(home) or Path(place).samefile(home)
    return False


def end(home: Path, name: str | None = None, *, grace: float, spare_own: bool = False) -> set[str]:
    """End these processes: SIGTERM, and SIGKILL for whatever is there after `grace` seconds. Returns the names of all seen.

    What they start meanwhile is ended as well.
    """
    seen: set[str] = set()
    asked: set[int] = set()
    began = time.monotonic()
    while (
        family := members(home, name, spare_own=spare_own)
    ) and time.monotonic() < began + grace + SECONDS_TO_DIE:
        seen.update(family.values())
        late = time.monotonic() >= began + grace
        for process in family:
            with suppress(psutil.NoSuchProcess):
                if late:
                    process.kill()
                elif process.pid not in asked:
                    process.terminate()
            asked.add(process.pid)
        time.sleep(0.1)
    return seen
