"""Who listens where on this machine, and which platforms run on it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def owner(port: int) -> psutil.Process | None:
    """The process that listens on `port`; None where this user may not know, or it ended meanwhile."""
    with contextlib.suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
                return psutil.Process(one.pid)
    return None


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
