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

Selection = tuple[tuple[int, ...], ...]  # per dimension the kept positions, ascending


class Source(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def folders(self) -> tuple[str, ...]: ...
    @property
    def dimensions(self) -> tuple[Dimension, ...]: ...
    @property
    def first(self) -> Edition: ...
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
    """A dataset whose cells are computed."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.code = dataset.code
        self.title = dataset.title
        self.folders = dataset.folders
        self.dimensions = dataset.dimensions
        self._counts: dict[int, int] = {}

    @property
    def first(self) -> Edition:
        """Two release times after the last period and before 2026; three structures in four are newer than the data."""
        data = code_hash(self.dataset.seed, self.code, "data")
        structure = code_hash(self.dataset.seed, self.code, "structure")
        oldest = parse(self.dataset.time.codes[-1]).last + timedelta(days=30)
        days = (date(2025, 12, 1) - oldest).days
        updated = oldest + timedelta(days=data % days // 2)
        later = timedelta(days=structure % (days // 2))
        restructured = updated + later if structure >> 40 & 3 else updated - later
        return Edition(self.code, _slot(updated, data), _slot(restructured, structure))

    def count(self, edition: Edition) -> int:
        if edition.release not in self._counts:
            self._counts[edition.release] = cube.whole(self.dataset).count(edition.release)
        return self._counts[edition.release]

    def stream(self, edition: Edition, selection: Selection | None, language: str) -> Iterator[bytes]:
        if selection is None:
            return body(cube.whole(self.dataset), edition, language)
        return body(cube.Walk(self.dataset, selection), edition, language, lambda: self.count(edition))

    def observations(self, edition: Edition) -> Iterator[pa.RecordBatch]:
        return cube.observations(self.dataset, edition.release)


def _slot(day: date, draw: int) -> datetime:
    return datetime.combine(day, time(11 if draw >> 32 & 1 else 23), BRUSSELS)
