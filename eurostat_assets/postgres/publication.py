"""The words of publishing: how a release is stored, how long to wait for whom, and what came of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from eurostat_assets.postgres.indexes import Indexes
from eurostat_assets.postgres.limits import LIMITS, ReaderLimits

log = logging.getLogger(__name__)

Codes = Literal["text", "smallint"]


@dataclass(frozen=True)
class Publication:
    """A release that readers now see.

    `bytes` is its size on disk with indexes; `seconds` the whole publication, `switch_seconds` the moment in
    which readers had to wait.
    """

    dataset: str
    table: str
    release: str
    data_updated: datetime | None
    structure_updated: datetime | None
    rows: int
    bytes: int
    seconds: float
    switch_seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Storage:
    """How releases are stored.

    `codes`: as text, or as smallint behind a view (coded.py). `keep_releases`: how many earlier ones stay, in
    schema `eurostat_releases`. `keep_dependents`: where a dimension went that a view depends on, keep its column,
    with nulls, instead of refusing the release.
    """

    codes: Codes = "text"
    indexes: Indexes = field(default_factory=Indexes)
    keep_releases: int = 0
    keep_dependents: bool = False


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    A switch tries for `readers` in all to find a moment when nobody is in its way (waiting.py), says by `report` who is,
    and after `end_sessions_after` ends such sessions (0: never); those of readers as soon as they are beyond their
    `limits`, which are the deployment's: what the server has of them, a reader may change. `loader` is for another
    publication of the same dataset. After a failure the dataset is due again in `retry`, see `record_failure`.
    """

    readers: float = 900
    loader: float = 3600
    retry: float = 600
    end_sessions_after: float = 0
    limits: ReaderLimits = LIMITS
    report: Callable[[str], object] = log.warning


STORAGE = Storage()
PATIENCE = Patience()
