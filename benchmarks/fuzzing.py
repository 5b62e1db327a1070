"""What every fuzzing run shares: damage done to bytes by chance, the watch on time and memory, the processes.

What is fuzzed, and what counts as wrong, is said by the modules that use it: fuzz.py, fuzz_catalogue.py.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

SLOWEST = 5  # processor seconds for one body of at most some ten kilobytes
MOST_MEMORY = 300  # megabytes
BODIES_PER_TURN = 5_000

Damage = Callable[[random.Random, bytes], bytes]


class Wrong(Exception):
    """What was fuzzed said something false."""


@dataclass
class Tally:
    """What became of the bodies: how often which outcome, the slowest of them, and what went wrong."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    peak: int = 0
    failure: str | None = None

    def add(self, other: Tally) -> None:
        self.outcomes += other.outcomes
        self.slowest = max(self.slowest, other.slowest)
        self.peak = max(self.peak, other.peak)
        self.failure = self.failure or other.failure


def flipped(chance: random.Random, body: bytes) -> bytes:
    damaged = bytearray(body)
    for _bit in range(chance.choice((1, 1, 4)) if body else 0):
        damaged[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def without(chance: random.Random, body: bytes) -> bytes:
    start = chance.randrange(len(body) + 1)
    return body[:start] + body[start + chance.randrange(1, 30) :]


def repeated(chance: random.Random, body: bytes) -> bytes:
    start = chance.randrange(len(body) + 1)
    part = body[start : start + chance.randrange(1, 40)]
    place = start if chance.random() < 0.5 else chance.randrange(len(body) + 1)
    return body[:place] + part + body[place:]


def inserted(fragments: list[bytes]) -> Damage:
    def insert(chance: random.Random, body: bytes) -> bytes:
        place = chance.randrange(len(body) + 1)
        skipped = chance.choice((0, 0, 1, 3))
        return body[:place] + chance.choice(fragments) + body[place + skipped :]

    return insert


def judged(bodies: Iterable[bytes], judge: Callable[[bytes], str], *, suffix: str) -> Tally:
    """What `judge` says of the bodies; it raises for a finding, which ends the run and is kept in a file."""
    tally = Tally()
    before = _peak_memory()
    signal.signal(signal.SIGPROF, _too_slow)
    for body in bodies:
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SLOWEST)
        try:
            tally.outcomes[judge(body)] += 1
        except Exception as error:  # noqa: BLE001 (any is a finding)
            tally.failure = f"{type(error).__name__}: {error}; the body is kept in {_kept(body, suffix)}"
            break
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        tally.slowest = max(tally.slowest, time.process_time() - started)
    tally.peak = _peak_memory()
    if tally.peak - before > MOST_MEMORY:
        tally.failure = tally.failure or f"memory grew from {before} to {tally.peak} MB"
    return tally


def _peak_memory() -> int:
    """Of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _too_slow(*_: object) -> None:
    raise Wrong(f"more than {SLOWEST} processor seconds")


def _kept(body: bytes, suffix: str) -> str:
    with tempfile.NamedTemporaryFile(prefix="fuzz-", suffix=suffix, delete=False) as file:
        file.write(body)
    return file.name


def arguments(module: str, doc: str | None, bodies: int) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog=f"python -m {module}", description=(doc or "").split("\n")[0])
    options.add_argument("--bodies", type=int, default=bodies)
    options.add_argument("--seconds", type=float, default=3600, help="give up after that long (%(default)s)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    return options.parse_args()


def fuzzed(run: Callable[[int, int], Tally], chosen: argparse.Namespace, wanted: str) -> bool:
    """Let processes `run(seed, count)`, say what became of the bodies, and return whether all was well. `wanted` is the
    outcome that is reported while it goes on.
    """
    started = time.monotonic()
    total = Tally()
    turns = range(-(-chosen.bodies // BODIES_PER_TURN))
    with ProcessPoolExecutor(chosen.processes, multiprocessing.get_context("spawn")) as pool:
        try:
            running = [pool.submit(run, chosen.seed * 1_000_003 + turn, BODIES_PER_TURN) for turn in turns]
            for turn in as_completed(running, timeout=chosen.seconds):
                total.add(turn.result())
                _report(total, time.monotonic() - started, wanted)
                if total.failure:
                    break
        except BrokenProcessPool:
            total.failure = "the interpreter crashed"
        except TimeoutError:
            print(f"stopped after {chosen.seconds:.0f} seconds")
        pool.shutdown(cancel_futures=True)
    print()
    for outcome, count in total.outcomes.most_common():
        print(f"{count:>10,}  {outcome}")
    if total.failure:
        print(total.failure)
    return total.failure is None


def _report(total: Tally, seconds: float, wanted: str) -> None:
    count = total.outcomes.total()
    print(
        f"{count:>10,} bodies in {seconds:,.0f} s ({count / seconds:,.0f}/s), {total.outcomes[wanted]:,} with {wanted}, "
        f"slowest {total.slowest * 1000:.0f} ms, peak {total.peak} MB",
        end="\r" if sys.stdout.isatty() else "\n",
    )
