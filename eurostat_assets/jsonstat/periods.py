"""Eurostat's period literals, and the days they begin and end on.

    2020              year                  2020-S1, 2020S1        half-year
    2020-Q3, 2020Q3   quarter               2020-07, 2020M07       month
    2020-W28, 2020W28 ISO week, 01 to 53    2020-07-01, 2020M07D01 day

Other texts (`2020-W99` for an unknown week, ranges such as `2015-2019`) are kept as text and have no dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

_DAY = timedelta(days=1)


def period_days(literal: str) -> tuple[date, date] | None:
    """The first and the last day of the period `literal` means, or None where it is not a period."""
    for form, days in _FORMS:
        if match := form.fullmatch(literal):
            try:
                return days(*map(int, match.groups()))
            except ValueError:  # a month 13, a week 53 in a year that has 52
                return None
    return None


def _months(year: int, first: int, count: int) -> tuple[date, date]:
    end_year, end_month = divmod(year * 12 + first - 1 + count, 12)
    return date(year, first, 1), date(end_year, end_month + 1, 1) - _DAY


def _year(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year, 12, 31)


def _half_year(year: int, half: int) -> tuple[date, date]:
    return _months(year, 6 * half - 5, 6)


def _quarter(year: int, quarter: int) -> tuple[date, date]:
    return _months(year, 3 * quarter - 2, 3)


def _month(year: int, month: int) -> tuple[date, date]:
    return _months(year, month, 1)


def _week(year: int, week: int) -> tuple[date, date]:
    monday = date.fromisocalendar(year, week, 1)
    return monday, monday + 6 * _DAY


def _day(year: int, month: int, day: int) -> tuple[date, date]:
    return (one := date(year, month, day)), one


_FORMS: list[tuple[re.Pattern[str], Callable[..., tuple[date, date]]]] = [
    (re.compile(r"([1-9][0-9]{3})(?:-?A1?)?"), _year),
    (re.compile(r"([1-9][0-9]{3})-?S([12])"), _half_year),
    (re.compile(r"([1-9][0-9]{3})-?Q([1-4])"), _quarter),
    (re.compile(r"([1-9][0-9]{3})(?:-|-?M)([0-9]{2})"), _month),
    (re.compile(r"([1-9][0-9]{3})-?W([0-9]{2})"), _week),
    (re.compile(r"([1-9][0-9]{3})-([0-9]{2})-([0-9]{2})"), _day),
    (re.compile(r"([1-9][0-9]{3})M([0-9]{2})D([0-9]{2})"), _day),
]
