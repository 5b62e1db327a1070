"""The release calendar: a clock on which a day lasts some seconds, and what the sandbox publishes by itself at its hours.

11:00 and 23:00 in Brussels every day, and now and then a morning between 09:01 and 09:34. Which datasets, and what becomes
of them, is drawn from the seed and the hour. How a release is published is said in publisher.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from threading import Condition, Thread

from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.feed import Item
from eurostat_assets.sandbox.publisher import Publisher
from eurostat_assets.sandbox.restructuring import possible
from eurostat_assets.sandbox.sources import Invented

_DAY = 86_400


@dataclass(frozen=True)
class Rhythm:
    """How much happens. `share` is the part of all datasets that each release time renews, `mornings` the part of the days
    with a third one; the others are chances of an event at a release time. `start` is the first moment of the calendar.
    """

    start: str = "2026-03-09T08:00:00+01:00"
    share: float = 0.01
    mornings: float = 0.4
    new: float = 0.15
    withdrawn: float = 0.15
    returned: float = 0.1
    renamed: float = 0.1
    restructured: float = 0.4
    reordered: float = 0.3
    code_list: float = 0.5
    repeated: float = 0.3


class Calendar:
    """Publishes while it runs; stopped, time stands still and nothing changes by itself."""

    def __init__(self, publisher: Publisher, day_seconds: float, rhythm: Rhythm | None = None) -> None:
        self._publisher = publisher
        self._rhythm = rhythm or Rhythm()
        self._speed = _DAY / day_seconds
        self._wake = Condition()
        self._running = False
        self._published = 0
        clock = publisher.clock
        start = datetime.fromisoformat(self._rhythm.start)
        # A sandbox that was stopped goes on where it was.
        self._last = (
            (start if start.tzinfo else start.replace(tzinfo=BRUSSELS)) if clock.is_real else clock.now
        )
        clock.set(self._last)

    def start(self) -> None:
        """Run from now on, in a thread that ends with the process."""
        self.resume()
        Thread(target=self._run, name="calendar", daemon=True).start()

    def resume(self) -> dict[str, object]:
        with self._wake:
            self._running = True
            self._publisher.clock.set(self._publisher.now, self._speed)
            self._wake.notify()
            return self._state()

    def stop(self) -> dict[str, object]:
        """No release time is under way when this returns, and none comes before `resume`."""
        with self._wake:
            self._running = False
            self._publisher.clock.set(self._publisher.now)
            return self._state()

    def _state(self) -> dict[str, object]:
        now = self._publisher.now.astimezone(BRUSSELS).isoformat()
        return {"running": self._running, "now": now, "release_times": self._published}

    def _left(self, slot: datetime) -> float | None:
        """Seconds of ours until the slot; None while nobody can tell."""
        return (slot - self._publisher.now).total_seconds() / self._speed if self._running else None

    def _run(self) -> None:
        for slot in release_times(self._last, self._publisher.seed, self._rhythm.mornings):
            with self._wake:
                while (left := self._left(slot)) is None or left > 0:
                    self._wake.wait(left)
                with self._publisher.at(slot):
                    Hour(self._publisher, self._rhythm, slot).publish()
                self._published += 1


def release_times(after: datetime, seed: int, mornings: float) -> Iterator[datetime]:
    """Every release time later than an aware moment, in Brussels."""
    day = after.astimezone(BRUSSELS).date()
    while True:
        yield from (slot for slot in _of_day(day, seed, mornings) if slot > after)
        day += timedelta(days=1)


def _of_day(day: date, seed: int, mornings: float) -> list[datetime]:
    rng = Random(f"{seed} {day}")
    times = [time(11), time(23)]
    if rng.random() < mornings:
        times.insert(0, time(9, rng.randint(1, 34)))
    return [datetime.combine(day, at, BRUSSELS) for at in times]


class Hour:
    """One release time: draws its events and publishes them, each dataset having one event at most."""

    def __init__(self, publisher: Publisher, rhythm: Rhythm, slot: datetime) -> None:
        self._publisher = publisher
        self._rhythm = rhythm
        self._slot = slot
        self._rng = Random(f"{publisher.seed} {slot.isoformat()}")
        # What came before its time, by hand, is left alone: no release has the date of another.
        self._left = sorted(code for code, e in publisher.editions.items() if e.updated < slot)
        self._rng.shuffle(self._left)

    def publish(self) -> None:
        rhythm, publisher = self._rhythm, self._publisher
        before = len(publisher.feed)
        for _ in range(max(1, round(rhythm.share * len(self._left)))):
            what = self._rng.choices(("data", "structure", "both"), (7, 1, 2))[0]
            publisher.release(self._some(), what)
        for chance, event in (
            (rhythm.restructured, self._restructure),
            (rhythm.reordered, self._reorder),
            (rhythm.returned, self._return),
            (rhythm.withdrawn, self._withdraw),
            (rhythm.renamed, self._rename),
            (rhythm.new, self._add),
            (rhythm.code_list, self._announce_code_list),
        ):
            if self._rng.random() < chance:
                event()
        if self._rng.random() < rhythm.repeated:
            publisher.feed += publisher.feed[before:]

    def _some(self, count: int = 1) -> list[str]:
        """Codes that have had no event yet; fewer at the end of the list."""
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def _withdraw(self) -> None:
        # A catalogue is never emptied.
        if len(self._left) > 5:
            self._publisher.withdraw(self._some())

    def _rename(self) -> None:
        for code in self._some():
            self._publisher.rename(code, f"{code}_{self._slot:%y%m%d%H}")

    def _add(self) -> None:
        family = self._rng.choice(("HLTH_EHIS", "HLTH_CD", "HLTH_SILC", "HLTH_RS", "DEMO"))
        self._publisher.add([f"{family}_N{self._slot:%y%m%d%H}"])

    def _return(self) -> None:
        gone = sorted(code for code, e in self._publisher.withdrawn.items() if e.updated < self._slot)
        if gone:
            self._publisher.add([self._rng.choice(gone)])

    def _restructure(self) -> None:
        self._change(("add", "remove", "rename", "position"))

    def _reorder(self) -> None:
        self._change(("reorder",))
        self._announce_code_list()

    def _change(self, verbs: tuple[str, ...]) -> None:
        for code in self._some():
            source, edition = self._publisher.sources[code], self._publisher.editions[code]
            if not isinstance(source, Invented):
                continue
            by_verb: dict[str, list[str]] = {}
            for change in possible(source.at(edition), len(edition.changes) + 1):
                by_verb.setdefault(change.split()[0], []).append(change)
            # First the verb: there are more dimensions to add than anything else to do.
            if found := [verb for verb in verbs if verb in by_verb]:
                self._publisher.restructure(code, self._rng.choice(by_verb[self._rng.choice(found)]))

    def _announce_code_list(self) -> None:
        name = self._rng.choice(("ICD10", "GEO", "AGE", "HLTH_CD"))
        category = self._rng.choice(("UPDATED_CODE_LIST", "NEW_CODE_LIST"))
        self._publisher.announce(Item(name, category, self._slot, "A code list"))
