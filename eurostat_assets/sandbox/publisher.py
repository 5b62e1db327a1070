"""What the sandbox has published so far, and how it publishes more: editions, the feed, and the state that outlives it.

Serves nothing itself, and decides nothing: when what is released is for calendar.py, or for whoever knocks at doors.py.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from eurostat_assets.sandbox.clock import Clock, next_slot, release_slot
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.errors import UnknownDataset, WrongFolder
from eurostat_assets.sandbox.feed import Event, Item, items_of, items_of_first
from eurostat_assets.sandbox.profiles import newcomer
from eurostat_assets.sandbox.profiles import profile as datasets_of
from eurostat_assets.sandbox.recorded import recorded_sources
from eurostat_assets.sandbox.sources import Invented, Source
from eurostat_assets.sandbox.state import STATE_FILE, edition_of, item_of, plain, save


class Publisher:
    """All that is published. `folder` None keeps the state in memory only; `profile` None offers recorded files alone.

    Raises UnknownProfile, WrongFolder.
    """

    def __init__(
        self,
        folder: Path | None = None,
        profile: str | None = "tests",
        *,
        recorded: Path | None = None,
        seed: int = 0,
        scale: float = 1.0,
    ) -> None:
        self._file = folder / STATE_FILE if folder else None
        self._made: dict[str, Any] = {"profile": profile, "seed": seed, "scale": scale}
        self._recorded = recorded
        self._lock = RLock()
        self.identity = self._drawn_identity()
        """Which sandbox this is, whatever its port: drawn once for a folder; in memory, that of what it is made from."""
        datasets = datasets_of(profile, seed, scale) if profile else {}
        self.sources: dict[str, Source] = {code: Invented(dataset) for code, dataset in datasets.items()}
        self.sources |= recorded_sources(recorded) if recorded else {}
        self.editions = {code: source.first for code, source in self.sources.items()}
        self.withdrawn: dict[str, Edition] = {}
        self.feed: list[Item] = []
        self.built: datetime | None = None
        self.clock = Clock()
        self._slot: datetime | None = None
        if self._file and self._file.exists():
            self._restore(json.loads(self._file.read_text()))
        self._save()  # who it is, before anybody asks

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Publisher:
        """The publisher that had this `state()`, without its file."""
        recorded = Path(state["recorded"]) if state["recorded"] else None
        publisher = cls(None, state["profile"], recorded=recorded, seed=state["seed"], scale=state["scale"])
        publisher._restore(state)
        return publisher

    @property
    def now(self) -> datetime:
        return self.clock.now

    @property
    def seed(self) -> int:
        return self._made["seed"]

    def set_clock(self, now: datetime | None) -> None:
        """Stop the clock at an aware moment; None lets it show the real time."""
        with self._lock:
            if now:
                self.clock.set(now)
            else:
                self.clock.follow()
            self._save()

    @contextmanager
    def at(self, slot: datetime) -> Iterator[None]:
        """Whatever is published inside is dated `slot` (aware), and seen by everybody at once at the end."""
        with self._lock:
            self._slot = slot
            try:
                yield
            finally:
                self._slot = None
                self._save()

    def published(self, code: str) -> tuple[Source, Edition] | None:
        """The dataset of a code in any case, with its present edition; None when it is not available."""
        with self._lock:
            edition = self.editions.get(code.upper())
            return (self.sources[edition.code], edition) if edition else None

    def catalogue(self) -> list[tuple[Source, Edition]]:
        """Everything available, by code."""
        with self._lock:
            return [(self.sources[code], self.editions[code]) for code in sorted(self.editions)]

    def announced(self) -> list[Item]:
        """Everything the feed ever told: of the first editions, and of what happened since."""
        with self._lock:
            first = [item for s in self.sources.values() for item in items_of_first(s.first, s.title)]
            return first + self.feed

    def release(
        self, codes: Iterable[str], what: Literal["data", "structure", "both"] = "data"
    ) -> list[Edition]:
        """Publish a new edition of each dataset. Raises UnknownDataset, and then publishes none."""
        if what not in ("data", "structure", "both"):
            raise ValueError(f"a release is of data, structure or both, not of {what!r}")
        with self._lock:
            return [self._publish(edition, what) for edition in [self._present(code) for code in codes]]

    def restructure(self, code: str, change: str) -> Edition:
        """Publish an edition with another structure, as restructuring.py reads it. Raises UnknownDataset, Unchangeable.

        Positions that only move leave the data's date alone.
        """
        with self._lock:
            edition = self._present(code)
            changed = replace(edition, changes=(*edition.changes, change))
            self.sources[edition.code].dimensions(changed)
            return self._publish(changed, "structure" if change.startswith("reorder") else "both")

    def add(self, codes: Iterable[str]) -> list[Edition]:
        """Make datasets appear: withdrawn ones again, others after their family. Raises UnknownDataset."""
        with self._lock:
            return [
                self._publish(edition, "new") for edition in [self._absent(code.upper()) for code in codes]
            ]

    def withdraw(self, codes: Iterable[str]) -> list[Edition]:
        """Make datasets disappear from catalogue, inventory and data; their last editions. Raises UnknownDataset."""
        with self._lock:
            editions = [self._present(code) for code in codes]
            for edition in editions:
                self.withdrawn[edition.code] = self.editions.pop(edition.code)
                self._announce(edition.code, "deleted", self._date(edition.updated))
            self._save()
            return editions

    def rename(self, code: str, new: str) -> Edition:
        """A dataset under another code is another dataset: the old one goes, a new one comes. Raises UnknownDataset."""
        with self._lock:
            self._present(code)
            self._absent(new.upper())
            self.withdraw([code])
            return self.add([new])[0]

    def announce(self, item: Item) -> None:
        """An item with nothing behind it: code lists, `$` codes, missing categories, hints at what is not there."""
        with self._lock:
            self.feed.append(item)
            self.built = self.now
            self._save()

    def state(self) -> dict[str, Any]:
        """The whole state as plain JSON."""
        with self._lock:
            news = [e for code, e in self.editions.items() if e != self.sources[code].first]
            return {
                **self._made,
                "identity": self.identity,
                "recorded": str(self._recorded.resolve()) if self._recorded else None,
                "now": None if self.clock.is_real else self.now.isoformat(),
                "built": self.built and self.built.isoformat(),
                "editions": [plain(edition) for edition in news],
                "withdrawn": [plain(edition) for edition in self.withdrawn.values()],
                "feed": [plain(item) for item in self.feed],
            }

    def _publish(self, edition: Edition, event: Event) -> Edition:
        slot = self._date(edition.updated)
        if event in ("data", "both", "new"):
            edition = replace(edition, update_data=slot, release=edition.release + (event != "new"))
        if event in ("structure", "both", "new"):
            edition = replace(edition, update_structure=slot, structure=edition.structure + (event != "new"))
        self.editions[edition.code] = edition
        self.withdrawn.pop(edition.code, None)
        self._announce(edition.code, event, slot)
        self._save()
        return edition

    def _date(self, newest: datetime) -> datetime:
        """The date of what is published now, always later than `newest`."""
        if self._slot is None:
            return release_slot(self.now, newest)
        return self._slot if self._slot > newest else next_slot(newest)

    def _announce(self, code: str, event: Event, slot: datetime) -> None:
        self.feed += items_of(code, self.sources[code].title, event, slot)
        self.built = self.now

    def _present(self, code: str) -> Edition:
        if edition := self.editions.get(code.upper()):
            return edition
        raise UnknownDataset(code, "it is not published, and only `add` makes a new dataset appear")

    def _absent(self, code: str) -> Edition:
        if code in self.editions:
            raise UnknownDataset(code, "no new one, that is: it is published, and `release` renews it")
        return self.withdrawn.get(code) or self._source(code).first

    def _source(self, code: str) -> Source:
        if code not in self.sources:
            self.sources[code] = Invented(newcomer(code=code, **self._made))
        return self.sources[code]

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name, wanted in self._made.items():
            if state[name] != wanted:
                folder = self._file and self._file.parent
                raise WrongFolder(folder, f"{name} {state[name]!r} instead of {wanted!r}")
        self.identity = state.get("identity", self.identity)  # older states have none
        if state["now"]:
            self.clock.set(datetime.fromisoformat(state["now"]))
        self.built = state["built"] and datetime.fromisoformat(state["built"])
        self.feed = [item_of(item) for item in state["feed"]]
        for edition in map(edition_of, state["editions"]):
            self._source(edition.code)
            self.editions[edition.code] = edition
        for edition in map(edition_of, state["withdrawn"]):
            self._source(edition.code)
            self.editions.pop(edition.code, None)
            self.withdrawn[edition.code] = edition

    def _drawn_identity(self) -> str:
        if self._file:
            return secrets.token_hex(6)
        made = json.dumps([self._made, str(self._recorded and self._recorded.resolve())], sort_keys=True)
        return hashlib.sha256(made.encode()).hexdigest()[:12]

    def _save(self) -> None:
        # Inside `at` once, at its end.
        if self._file and self._slot is None:
            save(self.state(), self._file)
