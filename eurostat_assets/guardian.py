"""The process that ends a platform, whatever happens to its launcher: `python -m eurostat_assets.guardian HOME`.

Its standard input is a pipe that the launcher holds. When that is closed, by the launcher or by the launcher's death, the
guardian ends all processes of the platform and the PostgreSQL server that the launcher started, and then itself. The
home's lock is passed on to it, so that nobody starts a second platform before it is done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from eurostat_assets import process_tree
from eurostat_assets.postgres import EmbeddedPostgres
from eurostat_assets.processes import write_ended

ORDERLY_GRACE = 6.0  # seconds between SIGTERM and SIGKILL when the launcher stops the platform
ABRUPT_GRACE = 1.5  # when the launcher has died
ORDERLY_SHUTDOWN = 60.0  # seconds for the shutdown checkpoint of PostgreSQL, which on a full disk never ends
ABRUPT_SHUTDOWN = 2.0  # when the launcher has died
SECONDS_TO_APPEAR = 2.0  # for a server whose starter was killed in the midst of it
OURS = "postgres"  # what the launcher says before it starts the embedded server
ORDERLY = "stop"  # and before it closes the pipe on purpose


class Guardian:
    """The launcher's side: a guardian process, replaced when it dies."""

    name = "guardian"

    def __init__(self, home: Path, lock: IO[str], log: Path) -> None:
        self._home = home
        self._lock = lock
        self.log = log
        self._owns_database = False
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process. Raises OSError."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "eurostat_assets.guardian", str(self._home)],
                env={**os.environ, **process_tree.mark(self._home, self.name)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # neither Ctrl-C nor the end of the terminal is meant for it
                pass_fds=[self._lock.fileno()],
            )
        if self._owns_database:
            self._say(OURS)

    def alive(self) -> bool:
        """Return whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def reap(self) -> None:
        """`end_all` has waited for it."""

    def ending(self) -> str:
        """Return how the process ended."""
        return f"exit code {self._process.returncode}" if self._process else "never started"

    def own_database(self) -> None:
        """Say that the embedded server is the launcher's to stop, from now on."""
        self._owns_database = True
        self._say(OURS)

    def end_all(self) -> None:
        """End every process of the platform, and the database server if it is ours; returns when they are gone."""
        try:
            self._say(ORDERLY)
            assert self._process is not None
            self._process.communicate()  # closes the pipe
        except (OSError, ValueError):
            pass  # it is dead: then we do it ourselves, below
        if self._process is None or self._process.returncode != 0:
            end_platform(
                self._home,
                owns_database=self._owns_database,
                grace=ORDERLY_GRACE,
                fast_for=ORDERLY_SHUTDOWN,
            )

    def _say(self, word: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()


def end_platform(home: Path, *, owns_database: bool, grace: float, fast_for: float) -> None:
    """End the platform's processes, then stop the embedded server, if it is the launcher's; `fast_for` as in its `stop`."""
    process_tree.end(home, grace=grace)
    if owns_database:
        server = EmbeddedPostgres(home / "postgres")
        give_up = time.monotonic() + SECONDS_TO_APPEAR
        while not server.stop(fast_for=fast_for) and time.monotonic() < give_up:
            time.sleep(0.2)
    write_ended(home)


def main(home: Path) -> None:
    """Wait for the end of standard input, then end the platform."""
    said = {line.strip() for line in sys.stdin}
    began = time.monotonic()
    if ORDERLY in said:
        end_platform(home, owns_database=OURS in said, grace=ORDERLY_GRACE, fast_for=ORDERLY_SHUTDOWN)
    else:
        end_platform(home, owns_database=OURS in said, grace=ABRUPT_GRACE, fast_for=ABRUPT_SHUTDOWN)
        now, took = time.strftime("%Y-%m-%d %H:%M:%S"), time.monotonic() - began
        print(f"{now} The launcher died; its platform was ended in {took:.1f} s.")  # noqa: T201 - goes to the log


if __name__ == "__main__":
    main(Path(sys.argv[1]))
