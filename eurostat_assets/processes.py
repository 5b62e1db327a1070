"""Processes and their traces: who was started from a home, stopping them with all their children, one launcher at a time.

Here belongs what would be the same for any program; what is started, and in which order, is the launcher's.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil


class AlreadyRunning(Exception):
    """Another launcher of this home is at work."""


@contextmanager
def only_one(home: Path) -> Iterator[IO[str]]:
    """Hold the home's lock: two daemons on one Dagster instance cancel each other's runs."""
    with (home / "processes.json").open("a+") as register:
        try:
            fcntl.flock(register, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"The platform of {home} is running already. Stop it with Ctrl-C where it runs, or `eurostat-assets down`."
            ) from None
        yield register


def write_down(register: IO[str], processes: list[subprocess.Popen[bytes]]) -> None:
    """Write down who was started, so that a later start can stop them should this process be killed."""
    who = [{"pid": p.pid, "started": psutil.Process(p.pid).create_time()} for p in processes]
    who.append({"pid": os.getpid(), "started": psutil.Process().create_time()})
    register.seek(0)
    register.truncate()
    json.dump(who, register)
    register.flush()


def stop_leftovers(home: Path) -> list[str]:
    """Stop what an earlier launcher of this home started and could not stop itself; returns the processes' names."""
    try:
        who = json.loads((home / "processes.json").read_text() or "[]")
    except FileNotFoundError:
        return []
    alive = []
    for entry in who:
        try:
            process = psutil.Process(entry["pid"])
            if process.create_time() == entry["started"] and process.pid != os.getpid():
                alive.append(process)
        except psutil.NoSuchProcess:
            continue
    names = [process.name() for process in alive]
    stop([process.pid for process in alive])
    return names


def stop(pids: list[int]) -> None:
    """Ask the processes and all their children to end; kill what has not after some seconds."""
    family: list[psutil.Process] = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            family += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    for process in family[:]:
        try:
            process.send_signal(signal.SIGTERM)
        except psutil.NoSuchProcess:
            family.remove(process)
    _, stubborn = psutil.wait_procs(family, timeout=8)
    for process in stubborn:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(stubborn, timeout=5)
