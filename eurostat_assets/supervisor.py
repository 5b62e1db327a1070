"""Keeping processes alive: a thread that notices the death of each, says so, and starts it again with back-off.

Here belong when to start again and when to give up; what is started, and where, is the launcher's.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from eurostat_assets import process_tree
from eurostat_assets.postgres import EmbeddedPostgres, PostgresError

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
STEADY = 180.0  # seconds of life after which earlier deaths are forgotten
TRIES_AT_FIRST = 5
LEFTOVER_GRACE = 1.5
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_STOP = 3.0


class Supervised(Protocol):
    """Something that ought to be running."""

    name: str
    log: Path

    def start(self) -> None:
        """Start it; raises OSError or PostgresError."""
        ...

    def alive(self) -> bool:
        """Return whether it runs."""
        ...

    def reap(self) -> None:
        """Take note of its end, which somebody else has brought about."""
        ...

    def ending(self) -> str:
        """Return how it ended, in a few words."""
        ...


class Child:
    """A program of the platform, with its own log file."""

    def __init__(
        self, name: str, command: Sequence[str], *, home: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = home / "logs" / f"{name}.log"
        self._command = list(command)
        self._home = home
        self._environment = {**environment, **process_tree.mark(home, name)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None before the first start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the program; its output is appended to the log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is the launcher's, which stops them together
            )

    def alive(self) -> bool:
        """Return whether the program runs. Once it has ended, so has everything that it started."""
        if self._process is None:
            return False
        if self._process.poll() is None:
            return True
        process_tree.end(self._home, self.name, grace=LEFTOVER_GRACE)
        return False

    def reap(self) -> None:
        """Let the system forget the ended process."""
        if self._process:
            self._process.wait()

    def ending(self) -> str:
        """Return its exit code or the signal that ended it."""
        code = self._process.returncode if self._process else None
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


class Database:
    """The embedded PostgreSQL server, which keeps its port from one start to the next."""

    name = "PostgreSQL"

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server.variant(port=server.status().port)
        self.log = self._server.log

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        self._server.start()

    def alive(self) -> bool:
        """Return whether the server accepts connections."""
        return self._server.status().running

    def reap(self) -> None:
        """The server is no child of this process."""

    def ending(self) -> str:
        """Return a pointer to its log, which knows."""
        return "it accepts no connections"


def deaths_in_a_row(before: int, lived: float) -> int:
    """Return the new count after one more death; `lived`: seconds since the last start."""
    return 1 if lived > STEADY else before + 1


def back_off(deaths: int) -> float:
    """Return the seconds to wait before the next start: 1, 2, 4 … 60."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** (deaths - 1))


@dataclass
class _Record:
    """What the supervisor knows about one of its children."""

    child: Supervised
    started: float
    deaths: int = 0
    due: float | None = None  # when it is started again; None while it lives


class Supervisor:
    """Keeps what it was given alive, in a thread of its own, until `stop`."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._records: list[_Record] = []
        self._looks: list[Callable[[], None]] = []
        self._tell = tell
        self._stopping = threading.Event()
        self._given_up: str | None = None
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()
        self.patient = False
        """Set once the platform has been up: from then on no death is final."""

    def add(self, child: Supervised) -> None:
        """Start the child, unless it runs, and watch it from now on. Raises what its `start` does."""
        if not child.alive():
            child.start()
        self._records.append(_Record(child, started=time.monotonic()))

    def also(self, look: Callable[[], None]) -> None:
        """Call `look` whenever it is looked whether all is alive."""
        self._looks.append(look)

    def stop(self) -> None:
        """Start nothing any more."""
        self._stopping.set()
        self._thread.join(
            SECONDS_TO_STOP
        )  # longer only while PostgreSQL starts, which its own lock takes care of

    def reap(self) -> None:
        """Take note of the end of all, once the guardian has ended them."""
        for record in self._records:
            record.child.reap()

    def given_up(self) -> str | None:
        """Return why the platform cannot come up; None while all is well or being mended."""
        return self._given_up

    def _watch(self) -> None:
        while not self._stopping.wait(SECONDS_BETWEEN_LOOKS):
            for record in list(self._records):
                self._look_after(record)
            for look in list(self._looks):
                look()

    def _look_after(self, record: _Record) -> None:
        child, now = record.child, time.monotonic()
        if record.due is None and not child.alive():
            self._note_death(record, f"{child.name} has ended ({child.ending()})")
        elif record.due is not None and now >= record.due and not self._stopping.is_set():
            record.due, record.started = None, now
            try:
                child.start()
            except (OSError, PostgresError) as error:
                self._note_death(record, f"{child.name} could not be started: {error}")
            else:
                self._tell(f"{child.name} was started again.")

    def _note_death(self, record: _Record, what: str) -> None:
        now = time.monotonic()
        record.deaths = deaths_in_a_row(record.deaths, now - record.started)
        wait = back_off(record.deaths)
        record.due = now + wait
        self._tell(f"{what}; it is started again in {wait:.0f} s. Its log is {record.child.log}.")
        if record.deaths >= TRIES_AT_FIRST and not self.patient:
            self._given_up = (
                f"{what}, for the {record.deaths}th time; the platform cannot come up. "
                f"The reason is at the end of {record.child.log}."
            )
