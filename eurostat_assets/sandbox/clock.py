"""Eurostat's release times: 11:00 and 23:00 in Brussels, summer and winter. Knows no dataset."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")
_SLOTS = (time(11), time(23))


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
