"""A process that is killed in the midst of its work: after so many steps, or after so many seconds.

A step is a call of a Python or C function in the process' main thread. Counting steps reaches the moments that are too short
for a clock, such as between the last statement of a transaction and its commit, and reaches them again with the same seed.
The clock reaches what happens within one step, while the server is at work.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from eurostat_assets.postgres import PostgresError

Task = Callable[[], object]
FINISHED, REFUSED, RAISED = 0, 3, 4
"""Exit codes: it did its work; it gave up with an error that tells what to do; it raised something else."""


@dataclass(frozen=True)
class Rehearsal:
    """A task that was let live: how long it took, and where each of its steps was."""

    seconds: float
    places: list[str]


@dataclass(frozen=True)
class Ending:
    """How a victim ended: its exit code, or minus the signal; `place`: where it was struck."""

    code: int
    place: str

    @property
    def killed(self) -> bool:
        return self.code < 0


def rehearse(task: Task) -> Rehearsal:
    """Do the task in this process and count its steps."""
    places: list[str] = []
    started = time.monotonic()
    sys.setprofile(
        lambda frame, event, arg: places.append(_place(frame, event, arg)) if "call" in event else None
    )
    try:
        task()
    finally:
        sys.setprofile(None)
    return Rehearsal(time.monotonic() - started, places)


def strike(task: Task, rehearsed: Rehearsal, chance: random.Random, said: Path) -> Ending:
    """Do the task in a fork of this process and kill it, with all that it started; what it says goes to the file `said`."""
    steps = chance.randrange(len(rehearsed.places)) if chance.random() < 0.5 else None
    seconds = chance.uniform(0, 1.1 * rehearsed.seconds)
    victim = start(task, said, steps)
    if steps is None:
        place = f"after {seconds / rehearsed.seconds // 0.25 * 25:.0f} % of its time"
        time.sleep(seconds)
        _kill_group(victim)
    else:
        place = rehearsed.places[steps]
    return Ending(wait(victim), place)


def start(task: Task, said: Path, steps: int | None = None) -> int:
    """Fork a process, the leader of its own group, that does the task; with `steps` it kills itself after so many."""
    victim = os.fork()
    if victim:
        return victim
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what the series does then is not meant for it
        sys.stdout = sys.stderr = said.open("a")
        os.dup2(sys.stderr.fileno(), 1)
        os.dup2(sys.stderr.fileno(), 2)
        if steps is not None:
            _die_after(steps)
        task()
        sys.setprofile(None)
        os._exit(FINISHED)
    except PostgresError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(REFUSED)
    except BaseException:  # noqa: BLE001 (whatever it is, it is told, and ends here)
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(RAISED)


def wait(victim: int) -> int:
    """Wait for its end; returns the exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])


def _die_after(steps: int) -> None:
    left = steps

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal left
        left -= "call" in event
        if left < 0:
            os.killpg(0, signal.SIGKILL)

    sys.setprofile(count)


def _kill_group(victim: int) -> None:
    try:
        os.killpg(victim, signal.SIGKILL)
    except ProcessLookupError:  # it has not come as far as to be a group of its own
        os.kill(victim, signal.SIGKILL)


def _place(frame: FrameType, event: str, arg: object) -> str:
    """Where a step is: the innermost module of the project, and the call of the database driver if it is one."""
    name = getattr(arg, "__name__", "") if event == "c_call" else ""
    looked: FrameType | None = frame
    while looked and not looked.f_globals.get("__name__", "").startswith("eurostat_assets."):
        looked = looked.f_back
    module = looked.f_globals["__name__"].rpartition(".")[2] if looked else "elsewhere"
    return f"commit in {module}" if name == "commit" else module
