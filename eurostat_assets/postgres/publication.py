"""The words of publishing: how a release is stored, how long to wait for whom, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from eurostat_assets.postgres.indexes import Indexes

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

    A switch waits for the readers of the moment, and new readers wait behind it. So it waits `lock` at a
    time, lets them pass for `pause` and tries again, for `readers` in all. `loader` is for another publication
    of the same dataset. After a failure the dataset is due again in `retry`, see `record_failure`.
    """

    lock: float = 0.03
    pause: float = 0.5
    readers: float = 900
    loader: float = 3600
    retry: float = 600


STORAGE = Storage()
PATIENCE = Patience()
