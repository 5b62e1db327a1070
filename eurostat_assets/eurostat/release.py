"""One state of one dataset as Eurostat published it, and Eurostat's ways to write a moment.

Eurostat writes moments in two ways: `2022-04-04T23:00:00+0200` (JSON, inventory) and, in the feed,
`2026-04-24 23:00:00.0`, the wall clock in Brussels without a zone.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")
_VERSION = "%Y-%m-%dT%H:%M:%SZ"


def parse_moment(text: str) -> datetime:
    """A wire timestamp with an offset (`+0200`, `+02:00` or `Z`) as UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a timestamp with an offset: {error}") from error


def parse_brussels(text: str) -> datetime:
    """A wall-clock time in Brussels without a zone as UTC. Raises ValueError.

    The hour that happens twice in October, and the one that never happens in March, have two readings: the
    later is taken, because a reader who asks "is this newer?" then never misses an update.
    """
    try:
        wall_clock = datetime.fromisoformat(text.strip())
        if wall_clock.tzinfo is not None:
            return wall_clock.astimezone(UTC)
        return max(wall_clock.replace(tzinfo=BRUSSELS, fold=fold).astimezone(UTC) for fold in (0, 1))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time in Brussels: {error}") from error


@dataclass(frozen=True, slots=True)
class Release:
    """When the data and when the structure last changed: aware moments, kept in UTC to the second."""

    data: datetime
    structure: datetime

    def __post_init__(self) -> None:
        for name in ("data", "structure"):
            moment: datetime = getattr(self, name)
            if moment.tzinfo is None:
                raise ValueError(f"{name}: {moment} has no time zone")
            object.__setattr__(self, name, moment.astimezone(UTC).replace(microsecond=0))

    @classmethod
    def from_wire(cls, data: str | None, structure: str | None) -> Self:
        """From UPDATE_DATA and UPDATE_STRUCTURE, or the inventory's two columns. Raises ValueError.

        A dataset whose structure never changed may lack the second (empty or `-`); the data date then stands
        for both.
        """
        if not data:
            raise ValueError("no date of the data")
        changed = parse_moment(data)
        return cls(
            changed, parse_moment(structure) if structure and structure.strip() not in "-" else changed
        )

    @classmethod
    def parse(cls, version: str) -> Self:
        """The inverse of `version`. Raises ValueError."""
        data, _, structure = version.partition("_")
        return cls(parse_moment(data), parse_moment(structure))

    @property
    def version(self) -> str:
        """`2022-04-04T21:00:00Z_2024-01-03T22:00:00Z`: data, then structure; the Dagster data version."""
        return f"{self.data.strftime(_VERSION)}_{self.structure.strftime(_VERSION)}"

    @property
    def updated(self) -> datetime:
        """The later of the two dates: what JSON-stat calls `updated` at Eurostat."""
        return max(self.data, self.structure)

    def newer_than(self, other: "Release | None") -> bool:
        """Whether the data or the structure changed since `other`; anything is newer than None."""
        return other is None or self.data > other.data or self.structure > other.structure
