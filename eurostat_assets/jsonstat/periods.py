"""Period literals, and the days they begin and end on: SDMX's ObservationalTimePeriod as Eurostat has ever written it.

    2020              year                      2020-07-01            day
    2020-07           month                     2020-07-01T12:30:00   moment, of that day
    2020-A1           year                      2020-T1, 2020-T3      trimester: four months
    2020-S1, 2020S1   half-year                 2020-Q3, 2020Q3       quarter
    2020-M07, 2020M7  month                     2020-W28, 2020W28     ISO week, 01 to 53
    2020-D366         day of the year           2020M07D01            day
    2012-12-01/P1M    a time range: a day or moment, and a duration
    2014-2016         years from the first to the last: not SDMX, but published

Gregorian and reporting periods may name a time zone, which moves no day (SDMX 2.1, section 6: Time; reporting years that
begin in January). Other texts (`2020-W99` for an unknown week, `2020-13`) are kept as text and have no dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

_DAY = timedelta(days=1)
_YEAR = r"([1-9][0-9]{3})"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?"
_CLOCK = r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.[0-9]+)?"
_DURATION = r"P(?=[0-9T])(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,5})D)?"
_TIMES = r"(?:T(?=[0-9])(?:([0-9]{1,5})H)?(?:([0-9]{1,5})M)?(?:([0-9]{1,5})(?:\.[0-9]+)?S)?)?"
_YEARS = re.compile(rf"{_YEAR}-{_YEAR}")

Days = tuple[date, date]


def period_days(literal: str) -> Days | None:
    """The first and the last day of the period `literal` means, or None where it is not a period."""
    for form, days in _FORMS:
        if match := form.fullmatch(literal):
            try:
                return days(*(int(part or 0) for part in match.groups()))
            except (
                ValueError,
                OverflowError,
            ):  # a month 13, a week 53 in a year that has 52, a day beyond 9999
                return None
    return None


def is_range(literal: str) -> bool:
    """Whether `literal` is a range of years such as `2014-2016`, which has days but is no period of SDMX."""
    return bool(_YEARS.fullmatch(literal)) and period_days(literal) is not None


def _months(year: int, first: int, count: int) -> Days:
    return date(year, first, 1), _later(date(year, first, 1), count) - _DAY


def _later(day: date, months: int) -> date:
    """That many months later, or the last day of that month where it has no such day."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for of_month in range(day.day, 27, -1):
        try:
            return date(years, month + 1, of_month)
        except ValueError:
            continue
    return date(years, month + 1, min(day.day, 27))


def _year(year: int) -> Days:
    return date(year, 1, 1), date(year, 12, 31)


def _years(first: int, last: int) -> Days:
    if first > last:
        raise ValueError
    return date(first, 1, 1), date(last, 12, 31)


def _part(months: int) -> Callable[[int, int], Days]:
    return lambda year, number: _months(year, months * (number - 1) + 1, months)


def _week(year: int, week: int) -> Days:
    monday = date.fromisocalendar(year, week, 1)
    return monday, monday + 6 * _DAY


def _day(year: int, month: int, day: int) -> Days:
    return (one := date(year, month, day)), one


def _moment(year: int, month: int, day: int, *_clock: int) -> Days:
    return _day(year, month, day)


def _day_of_year(year: int, number: int) -> Days:
    one = date(year, 1, 1) + (number - 1) * _DAY
    if number < 1 or one.year != year:
        raise ValueError
    return one, one


def _range(
    year: int, month: int, day: int, hour: int, minute: int, second: int,
    years: int, months: int, days: int, hours: int, minutes: int, seconds: int,
) -> Days:  # fmt: skip
    """From a moment on, for a duration: the last day is the one that its end lies in, or before which it ends."""
    start = datetime.combine(date(year, month, day), time(hour, minute, second))
    end = datetime.combine(_later(start.date(), 12 * years + months), start.time())
    end += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if end <= start:
        raise ValueError
    return start.date(), (end - timedelta(microseconds=1)).date()


_FORMS: list[tuple[re.Pattern[str], Callable[..., Days]]] = [
    (re.compile(form), days)
    for form, days in (
        (rf"{_YEAR}(?:-?A1?)?{_ZONE}", _year),
        (rf"{_YEAR}-?S([12]){_ZONE}", _part(6)),
        (rf"{_YEAR}-?T([1-3]){_ZONE}", _part(4)),
        (rf"{_YEAR}-?Q([1-4]){_ZONE}", _part(3)),
        (rf"{_YEAR}-([0-9]{{2}}){_ZONE}", _part(1)),
        (rf"{_YEAR}-?M([0-9]{{1,2}}){_ZONE}", _part(1)),
        (rf"{_YEAR}-?W([0-9]{{1,2}}){_ZONE}", _week),
        (rf"{_YEAR}-?D([0-9]{{1,3}}){_ZONE}", _day_of_year),
        (rf"{_YEAR}-([0-9]{{2}})-([0-9]{{2}}){_ZONE}", _day),
        (rf"{_YEAR}M([0-9]{{1,2}})D([0-9]{{1,2}})", _day),
        (rf"{_YEAR}-([0-9]{{2}})-([0-9]{{2}})T{_CLOCK}{_ZONE}", _moment),
        (rf"{_YEAR}-([0-9]{{2}})-([0-9]{{2}})(?:T{_CLOCK})?{_ZONE}/{_DURATION}{_TIMES}", _range),
        (_YEARS.pattern, _years),
    )
]
