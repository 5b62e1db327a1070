"""Politeness shared by all processes of a machine: how many downloads at a time, how soon one request after
another.

State is nothing but locked files in a folder: the kernel drops the locks of a process that dies, so nothing
is ever to be cleaned up. Small requests (probes, feed, inventory) keep the pace but need no slot: the news
must not queue behind hours of downloads.
"""

import fcntl
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_LOOK_AGAIN = 0.1
"""Seconds; a slot lasts from seconds to hours."""


@dataclass(frozen=True, slots=True)
class Gate:
    """`parallel` downloads at a time and `pace` seconds between the starts of any two requests, for each
    host.

    All processes that use the same `folder`, which must be on a local disk, share it.
    """

    folder: Path
    parallel: int = 4
    pace: float = 0.0

    @contextmanager
    def passage(self, host: str, *, bulk: bool) -> Iterator[None]:
        """Waits for a slot, when `bulk`, then for one's turn; the slot is held until the end of the block."""
        here = self.folder / re.sub(r"[^a-z0-9.-]", "_", host.lower())
        here.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            if bulk:
                held.callback(os.close, self._slot(here))
            self._turn(here)
            yield

    def _slot(self, here: Path) -> int:
        """The descriptor of a locked file; closing it gives the slot back."""
        while True:
            # In random order, so that nobody waits in line behind one slow download.
            for number in random.sample(range(self.parallel), self.parallel):
                slot = os.open(here / f"slot-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(slot)
                else:
                    return slot
            time.sleep(_LOOK_AGAIN * random.uniform(0.5, 1.5))

    def _turn(self, here: Path) -> None:
        """Takes the next free moment for a request, and waits for it."""
        if not self.pace:
            return
        # Monotonic time is the same for all processes, but begins anew with the machine.
        with (here / "turn").open("a+") as turns:
            fcntl.flock(turns, fcntl.LOCK_EX)
            turns.seek(0)
            last = _moment(turns.read())
            now = time.monotonic()
            turn = max(now, last + self.pace) if last <= now + 3600 else now
            turns.truncate(0)
            turns.write(repr(turn))
        time.sleep(turn - now)


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
