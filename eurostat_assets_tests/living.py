"""Whether a process lives: what tests that kill ask."""

import psutil


def lives(process: psutil.Process) -> bool:
    """Return whether a process runs; one that has ended and of which nobody has asked how does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended in between
        return False
