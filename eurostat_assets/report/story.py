"""What the report says: plain values, and the few things that follow from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

STATES = {
    "current": "as new as Eurostat's",
    "stale": "Eurostat has a newer release",
    "new": "not loaded yet",
    "failed": "could not be brought up to date",
    "withdrawn": "gone from Eurostat, kept here",
    "excluded": "not wanted here",
}
WORST, BIGGEST = 30, 10


@dataclass(frozen=True)
class Dataset:
    """Where one dataset stands. `offered_at`: when Eurostat released what it offers; `behind_since`: since when a release
    is missing here, None where none is; `note`: why it is not current."""

    code: str
    title: str
    state: str
    released_at: datetime | None
    offered_at: datetime | None
    behind_since: datetime | None
    published_at: datetime | None
    rows: int | None
    table_bytes: int | None
    raw_bytes: int | None
    note: str

    @property
    def group(self) -> str:
        """Datasets are told apart by what follows the theme: HLTH_CD of HLTH_CD_ARO."""
        return "_".join(self.code.split("_")[:2])


@dataclass(frozen=True)
class Source:
    """A way in which news of Eurostat comes here: when it was last read successfully, and what is wrong with it."""

    name: str
    read_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class Check:
    """What one check of one dataset said last. `accepted`: why a person let it pass all the same."""

    dataset: str
    name: str
    passed: bool
    blocks: bool
    sentence: str
    accepted: str | None
    at: datetime


@dataclass(frozen=True)
class Finding:
    """Something an audit of the whole mirror found and that is not over."""

    subject: str
    kind: str
    severity: str
    sentence: str
    since: datetime


@dataclass(frozen=True)
class Event:
    """A release that was published, or failed to be. `more`: rows against the release before, None for a first one."""

    dataset: str
    title: str
    state: str
    rows: int | None
    more: int | None
    seconds: float | None
    error: str | None
    at: datetime


@dataclass(frozen=True)
class Today:
    """What one day brought, and the rows of the mirror at its end."""

    day: date
    published: int
    failed: int
    rows: int


@dataclass(frozen=True)
class Report:
    """The mirror as it was at a moment; all moments are aware. `checks` and `findings` are None where none are kept."""

    made_at: datetime
    source: str
    theme: str
    datasets: Sequence[Dataset]
    sources: Sequence[Source]
    checks: Sequence[Check]
    findings: Sequence[Finding]
    events: Sequence[Event]
    days: Sequence[Today]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Datasets by state, in the order in which states are told; those that are none are left out."""
        counted = Counter(one.state for one in self.datasets)
        return {state: counted[state] for state in STATES if counted[state]}

    @cached_property
    def published(self) -> list[Dataset]:
        return [one for one in self.datasets if one.published_at]

    @property
    def rows(self) -> int:
        return sum(one.rows or 0 for one in self.published)

    @property
    def table_bytes(self) -> int:
        return sum(one.table_bytes or 0 for one in self.published)

    @property
    def raw_bytes(self) -> int:
        return sum(one.raw_bytes or 0 for one in self.published)

    @cached_property
    def behind(self) -> list[tuple[Dataset, timedelta]]:
        """What Eurostat has and this mirror has not, and for how long; the longest first."""
        late = [(one, self.made_at - one.behind_since) for one in self.datasets if one.behind_since]
        return sorted(late, key=lambda pair: (-pair[1], pair[0].code))

    @cached_property
    def biggest(self) -> list[Dataset]:
        return sorted(self.published, key=lambda one: -(one.table_bytes or 0))[:BIGGEST]

    @cached_property
    def failed_checks(self) -> list[Check]:
        """Those that did not pass, also where they were accepted; those that block first."""
        return sorted(
            (one for one in self.checks if not one.passed), key=lambda one: (not one.blocks, one.dataset)
        )

    @cached_property
    def check_names(self) -> dict[str, tuple[int, int]]:
        """How many datasets each check passed and did not pass for."""
        names = sorted({one.name for one in self.checks})
        return {
            name: (
                sum(one.passed for one in self.checks if one.name == name),
                sum(not one.passed for one in self.checks if one.name == name),
            )
            for name in names
        }

    @cached_property
    def groups(self) -> dict[str, list[Dataset]]:
        """Datasets by the beginning of their codes, in order."""
        groups: dict[str, list[Dataset]] = {}
        for one in sorted(self.datasets, key=lambda one: one.code):
            groups.setdefault(one.group, []).append(one)
        return groups
