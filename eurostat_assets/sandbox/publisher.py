"""What the sandbox has published so far, and how it publishes more: editions, the feed, and the file that keeps them.

The state survives restarts in one small JSON file, written whole or not at all. Serves nothing itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from eurostat_assets.sandbox.clock import BRUSSELS, release_slot
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.errors import UnknownDataset, WrongFolder
from eurostat_assets.sandbox.feed import Event, Item, items_of
from eurostat_assets.sandbox.profiles import newcomer
from eurostat_assets.sandbox.profiles import profile as datasets_of
from eurostat_assets.sandbox.recorded import recorded_sources
from eurostat_assets.sandbox.sources import Invented, Source

STATE_FILE = "sandbox.json"


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
        datasets = datasets_of(profile, seed, scale) if profile else {}
        self.sources: dict[str, Source] = {code: Invented(dataset) for code, dataset in datasets.items()}
        self.sources |= recorded_sources(recorded) if recorded else {}
        self.editions = {code: source.first for code, source in self.sources.items()}
        self.withdrawn: dict[str, Edition] = {}
        self.feed: list[Item] = []
        self.built: datetime | None = None
        self._now: datetime | None = None
        if self._file and self._file.exists():
            self._restore(json.loads(self._file.read_text()))

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Publisher:
        """The publisher that had this `state()`, without its file."""
        recorded = Path(state["recorded"]) if state["recorded"] else None
        publisher = cls(None, state["profile"], recorded=recorded, seed=state["seed"], scale=state["scale"])
        publisher._restore(state)
        return publisher

    @property
    def now(self) -> datetime:
        """The sandbox's clock: the real one, unless it was set."""
        return self._now or datetime.now(UTC)

    def set_clock(self, now: datetime | None) -> None:
        """Stop the clock at an aware moment; None lets it run again."""
        with self._lock:
            self._now = now
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
            first = [source.first for source in self.sources.values()]
            return [item for edition in first for item in self._history(edition)] + self.feed

    def release(
        self, codes: Iterable[str], what: Literal["data", "structure", "both"] = "data"
    ) -> list[Edition]:
        """Publish a new edition of each dataset. Raises UnknownDataset, and then publishes none."""
        if what not in ("data", "structure", "both"):
            raise ValueError(f"a release is of data, structure or both, not of {what!r}")
        with self._lock:
            return [self._publish(edition, what) for edition in [self._present(code) for code in codes]]

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
                self._announce(edition.code, "deleted", release_slot(self.now, edition.updated))
            self._save()
            return editions

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
                "recorded": str(self._recorded.resolve()) if self._recorded else None,
                "now": self._now and self._now.isoformat(),
                "built": self.built and self.built.isoformat(),
                "editions": [_plain(edition) for edition in news],
                "withdrawn": [_plain(edition) for edition in self.withdrawn.values()],
                "feed": [_plain(item) for item in self.feed],
            }

    def _publish(self, edition: Edition, event: Event) -> Edition:
        slot = release_slot(self.now, edition.updated)
        if event in ("data", "both", "new"):
            edition = replace(edition, update_data=slot, release=edition.release + (event != "new"))
        if event in ("structure", "both", "new"):
            edition = replace(edition, update_structure=slot, structure=edition.structure + (event != "new"))
        self.editions[edition.code] = edition
        self.withdrawn.pop(edition.code, None)
        self._announce(edition.code, event, slot)
        self._save()
        return edition

    def _announce(self, code: str, event: Event, slot: datetime) -> None:
        self.feed += items_of(code, self.sources[code].title, event, slot)
        self.built = self.now

    def _history(self, edition: Edition) -> list[Item]:
        title = self.sources[edition.code].title
        if edition.update_data == edition.update_structure:
            return items_of(edition.code, title, "both", edition.updated)
        data = items_of(edition.code, title, "data", edition.update_data)
        return data + items_of(edition.code, title, "structure", edition.update_structure)

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
            self.sources[code] = Invented(newcomer(self._made["profile"], code, self._made["seed"]))
        return self.sources[code]

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name, wanted in self._made.items():
            if state[name] != wanted:
                folder = self._file and self._file.parent
                raise WrongFolder(folder, f"{name} {state[name]!r} instead of {wanted!r}")
        self._now = state["now"] and datetime.fromisoformat(state["now"])
        self.built = state["built"] and datetime.fromisoformat(state["built"])
        self.feed = [Item(**_dated(item, "date")) for item in state["feed"]]
        editions, withdrawn = (
            [Edition(**_dated(edition, "update_data", "update_structure")) for edition in state[name]]
            for name in ("editions", "withdrawn")
        )
        for edition in editions:
            self._source(edition.code)
            self.editions[edition.code] = edition
        for edition in withdrawn:
            self._source(edition.code)
            self.editions.pop(edition.code, None)
            self.withdrawn[edition.code] = edition

    def _save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".part")
        unfinished.write_text(json.dumps(self.state(), indent=1))
        os.replace(unfinished, self._file)  # noqa: PTH105 - the one atomic rename


def _plain(record: Edition | Item) -> dict[str, Any]:
    fields = asdict(record).items()
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields}


def _dated(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    dates = {name: datetime.fromisoformat(record[name]).astimezone(BRUSSELS) for name in names}
    return {**record, **dates}
