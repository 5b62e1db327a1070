"""The processes that one platform started, found by a mark in their environment and ended together.

A process inherits its environment from the one that started it, and keeps it when that one dies; so whoever was started
below the launcher is found here, however often it was forked or orphaned, on Linux and macOS alike. Here belong the mark,
finding who bears it and ending them; what is started, and when, is the launcher's.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "EUROSTAT_STARTED_AS"
SECONDS_TO_DIE = 10.0  # after SIGKILL; only a process in an uninterruptible call of the kernel takes longer


def mark(home: Path, name: str) -> dict[str, str]:
    """Return the environment variable that marks a process, and all it starts, as `name` of the platform in `home`."""
    return {MARK: f"{name}@{home}"}


def members(home: Path, name: str | None = None) -> dict[psutil.Process, str]:
    """Return the living processes of the platform in `home` with their names: all, or those started below `name`.

    Without this process itself, zombies, and processes of other users.
    """
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            started_as, at, place = process.environ().get(MARK, "").partition("@")
            if at and place == str(home) and name in (None, started_as) and process.pid != os.getpid():
                found[process] = started_as
    return found


def end(home: Path, name: str | None = None, *, grace: float) -> set[str]:
    """End these processes: SIGTERM, and SIGKILL for whatever is there after `grace` seconds. Returns the names of all seen.

    What they start meanwhile is ended as well.
    """
    seen: set[str] = set()
    asked: set[int] = set()
    began = time.monotonic()
    while (family := members(home, name)) and time.monotonic() < began + grace + SECONDS_TO_DIE:
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
