"""Which platforms run on this machine, and for which home a process was started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil


def home_of(process: psutil.Process) -> Path | None:
    """The mirror's home that a process was started for; None where it has none or this user may not know."""
    with contextlib.suppress(psutil.Error, OSError):
        home = process.environ().get("EUROSTAT_HOME")
        return Path(home) if home else None
    return None


def daemons() -> Iterator[psutil.Process]:
    """Every Dagster daemon that this user can see, without the forks of one, which have the same command line."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["cmdline", "ppid"]):
        words = process.info["cmdline"] or []
        if "run" in words and any(Path(word).name == "dagster-daemon" for word in words[:2]):
            found[process.pid] = process
    yield from (process for process in found.values() if process.info["ppid"] not in found)
