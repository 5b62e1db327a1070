"""Whether a cluster's server lives: its pid file and the process table, together. Nothing is started here."""

import contextlib
import signal
from dataclasses import dataclass
from pathlib import Path

from eurostat_assets.postgres.errors import EmbeddedServerError

PID_FILE = "postmaster.pid"
SECONDS_TO_NOTICE = 2.0
"""For a process whose postmaster was killed: it ends as soon as it waits for anything but a lock."""


@dataclass(frozen=True)
class Postmaster:
    """A living server process; it accepts connections on `port` when it is `ready`."""

    pid: int
    port: int
    ready: bool


def postmaster_of(data: Path) -> Postmaster | None:
    """The server process of the cluster in `data`.

    A zombie is none, nor is a pid that is now another program's, as after a container's restart. Raises
    EmbeddedServerError where the cluster is another user's.
    """
    import psutil

    try:
        lines = (data / PID_FILE).read_text().splitlines()
        # A server that lets nobody in (standalone.py) writes its number as a negative one.
        pid, port = abs(int(lines[0])), int(lines[3])
        state = lines[7].strip() if len(lines) > 7 else ""
        if str(data) not in psutil.Process(pid).cmdline():
            return None
    except PermissionError as error:
        raise EmbeddedServerError(
            f"{data} belongs to another user: run this as that user (or as root), or choose another home folder"
        ) from error
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError, psutil.Error):
        return None
    return Postmaster(pid, port, state == "ready")


def forget_dead_postmaster(data: Path) -> None:
    """Remove the pid file of a server that is no more: the next one would not start beside it."""
    if postmaster_of(data) is None:
        (data / PID_FILE).unlink(missing_ok=True)


def processes_in(data: Path) -> list[int]:
    """The processes that work in the cluster's folder: those of its server, also when their postmaster was killed."""
    import psutil

    found = psutil.process_iter(["pid", "cwd"])
    return [process.info["pid"] for process in found if process.info["cwd"] == str(data)]


def end_lost_postmaster(data: Path, seconds: float) -> bool:
    """End a server of this cluster whose pid file is gone; False where there is none.

    Nothing but that file keeps a second server from the same data. Its shutdown is cut short after so many `seconds`:
    nothing that was committed is lost, and the next start recovers.
    """
    import psutil

    if postmaster_of(data):
        return False
    family = processes_in(data)
    for pid in family:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            process = psutil.Process(pid)
            if process.ppid() in family or str(data) not in process.cmdline():
                continue  # one of a server's children, or somebody who looks into the folder
            process.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                process.wait(seconds)
            except psutil.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)  # an immediate one
                process.wait(seconds)
            return True
    return False


def end_orphaned_children(data: Path) -> None:
    """End the processes of a server whose postmaster was killed and that do not end by themselves; the next start recovers.

    One that waits for a light-weight lock, which the server has only in memory, waits for ever when whoever held it was
    killed as well. No server starts as long as it is there.
    """
    import psutil

    if postmaster_of(data):
        return
    orphans = []
    for pid in processes_in(data):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if "".join(process.cmdline()).startswith("postgres:"):  # as a postmaster's child calls itself
                orphans.append(process)
    _, alive = psutil.wait_procs(orphans, SECONDS_TO_NOTICE)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, SECONDS_TO_NOTICE)
