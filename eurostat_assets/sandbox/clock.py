"""The sandbox's time, and Eurostat's release times: 11:00 and 23:00 in Brussels, summer and winter. Knows no dataset."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")
_SLOTS = (time(11), time(23))


class Clock:
    """Shows the real time, unless it was stopped, or set going at another speed."""

    def __init__(self) -> None:
        # The moment shown, since when, and how many seconds pass in one of ours.
        self._set: tuple[datetime, float, float] | None = None

    @property
    def now(self) -> datetime:
        """Aware."""
        if self._set is None:
            return datetime.now(UTC)
        shown, since, speed = self._set
        # In UTC, where a minute more is always a minute later.
        return shown.astimezone(UTC) + timedelta(seconds=(monotonic() - since) * speed) if speed else shown

    @property
    def is_real(self) -> bool:
        return self._set is None

    def follow(self) -> None:
        """Show the real time."""
        self._set = None

    def set(self, shown: datetime, speed: float = 0.0) -> None:
        """Show an aware moment, and from there so many seconds in one of ours; with 0 it stands."""
        self._set = (shown, monotonic(), speed)


def latest_slot(now: datetime) -> datetime:
    """The last release time that is not later than `now`."""
    return max(slot for slot in _around(now) if slot <= now)


def next_slot(after: datetime) -> datetime:
    """The first release time later than `after`."""
    return min(slot for slot in _around(after) if slot > after)


def release_slot(now: datetime, newest: datetime) -> datetime:
    """The date of a release made `now`: the last slot, or the one after `newest` where that is not newer."""
    return latest_slot(now) if latest_slot(now) > newest else next_slot(newest)


def _around(moment: datetime) -> list[datetime]:
    today = moment.astimezone(BRUSSELS).date()
    days = (today - timedelta(days=1), today, today + timedelta(days=1))
    return [datetime.combine(day, slot, BRUSSELS) for day in days for slot in _SLOTS]
