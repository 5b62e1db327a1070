"""What the metrics are made of: the mirror's books at one moment, as plain values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class Poll(Protocol):
    """The last looks at a source of news; `failures` in a row."""

    @property
    def source(self) -> str: ...
    @property
    def succeeded_at(self) -> datetime | None: ...
    @property
    def failures(self) -> int: ...


class Outcome(Protocol):
    """All attempts to publish that ended alike; `timed` of them took `seconds` in all."""

    @property
    def count(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def timed(self) -> int: ...
    @property
    def rows(self) -> int: ...


@dataclass(frozen=True)
class Held:
    """A dataset; `bytes` of its table, `raw_bytes` of its raw file, `lag` in seconds behind the source."""

    dataset: str
    state: str
    rows: int | None
    bytes: int | None
    raw_bytes: int | None
    lag: float


@dataclass(frozen=True)
class Books:
    """The books. `up`: whether they could be read; `checks` (name, severity) that a newest release does not pass;
    `findings` and `incidents` (kind, severity) that are open; `channels`: failures in a row; `free`: bytes by folder.
    """

    up: bool
    datasets: Sequence[Held] = ()
    polls: Sequence[Poll] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    faults: Mapping[str, int] = field(default_factory=dict)
    checks: Sequence[tuple[str, str]] = ()
    findings: Sequence[tuple[str, str]] = ()
    incidents: Sequence[tuple[str, str]] = ()
    channels: Mapping[str, int] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)


# In this order: the first that fits. The sentences are those of the rooms' own errors.
KINDS = (
    ("check", re.compile(r"\bheld back\b|\bcheck", re.IGNORECASE)),
    ("disk", re.compile(r"disk is full|no room in|No space left", re.IGNORECASE)),
    ("killed", re.compile(r"\bdied\b|\bkilled\b|interrupted", re.IGNORECASE)),
    ("publish", re.compile(r"was not published|the database|connection to the database", re.IGNORECASE)),
    ("read", re.compile(r"^dataset [A-Z0-9_$]+(, |:)|JSON-stat", re.IGNORECASE)),
    ("download", re.compile(r"Eurostat|download|answer|request|connection", re.IGNORECASE)),
)


def faults_by_kind(faults: Mapping[str, int]) -> Mapping[str, int]:
    """How many failures were of each kind, told by their sentences; every kind is there, also with none."""
    counts = Counter(dict.fromkeys((*(name for name, _ in KINDS), "other"), 0))
    for sentence, count in faults.items():
        counts[next((kind for kind, pattern in KINDS if pattern.search(sentence)), "other")] += count
    return counts
