"""Eurostat's period literals (`2020`, `2020-S1`, `2020-Q3`, `2020-07`, `2020-W28`, `2020-07-01`) and their days.

Knows nothing of datasets. What is accepted and what rolls over is as at Eurostat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

FREQUENCIES = "ASQMWD"
_LITERAL = re.compile(
    r"(?P<year>[12]\d{3})(?:-S(?P<S>[12])|-Q(?P<Q>[1-4])|-W(?P<W>0[1-9]|[1-4]\d|5[0-3])"
    r"|-(?P<M>0[1-9]|1[0-2])(?:-(?P<D>0[1-9]|[12]\d|3[01]))?)?"
)
_DAY = timedelta(days=1)


class MalformedPeriod(ValueError):
    """Not a period literal at all (`2020-13`, `2020-1`, `2020-Q01`, `soon`)."""


@dataclass(frozen=True)
class Period:
    """A period by its frequency letter and its first and last day."""

    frequency: str
    first: date
    last: date

    @property
    def literal(self) -> str:
        year, month = self.first.year, self.first.month
        match self.frequency:
            case "A":
                return f"{year}"
            case "S":
                return f"{year}-S{(month + 5) // 6}"
            case "Q":
                return f"{year}-Q{(month + 2) // 3}"
            case "M":
                return f"{year}-{month:02}"
            case "W":
                iso = self.first.isocalendar()
                return f"{iso.year}-W{iso.week:02}"
            case _:
                return self.first.isoformat()


def parse(literal: str) -> Period:
    """The period a literal names; week 53 and days 29-31 roll over where year or month are too short, as at Eurostat.

    Raises MalformedPeriod.
    """
    match = _LITERAL.fullmatch(literal.upper())
    if match is None:
        raise MalformedPeriod(literal)
    year = int(match["year"])
    if match["D"]:
        day = date(year, int(match["M"]), 1) + (int(match["D"]) - 1) * _DAY
        return Period("D", day, day)
    if match["W"]:
        monday = date.fromisocalendar(year, 1, 1) + (int(match["W"]) - 1) * 7 * _DAY
        return Period("W", monday, monday + 6 * _DAY)
    for frequency, months in (("S", 6), ("Q", 3), ("M", 1)):
        if match[frequency]:
            return _months(frequency, year, (int(match[frequency]) - 1) * months, months)
    return _months("A", year, 0, 12)


def series(first: str, count: int) -> Iterator[str]:
    """`count` consecutive literals, from the one that `first` names."""
    period = parse(first)
    for _ in range(count):
        yield period.literal
        after = period.last + _DAY
        months = {"A": 12, "S": 6, "Q": 3, "M": 1}.get(period.frequency)
        if months:
            period = _months(period.frequency, after.year, after.month - 1, months)
        else:
            period = Period(period.frequency, after, after + (after - period.first) - _DAY)


def _months(frequency: str, year: int, offset: int, months: int) -> Period:
    end = offset + months
    return Period(frequency, date(year, offset + 1, 1), date(year + end // 12, end % 12 + 1, 1) - _DAY)
