"""What is known of a mirror at one moment, as far as alarms need it. Plain values; all moments are aware."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Dataset:
    """Where a dataset stands; `behind_since`: when the release that is missing here was offered, None where none is;
    `room_needed`: bytes that it waits for, None where it does not."""

    code: str
    state: str
    error: str | None = None
    failures: int = 0
    failed_at: datetime | None = None
    behind_since: datetime | None = None
    withdrawn_at: datetime | None = None
    room_needed: int | None = None


@dataclass(frozen=True)
class Check:
    """What a check said of a dataset's newest release; `open` where it failed and nobody accepted it."""

    dataset: str
    name: str
    open: bool
    blocks: bool
    sentence: str
    at: datetime


@dataclass(frozen=True)
class Source:
    """A source of news, `feed` or `sweep`; `refused`: its last answer was not believed."""

    name: str
    succeeded_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    refused: bool = False


@dataclass(frozen=True)
class Finding:
    """Something an audit found wrong and nobody has repaired yet."""

    subject: str
    kind: str
    sentence: str
    since: datetime


@dataclass(frozen=True)
class Clockwork:
    """A sensor or schedule: whether it runs, and how many of its latest ticks failed in a row, with the last one's error."""

    name: str
    runs: bool = True
    failures: int = 0
    error: str = ""


@dataclass(frozen=True)
class Disk:
    """The file system under a folder, in bytes."""

    folder: str
    free: int
    size: int


@dataclass(frozen=True)
class Facts:
    """All of it. A part that could not be looked at is None, which is not the same as nothing: its incidents stay open.

    `daemon`: whether Dagster could be asked; `daemon_seen_at`: the last sign of life of the slowest of its daemons;
    `database_error`, `dagster_error`: why the mirror's database and Dagster's storage do not answer, empty where they do;
    `server_fault`: what is known against this version of PostgreSQL, "" for nothing;
    `reader_fault`: what is wrong with the role of readers, likewise;
    `opened`: (kind, subject) of the incidents that are open already.
    """

    now: datetime
    database_error: str = ""
    dagster_error: str = ""
    datasets: tuple[Dataset, ...] | None = None
    checks: tuple[Check, ...] | None = None
    sources: tuple[Source, ...] | None = None
    findings: tuple[Finding, ...] | None = None
    clockworks: tuple[Clockwork, ...] | None = None
    daemon: bool = False
    daemon_seen_at: datetime | None = None
    disks: tuple[Disk, ...] | None = None
    server_fault: str | None = None
    reader_fault: str | None = None
    opened: frozenset[tuple[str, str]] = frozenset()
