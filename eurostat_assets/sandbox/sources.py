"""What the server can serve: whatever has dimensions, a first edition, and a body for each edition and selection.

Here are the protocol and the invented kind; the recorded kind is in recorded.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Protocol

import pyarrow as pa

from eurostat_assets.sandbox import cube
from eurostat_assets.sandbox.body import body
from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.datasets import Dataset, Dimension, Edition
from eurostat_assets.sandbox.draw import code_hash
from eurostat_assets.sandbox.periods import parse
from eurostat_assets.sandbox.restructuring import restructured

Selection = tuple[tuple[int, ...], ...]  # per dimension the kept positions, ascending


class Source(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def folders(self) -> tuple[str, ...]: ...
    @property
    def first(self) -> Edition: ...
    def dimensions(self, edition: Edition) -> tuple[Dimension, ...]:
        """With their positions in the order of that edition. Raises Unchangeable for changes that are none."""
        ...

    def count(self, edition: Edition) -> int:
        """OBS_COUNT: cells with a value or a status."""
        ...

    def stream(self, edition: Edition, selection: Selection | None, language: str) -> Iterator[bytes]:
        """The response body; no selection means the unfiltered dataset."""
        ...

    def observations(self, edition: Edition) -> Iterator[pa.RecordBatch]:
        """Every observation, independent of the body's JSON."""
        ...


class Invented:
    """A dataset whose cells are computed. `dataset` is as it was before any change."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.code = dataset.code
        self.title = dataset.title
        self.folders = dataset.folders
        self.first = _first_edition(dataset)
        self._datasets: dict[tuple[str, ...], Dataset] = {(): dataset}
        self._counts: dict[tuple[object, ...], int] = {}

    def at(self, edition: Edition) -> Dataset:
        """The dataset with the structure of an edition. Raises Unchangeable."""
        if edition.changes not in self._datasets:
            self._datasets[edition.changes] = restructured(self.dataset, edition.changes)
        return self._datasets[edition.changes]

    def dimensions(self, edition: Edition) -> tuple[Dimension, ...]:
        return self.at(edition).dimensions

    def count(self, edition: Edition) -> int:
        state = (edition.release, edition.changes)
        if state not in self._counts:
            self._counts[state] = cube.whole(self.at(edition)).count(edition.release)
        return self._counts[state]

    def stream(self, edition: Edition, selection: Selection | None, language: str) -> Iterator[bytes]:
        dataset = self.at(edition)
        if selection is None:
            return body(cube.whole(dataset), edition, language)
        return body(cube.Walk(dataset, selection), edition, language, lambda: self.count(edition))

    def observations(self, edition: Edition) -> Iterator[pa.RecordBatch]:
        return cube.observations(self.at(edition), edition.release)


def _first_edition(dataset: Dataset) -> Edition:
    """Two release times after the last period and before 2026; three structures in four are newer than the data."""
    data = code_hash(dataset.seed, dataset.code, "data")
    structure = code_hash(dataset.seed, dataset.code, "structure")
    oldest = parse(dataset.time.codes[-1]).last + timedelta(days=30)
    days = (date(2025, 12, 1) - oldest).days
    updated = oldest + timedelta(days=data % days // 2)
    later = timedelta(days=structure % (days // 2))
    changed = updated + later if structure >> 40 & 3 else updated - later
    return Edition(dataset.code, _slot(updated, data), _slot(changed, structure))


def _slot(day: date, draw: int) -> datetime:
    return datetime.combine(day, time(11 if draw >> 32 & 1 else 23), BRUSSELS)
