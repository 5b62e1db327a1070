"""What a dataset of the sandbox is: its dimensions, what its cells look like, and the state in which it is published.

Says nothing of how cells are drawn (cube.py), which datasets there are (profiles.py) or what the wire looks like (body.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import prod

from eurostat_assets.sandbox.flags import USUAL_FLAGS


@dataclass(frozen=True)
class Dimension:
    """One dimension with its positions in `category.index` order."""

    id: str
    label: str
    codes: tuple[str, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, eq=False)
class Dataset:
    """An invented dataset. Equal parameters give equal cells, on every machine.

    `fill` is the share of the cells that are observations, `flags` the share of observations per flag, `decimals` the
    decimals of a value, `maximum` about the largest value in units of the last decimal, `signed` whether negatives occur.
    """

    code: str
    title: str
    dimensions: tuple[Dimension, ...]
    folders: tuple[str, ...]
    seed: int = 0
    fill: float = 0.6
    flags: Mapping[str, float] = field(default_factory=lambda: USUAL_FLAGS)
    decimals: int = 1
    maximum: int = 1000
    signed: bool = False
    empty: frozenset[tuple[str, str]] = frozenset()  # (dimension, code) pairs without any observation

    @cached_property
    def size(self) -> int:
        """Cells of the whole cube, empty ones included."""
        return prod(map(len, self.dimensions))

    @cached_property
    def statuses(self) -> tuple[str, ...]:
        """What an observation can have as its status; the first one is none."""
        return ("", *self.flags)

    @property
    def time(self) -> Dimension:
        return next(dimension for dimension in self.dimensions if dimension.id == "time")


@dataclass(frozen=True)
class Edition:
    """One published state of a dataset: aware dates, and how often the data and the structure were released anew.

    `changes` are what became of its structure, as restructuring.py reads them, the oldest first.
    """

    code: str
    update_data: datetime
    update_structure: datetime
    release: int = 0
    structure: int = 0
    changes: tuple[str, ...] = ()

    @property
    def updated(self) -> datetime:
        return max(self.update_data, self.update_structure)
