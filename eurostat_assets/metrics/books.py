"""What the metrics are made of: the mirror's books at one moment, as plain values."""

from __future__ import annotations

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
    """All attempts to publish that ended alike; `source_bytes` of their raw files."""

    @property
    def count(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def source_bytes(self) -> int: ...


class Stage(Protocol):
    """What a stage took in all, of so many releases."""

    @property
    def count(self) -> int: ...
    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True)
class Held:
    """A dataset; `bytes` of its table, `raw_bytes` of its raw file, `lag` in seconds behind the source, None: not behind."""

    dataset: str
    state: str
    rows: int | None
    bytes: int | None
    raw_bytes: int | None
    lag: float | None


@dataclass(frozen=True)
class Books:
    """The books. `up`: whether they could be read; `faults` by the stage that failed; `checks` (name, severity) that a
    newest release does not pass; `findings` and `incidents` (kind, severity) that are open; `channels`: failures in a row;
    `free`: bytes by folder.
    """

    up: bool
    datasets: Sequence[Held] = ()
    polls: Sequence[Poll] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    stages: Mapping[str, Stage] = field(default_factory=dict)
    faults: Mapping[str, int] = field(default_factory=dict)
    checks: Sequence[tuple[str, str]] = ()
    findings: Sequence[tuple[str, str]] = ()
    incidents: Sequence[tuple[str, str]] = ()
    channels: Mapping[str, int] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)
