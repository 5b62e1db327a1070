"""Publish again and again, each time in a process that is killed (SIGKILL) at a random moment.

    python killed_loader.py URL PARQUET TIMES SECONDS

Everything is imported once and each victim forked from here, so that a kill costs milliseconds. A victim that
was faster than its killer does not count. Prints how many publications there were in all.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pyarrow.parquet  # noqa: F401 (imported before the fork)

from eurostat_assets.postgres import coded, encoding, publish  # noqa: F401


def main(url: str, parquet: Path, times: int, seconds: float) -> int:
    killed = tries = 0
    while killed < times:
        tries += 1
        victim = os.fork()
        if victim == 0:
            publish(url, parquet)
            os._exit(0)
        time.sleep(random.uniform(0, seconds))
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        killed += os.WIFSIGNALED(status)
    return tries


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))  # noqa: T201
