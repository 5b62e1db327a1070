"""What the sandbox has published so far, and how it publishes more: the catalogue's editions, the feed, and their file.

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

from .clock import BRUSSELS, release_slot
from .datasets import Edition
from .errors import UnknownDatasetError, WrongFolderError
from .families import invented
from .feed import Item, items_of_release
from .profiles import profile as datasets_of
from .recorded import recorded_sources
from .sources import Invented, Source

What = Literal["data", "structure", "both"]
STATE_FILE = "sandbox.json"


class Publisher:
    """All that is published. `folder` None keeps the state in memory only.

    `profile` None with `recorded` serves the recorded files alone. Raises UnknownProfileError, WrongFolderError.
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
        self._seed = seed
        self._made = {"profile": profile, "seed": seed, "scale": scale}
        self._recorded = recorded
        self._lock = RLock()
        self.sources: dict[str, Source] = {}
        if profile is not None:
            self.sources |= {
                code: Invented(dataset) for code, dataset in datasets_of(profile, seed, scale).items()
            }
        if recorded is not None:
            self.sources |= recorded_sources(recorded)
        self.editions = {code: source.first for code, source in self.sources.items()}
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
        with self._lock:
            self._now = now
            self._save()

    def published(self, code: str) -> tuple[Source, Edition] | None:
        """The dataset of a code in any case, with its present edition; None when it is not (or no longer) available."""
        with self._lock:
            edition = self.editions.get(code.upper())
            return (self.sources[edition.code], edition) if edition else None

    def catalogue(self) -> list[tuple[Source, Edition]]:
        """Everything available, by code."""
        with self._lock:
            return [(self.sources[code], self.editions[code]) for code in sorted(self.editions)]

    def release(self, codes: Iterable[str], what: What = "data") -> list[Edition]:
        """Publish a new edition of each dataset. Raises UnknownDatasetError, and then publishes none."""
        with self._lock:
            present = [self._edition(code) for code in codes]
            released = []
            for edition in present:
                slot = release_slot(self.now, edition.updated)
                if what in ("data", "both"):
                    edition = replace(edition, update_data=slot, release=edition.release + 1)
                if what in ("structure", "both"):
                    edition = replace(edition, update_structure=slot, structure=edition.structure + 1)
                self.editions[edition.code] = edition
                self._announce(items_of_release(edition.code, self.sources[edition.code].title, what, slot))
                released.append(edition)
            self._save()
            return released

    def add(self, codes: Iterable[str]) -> list[Edition]:
        """Make datasets appear: new ones after their family, or withdrawn ones again. Raises UnknownDatasetError."""
        with self._lock:
            sources = [self._source(code.upper()) for code in codes]
            added = []
            for source in sources:
                slot = release_slot(self.now, source.first.updated)
                edition = replace(source.first, update_data=slot, update_structure=slot)
                self.sources[source.code] = source
                self.editions[source.code] = edition
                self._announce(items_of_release(source.code, source.title, "new", slot))
                added.append(edition)
            self._save()
            return added

    def withdraw(self, codes: Iterable[str]) -> None:
        """Make datasets disappear: from the catalogue, the inventory and the data API. Raises UnknownDatasetError."""
        with self._lock:
            for edition in [self._edition(code) for code in codes]:
                del self.editions[edition.code]
                slot = release_slot(self.now, edition.updated)
                self._announce(
                    items_of_release(edition.code, self.sources[edition.code].title, "deleted", slot)
                )
            self._save()

    def announce(self, item: Item) -> None:
        """Put an item into the feed without publishing anything: code lists, `$` codes, missing categories, wrong hints."""
        with self._lock:
            self._announce([item])
            self._save()

    def state(self) -> dict[str, object]:
        """The whole state as plain JSON."""
        with self._lock:
            first = {code: source.first for code, source in self.sources.items()}
            return {
                **self._made,
                "recorded": self._recorded and str(self._recorded.resolve()),
                "now": self._now and self._now.isoformat(),
                "built": self.built and self.built.isoformat(),
                "editions": [
                    _plain(edition) for code, edition in self.editions.items() if edition != first[code]
                ],
                "withdrawn": sorted(set(self.sources) - set(self.editions)),
                "feed": [_plain(item) for item in self.feed],
            }

    def _announce(self, items: list[Item]) -> None:
        self.feed += items
        self.built = self.now

    def _edition(self, code: str) -> Edition:
        edition = self.editions.get(code.upper())
        if edition is None:
            raise UnknownDatasetError(code, "it is not published; `add` makes a new dataset appear")
        return edition

    def _source(self, code: str) -> Source:
        if code in self.editions:
            raise UnknownDatasetError(
                code, "as a new one: it is already published; `release` publishes a new edition"
            )
        return self.sources.get(code) or Invented(invented(code, self._seed))

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name, wanted in self._made.items():
            if state[name] != wanted:
                raise WrongFolderError(
                    self._file and self._file.parent, f"{name} {state[name]!r}, not {wanted!r}"
                )
        self._now = state["now"] and datetime.fromisoformat(state["now"])
        self.built = state["built"] and datetime.fromisoformat(state["built"])
        self.feed = [Item(**_dated(item, "date")) for item in state["feed"]]
        for edition in (
            Edition(**_dated(edition, "update_data", "update_structure")) for edition in state["editions"]
        ):
            if edition.code not in self.sources:
                self.sources[edition.code] = self._source(edition.code)
            self.editions[edition.code] = edition
        for code in state["withdrawn"]:
            self.editions.pop(code, None)

    def _save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".part")
        unfinished.write_text(json.dumps(self.state(), indent=1))
        os.replace(unfinished, self._file)  # noqa: PTH105 - the one atomic rename


def _plain(record: Edition | Item) -> dict[str, object]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }


def _dated(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value).astimezone(BRUSSELS) if name in names else value
        for name, value in record.items()
    }
