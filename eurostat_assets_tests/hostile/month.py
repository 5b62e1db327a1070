"""What happens in the hostile month, and when: first load, releases, faults, kills, two absences of eight days.

A day lasts some seconds; intervals and waits of the mirror are shortened in the same measure.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from eurostat_assets import sandbox
from eurostat_assets_tests.hostile.verdict import Verdict, editions, judge
from eurostat_assets_tests.hostile.world import World, world

FAULTS = (
    "async:2=0.05,too_big=0.01,html=0.01,redirect=0.005,empty=0.01,truncated=0.01,cut=0.01,gzip_unmarked=0.02,"
    "wrong_dataset=0.004,miscount=0.004,missing_cells=0.004,not_found=0.004,500=0.005,503=0.02,503_retry_after=0.005,"
    "429=0.01,429_retry_after=0.005,reset=0.01,trickle=0.002,csv_queued=0.1,"
    "feed_html=0.03,feed_503=0.03,feed_junk=0.01,feed_bomb=0.01,feed_odd=0.05,feed_encoding=0.01,feed_reset=0.01,"
    "inventory_503=0.1,inventory_line=0.1,inventory_half=0.03,inventory_html=0.03,toc_html=0.05,toc_no_health=0.03"
)
AWAY = 8  # days, one more than the feed tells of


@dataclass(frozen=True)
class Plan:
    """`theme`: a part of the datasets' codes; `absences`: days on which the daemon goes down for eight; `calendar`: what
    the source releases, where not as usual."""

    days: int = 30
    day_seconds: float = 20
    theme: str = "HLTH"
    profile: str = "small"
    kills: int = 12
    absences: tuple[int, ...] = (8, 20)
    faults: str = FAULTS
    seed: int = 0
    settle_seconds: float = 900
    parallel_runs: int = 4
    calendar: Mapping[str, float] = field(default_factory=dict)

    def knobs(self) -> dict[str, object]:
        """The mirror's settings: real ones, shortened as the days are."""
        return {
            "theme": self.theme,
            "poll_interval": 3,
            "request_interval": 2,
            "sweep_cron": "* * * * *",
            "feed_trusted": 6 * self.day_seconds,
            "blind_sweep_interval": max(3, round(self.day_seconds / 4)),
            "retry_after": 3,
            "preparing_wait": 3,
            "preparing_patience": 20,
            "read_timeout": 5,
            "download_deadline": 20,
            "attempts": 3,
            "request_pace": 0,
            "parallel_runs": self.parallel_runs,
        }


@dataclass
class Month:
    """A plan in progress."""

    plan: Plan
    mirror: World
    source: sandbox.Running
    tell: Callable[[str], None]
    released: dict[tuple[str, str], datetime] = field(default_factory=dict)
    down: list[tuple[datetime, datetime]] = field(default_factory=list)
    absences: int = 0
    accepted: set[str] = field(default_factory=set)

    def first_load(self) -> None:
        """Until every dataset of the theme was published, or at least tried."""

        def all_tried() -> bool:
            states = self.mirror.states().values()
            return bool(states) and all(state.release or state.error or state.note for state in states)

        self._watch(all_tried)

    def days(self) -> None:
        """The month itself."""
        dice, plan = random.Random(self.plan.seed), self.plan
        kills = sorted(dice.uniform(0, plan.days) for _ in range(plan.kills))
        absences = list(plan.absences)
        self.source.resume_calendar()
        began = time.monotonic()
        while (day := (time.monotonic() - began) / plan.day_seconds) < plan.days:
            self._look()
            if absences and day >= absences[0]:
                self._absence(absences.pop(0))
                kills = [kill for kill in kills if kill > day + AWAY]
            elif kills and day >= kills[0]:
                kills.pop(0)
                self._strike(dice.random() < 0.5)
            time.sleep(0.5)
        self.source.stop_calendar()

    def settle(self) -> None:
        """Nothing is released any more and nothing goes wrong: until everything is current, by itself."""
        self.source.set_faults("")
        offered = {
            code: release for code, release in editions(self.source).items() if self.plan.theme in code
        }

        def all_current() -> bool:
            states = self.mirror.states()
            self.accepted |= self.mirror.accept_what_is_only_unlikely()
            return all(code in states and states[code].release == offered[code] for code in offered)

        self._watch(all_current)

    def judge(self) -> Verdict:
        return judge(self.mirror, self.source, self.plan.theme, self.released, self.down)

    def _watch(self, done: Callable[[], bool]) -> None:
        give_up = time.monotonic() + self.plan.settle_seconds
        while not done() and time.monotonic() < give_up:
            self._look()
            time.sleep(1)

    def _look(self) -> None:
        """Note what the source has released, and tell how the mirror stands."""
        now = datetime.now(UTC)
        for code, release in editions(self.source).items():
            if self.plan.theme in code:
                self.released.setdefault((code, release), now)
        counts = Counter(state.state for state in self.mirror.states().values())
        self.tell(", ".join(f"{count} {state}" for state, count in sorted(counts.items())))

    def _strike(self, family: bool) -> None:
        since = datetime.now(UTC)
        self.mirror.kill(family=family)
        self.mirror.start()
        self.tell(f"the daemon{' and all its children were' if family else ' was'} killed")
        self.down.append((since, datetime.now(UTC)))

    def _absence(self, day: int) -> None:
        since = datetime.now(UTC)
        self.absences += 1
        self.mirror.kill(family=True)
        self.tell(f"day {day}: away for {AWAY} days")
        until = time.monotonic() + AWAY * self.plan.day_seconds
        while time.monotonic() < until:
            self._look()
            time.sleep(1)
        self.mirror.start()
        self.down.append((since, datetime.now(UTC)))


