"""Child processes that end with the process that started them, however that one ends, and that end when they are told to.

Here belongs what a child does for this in its own process, the same for every program. Not here: starting and stopping
processes (processes.py), and what they do. Knows nothing else of this package, so that all of it may use it.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import wait

SECONDS_BETWEEN_LOOKS = 0.2
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def end_with_parent(parent: int | None = None, *, kill: bool = False, grace: float = 0) -> None:
    """End this process when its parent ends, even by `kill -9`. Call it first thing in the child; returns at once.

    `parent`: the expected parent's pid, for a child that was started by `subprocess`; a child of `multiprocessing` knows
    its own, which is the process that asked for it and not the fork server in between. `grace`: seconds between a TERM to
    this process, which lets it tidy up, and its end.

    With `kill`, Linux itself kills the child, also while it runs C code that lets no other thread work. Only where the
    *thread* that starts the child lives until the child has ended: the kernel watches that thread, not its process.
    """
    kernels_parent = os.getppid()
    if kill:
        _ask_kernel_for(signal.SIGKILL)
    threading.Thread(target=_end_after, args=(parent, grace), name="end with parent", daemon=True).start()
    if os.getppid() != kernels_parent:  # it ended before the kernel was asked
        os._exit(1)


def end_without_threads(parent: int) -> None:
    """The same for the fork server of `multiprocessing`, in which a thread would be broken in every fork.

    Outside Linux nothing but the signal is changed: there, the fork server ends by itself, after its last fork and once it
    has imported what it preloads. TERM, which a terminal or `timeout` sends to the whole group, is no reason for it to
    end: its forks are stopped one by one, by the process that asked for them.
    """
    signal.signal(signal.SIGTERM, lambda *_: _end_unless(parent))
    _ask_kernel_for(signal.SIGTERM)
    _end_unless(parent)


def end_soon_after_interrupt(seconds: float) -> None:
    """From now on, INT and TERM end this process within `seconds`, should their handlers not have done so by then.

    For the main thread. A handler written in Python has to wait while the main thread is in C code, such as a statement
    on a database that does not answer; this does not wait for it.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    threading.Thread(
        target=_end_after_signal, args=(read, seconds), name="end after interrupt", daemon=True
    ).start()


def _end_after(parent: int | None, grace: float) -> None:
    started_by = multiprocessing.parent_process()
    if parent is None and started_by is not None:
        wait([started_by.sentinel])
    else:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
    if grace:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
    os._exit(1)


def _end_unless(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def _end_after_signal(read: int, seconds: float) -> None:
    while (number := os.read(read, 1)[0]) not in (signal.SIGINT, signal.SIGTERM):
        pass
    time.sleep(seconds)
    os._exit(128 + number)


def _ask_kernel_for(number: signal.Signals) -> None:
    """Let Linux send this signal to this process when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
