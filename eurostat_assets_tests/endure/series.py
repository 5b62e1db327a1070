"""The series: which kills there are, in rounds of one kind; what came of them; and going on where it was stopped.

The rounds follow from the number of kills and the seed. Those that are done are kept in `state.json` of the series' folder,
with their evidence beside it; a series that was stopped goes on with the next round.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from eurostat_assets.cli.progress import count_bar
from eurostat_assets_tests.endure import disks, publishers, servers, trees
from eurostat_assets_tests.endure.core import core
from eurostat_assets_tests.endure.mirrors import mirror
from eurostat_assets_tests.endure.rounds import NotHere, Round

FOLDER = Path(".eurostat/endure")
RESULT = Path("benchmarks/results/endure.md")
SECONDS_OF_A_ROUND = 3600


@dataclass(frozen=True)
class Kind:
    """`share`: of the kills, in thousandths; `at_once`: the kills of a round."""

    name: str
    what: str
    world: Callable[[Round], AbstractContextManager[Any]]
    kill: Callable[[Any, int], None]
    share: int
    at_once: int


KINDS = {
    kind.name: kind
    for kind in (
        Kind("publishers", "a publication of a release", core, publishers.publishers, 440, 55),
        Kind(
            "loaders", "a bulk load: create, replace, append, scope", core, publishers.bulk_loaders, 160, 40
        ),
        Kind("servers", "a database server, or one of its processes", core, servers.servers, 250, 50),
        Kind("runs", "a run: download, Parquet, table", mirror, trees.runs, 40, 20),
        Kind("syncs", "a tree of `sync`", mirror, trees.syncs, 30, 15),
        Kind("ups", "a tree of `up`", mirror, trees.ups, 30, 6),
        Kind("disks", "a full disk, below a server", disks.core_on_a_disk, disks.disks, 40, 20),
        Kind(
            "mirrors",
            "a full disk, below a whole mirror",
            disks.mirror_on_a_disk,
            disks.disks_of_mirrors,
            10,
            5,
        ),
    )
}


@dataclass
class Done:
    """A round that is over; `killed` by place. `not_here`: why there was none."""

    kind: str
    seed: int
    killed: dict[str, int] = field(default_factory=dict)
    reads: int = 0
    cells: int = 0
    faults: list[str] = field(default_factory=list)
    not_here: str = ""
    seconds: float = 0

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.seed}"


@dataclass
class Series:
    """What was asked for, and what is done."""

    kills: int
    seed: int
    done: list[Done] = field(default_factory=list)

    def rounds(self) -> list[tuple[Kind, int, int]]:
        """(kind, seed, kills) of every round, each kind at least once, in a random order."""
        found = []
        for kind in KINDS.values():
            left = max(1, round(self.kills * kind.share / 1000))
            while left > 0:
                found.append((kind, min(left, kind.at_once)))
                left -= kind.at_once
        random.Random(self.seed).shuffle(found)
        return [(kind, self.seed * 1000 + n, kills) for n, (kind, kills) in enumerate(found)]

    def save(self, folder: Path) -> None:
        new = folder / "state.json.new"
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(folder / "state.json")

    @classmethod
    def load(cls, folder: Path, kills: int, seed: int) -> Series:
        """The series that was begun here, if it is this one; else a new one."""
        state = folder / "state.json"
        if state.exists():
            found = json.loads(state.read_text())
            if (found["kills"], found["seed"]) == (kills, seed):
                return cls(kills, seed, [Done(**one) for one in found["done"]])
        return cls(kills, seed)


def run(
    series: Series, folder: Path, tell: Callable[[str], None], *, minutes: float = 0, only: str = ""
) -> bool:
    """Do the rounds that are not done, or `only` those of this kind or name; returns whether none is left.

    After so many `minutes` (0: no limit) no other round is begun.
    """
    began, known = time.monotonic(), {one.name for one in series.done}
    rounds = [one for one in series.rounds() if only in ("", one[0].name, f"{one[0].name}-{one[1]}")]
    before = sum(sum(one.killed.values()) for one in series.done)
    with count_bar("Killing", sum(kills for *_, kills in rounds)) as report:
        for kind, seed, kills in rounds:
            done = Done(kind.name, seed)
            if done.name in known and not only:
                continue
            if minutes and time.monotonic() - began > minutes * 60:
                return False
            _do(done, kind, kills, folder, lambda killed, place: report(before + killed, place))  # noqa: B023
            before += sum(done.killed.values())
            series.done.append(done)
            series.save(folder)
            story = done.not_here or f"{sum(done.killed.values())} kills, {len(done.faults)} faults"
            tell(f"{done.name}: {story} in {done.seconds:.0f} s")
            for fault in done.faults:
                tell(f"    {fault}")
    return True


def _do(done: Done, kind: Kind, kills: int, folder: Path, report: Callable[[int, str], None]) -> None:
    began = time.monotonic()
    current = Round(kind.name, done.seed, folder)
    current.on_kill = lambda place: report(current.done, place)
    try:
        with _bounded(SECONDS_OF_A_ROUND), kind.world(current) as world:
            kind.kill(world, kills)
    except NotHere as reason:
        done.not_here = str(reason)
    except Exception:  # noqa: BLE001 (whatever it is, the other rounds are done)
        current.fault(f"the round broke off: {traceback.format_exc()}")
    done.killed, done.faults = dict(current.killed.most_common()), current.faults
    done.reads, done.cells, done.seconds = current.reads, current.cells, time.monotonic() - began


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread after so many seconds."""

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"no end after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def table(series: Series) -> str:
    """What came of it, as Markdown."""
    lines = [
        "| killed | kills | rounds | reads meanwhile | cells compared | faults | minutes |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in KINDS.values():
        own = [one for one in series.done if one.kind == kind.name]
        if skipped := next((one.not_here for one in own if one.not_here), ""):
            lines.append(f"| {kind.what} | left out: {skipped} | | | | | |")
            continue
        lines.append(_line(kind.what, own))
    lines.append(_line("**all**", series.done))
    lines += ["", "| where the kill struck | kills |", "|---|---:|"]
    places: dict[str, int] = {}
    for one in series.done:
        for place, kills in one.killed.items():
            name = f"{one.kind}: {place}"
            places[name] = places.get(name, 0) + kills
    lines += [
        f"| {name} | {kills:,} |"
        for name, kills in sorted(places.items(), key=lambda one: (one[0].split(":")[0], -one[1]))
    ]
    lines += ["", *(f"- {one.name}: {fault}" for one in series.done for fault in one.faults)]
    return "\n".join(lines)


def _line(what: str, rounds: list[Done]) -> str:
    kills, faults = sum(sum(one.killed.values()) for one in rounds), sum(len(one.faults) for one in rounds)
    reads, cells = sum(one.reads for one in rounds), sum(one.cells for one in rounds)
    minutes = sum(one.seconds for one in rounds) / 60
    return f"| {what} | {kills:,} | {len(rounds)} | {reads:,} | {cells:,} | {faults} | {minutes:.1f} |"


def note(series: Series) -> str:
    """The result with what it was measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    load = os.getloadavg()[2]
    return (
        "# Killed again and again\n\n"
        f"`make endure ARGS='--kills {series.kills} --seed {series.seed}'`, {datetime.now(UTC):%Y-%m-%d}, commit {commit},"
        f" {os.cpu_count()} cores, a load of {load:.1f} from this and other work; {len(series.done)} of"
        f" {len(series.rounds())} rounds are done.\n\n"
        "While it killed, readers of seven kinds read every table without pause. A fault is a row that is lost, mixed or\n"
        "half-visible, an older release after a newer one, a start that did not come by itself, or a process, file, lock\n"
        "or record that nobody owns at the end of a round.\n\n"
        f"{table(series)}\n"
    )


def _stop(number: int, _frame: FrameType | None) -> None:
    """Leave the round that is at work, and its world as it should be; the same command begins it again."""
    sys.exit(128 + number)


def main() -> None:
    parser = argparse.ArgumentParser("endure", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument(
        "--minutes", type=float, default=0, help="begin no other round after so many; 0: no limit"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="the series' home, where a stopped one goes on"
    )
    parser.add_argument("--anew", action="store_true", help="forget what is done")
    parser.add_argument(
        "--only", default="", help=f"a kind ({', '.join(KINDS)}) or a round, such as servers-1003"
    )
    parser.add_argument("--write", action="store_true", help=f"write the result to {RESULT}")
    chosen = parser.parse_args()
    folder = chosen.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    series = (
        Series(chosen.kills, chosen.seed) if chosen.anew else Series.load(folder, chosen.kills, chosen.seed)
    )
    if series.done:
        print(f"{len(series.done)} rounds are done already; --anew forgets them", file=sys.stderr)
    over = run(
        series,
        folder,
        lambda line: print(line, file=sys.stderr, flush=True),
        minutes=chosen.minutes,
        only=chosen.only,
    )
    print(table(series))
    if not over:
        print("\nNot over yet: the same command goes on.")
    if chosen.write:
        RESULT.write_text(note(series))
    if wrong := [one.name for one in series.done if one.faults]:
        print(
            f"\nFaults in {', '.join(wrong)}: see {folder / 'evidence'}; --only {wrong[0]} does that round again."
        )
        sys.exit(1)