def run(plan: Plan, home: Path, tell: Callable[[str], None]) -> tuple[Verdict, dict]:
    """The whole month in `home`; returns what came of it and the source's own tally."""
    running = sandbox.running(
        profile=plan.profile,
        seed=plan.seed,
        day_seconds=plan.day_seconds,
        faults=plan.faults,
        calendar=dict(plan.calendar),
    )
    with running as source:
        source.stop_calendar()
        with world(home, source.api_url, **plan.knobs()) as mirror:
            month = Month(plan, mirror, source, tell)
            month.first_load()
            tell("the first load is over; the month begins")
            month.days()
            tell("the month is over; faults end")
            month.settle()
            return month.judge(), {
                "deaths": mirror.deaths,
                "absences": month.absences,
                "accepted": sorted(month.accepted),
                **source.tally(),
            }


def report(plan: Plan, verdict: Verdict, tally: dict, seconds: float) -> str:
    """The figures, to read."""

    def age(seconds: list[float]) -> str:
        if not seconds:
            return "none"
        worst, middle = max(seconds), statistics.median(seconds)
        return (
            f"median {middle:.0f} s, worst {worst:.0f} s = {worst / plan.day_seconds:.1f} days of the month"
        )

    again = sum(tally["again"].values()) if isinstance(tally["again"], dict) else tally["again"]
    lines = [
        f"{plan.days} days of {plan.day_seconds:g} s after the first load, {seconds / 60:.0f} minutes in all; "
        f"the daemon was killed {tally['deaths']} times, and then down for {AWAY} days {tally['absences']} times",
        f"tables compared cell by cell: {verdict.compared} ({verdict.rows:,} rows), wrong: {len(verdict.wrong)}",
        f"releases seen: {len(verdict.ages)}; age of data when published: {age(verdict.ages)}",
        f"of those while the daemon ran all the time: {len(verdict.spared)}; {age(verdict.spared)}",
        f"held back as implausible until a person accepted them: {', '.join(tally['accepted']) or 'none'}",
        f"releases published twice: {len(verdict.reloaded)}; runs outside the theme: {len(verdict.strangers)}",
        f"requests: {json.dumps(tally['requests'])}; whole bodies of an edition sent again: {again}",
        f"runs: {json.dumps(dict(verdict.runs))}",
        f"faults met: {json.dumps(tally['faults_met'])}",
        *verdict.wrong[:20], *verdict.reloaded[:20], *verdict.strangers[:20],
    ]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser("hostile", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--days", type=int, default=Plan.days)
    parser.add_argument("--day-seconds", type=float, default=Plan.day_seconds)
    parser.add_argument("--theme", default=Plan.theme, help="HLTH is all 490 datasets")
    parser.add_argument("--kills", type=int, default=Plan.kills)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    chosen = parser.parse_args()
    plan = Plan(chosen.days, chosen.day_seconds, chosen.theme, kills=chosen.kills, seed=chosen.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-hostile-") as folder:
        Path(folder).chmod(0o755)  # as root, PostgreSQL runs as another user
        said = [""]

        def tell(what: str) -> None:
            if what != said[-1]:
                said.append(what)
                print(f"{time.monotonic() - began:7.0f} s  {what}", file=sys.stderr, flush=True)

        verdict, tally = run(plan, Path(folder) / "mirror", tell)
    print(report(plan, verdict, tally, time.monotonic() - began))
    sys.exit(0 if verdict.good else 1)
