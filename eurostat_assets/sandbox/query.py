"""What a request of the Statistics API selects, and the errors it is refused with.

Pure functions of the query string and the dimensions; nothing of HTTP but the status numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eurostat_assets.sandbox.codelists import AGGREGATES
from eurostat_assets.sandbox.datasets import Dimension
from eurostat_assets.sandbox.languages import LANGUAGES
from eurostat_assets.sandbox.periods import MalformedPeriod, Period, parse
from eurostat_assets.sandbox.sources import Selection

_TIME = ("time", "time_period")
_BOUNDS = ("sincetimeperiod", "untiltimeperiod", "lasttimeperiod")
_GEO_LEVEL_LENGTHS = {"country": 2, "nuts1": 3, "nuts2": 4, "nuts3": 5, "city": 7}


class Refused(Exception):
    """An error answer of the API."""

    def __init__(self, status: int, id: int, label: str) -> None:  # noqa: A002 - the wire's own name
        self.status, self.id, self.label = status, id, label
        super().__init__(label)


def language(parameters: Iterable[tuple[str, str]]) -> str:
    """The language asked for, `en` by default. Raises Refused for a language or format that the API does not have."""
    chosen = "en"
    for name, value in parameters:
        if name.lower() == "lang":
            chosen = value.lower()
        if name.lower() == "format" and value.upper() != "JSON":
            raise Refused(400, 140, f"INVALID_FORMAT: format {value} is not supported")
    if chosen not in LANGUAGES:
        raise Refused(400, 140, f"INVALID_LANGUAGE: language {chosen} is not supported")
    return chosen


def selection(parameters: Iterable[tuple[str, str]], dimensions: Sequence[Dimension]) -> Selection | None:
    """The kept positions per dimension, or None when nothing is filtered. Raises Refused.

    Unknown values are dropped in silence, which may leave a dimension empty; unknown names are refused.
    """
    asked: dict[str, list[str]] = {}
    for name, value in parameters:
        if name.lower() not in ("format", "lang"):
            asked.setdefault("time" if name.lower() in _TIME else name.lower(), []).append(value)
    if not asked:
        return None
    _check_names(asked, {dimension.id for dimension in dimensions})
    if "geo" in asked and "geolevel" in asked:
        raise Refused(400, 140, "'geo' parameter and 'geoLevel' parameter cannot be set at the same time.")
    try:
        return tuple(_kept(dimension, asked) for dimension in dimensions)
    except MalformedPeriod as error:
        raise Refused(
            400, 140, f"TIME_PERIOD_FILTER_SPEC_INVALID: {error} is not a valid time period"
        ) from None


def _check_names(asked: Iterable[str], dimensions: set[str]) -> None:
    allowed = dimensions | set(_BOUNDS) | ({"geolevel"} if "geo" in dimensions else set())
    for name in asked:
        if name not in allowed:
            raise Refused(
                400,
                150,
                "INVALID_QUERY_DIMENSION: Query is invalid as per its structure's definition. "
                f'Dimension "{name.upper()}" is not defined',
            )


def _kept(dimension: Dimension, asked: dict[str, list[str]]) -> tuple[int, ...]:
    codes = dimension.codes
    if dimension.id == "time":
        return _kept_periods(codes, asked)
    if dimension.id == "geo" and "geolevel" in asked:
        levels = {level.lower() for level in asked["geolevel"]}
        return tuple(place for place, code in enumerate(codes) if _geo_level(code) in levels)
    if dimension.id not in asked:
        return tuple(range(len(codes)))
    wanted = {value.upper() for value in asked[dimension.id]}
    return tuple(place for place, code in enumerate(codes) if code.upper() in wanted)


def _geo_level(code: str) -> str:
    """The class of a geo code: a white list of aggregates, else its length decides."""
    if code in AGGREGATES:
        return "aggregate"
    return next((level for level, length in _GEO_LEVEL_LENGTHS.items() if len(code) == length), "")


def _kept_periods(codes: Sequence[str], asked: dict[str, list[str]]) -> tuple[int, ...]:
    kept = set(range(len(codes)))
    periods = [parse(code) for code in codes]
    if "time" in asked:
        # Via the parsed period, so that `2021-02-29` rolls over into March as it does at Eurostat.
        wanted = {parse(value).literal for value in asked["time"]}
        kept &= {place for place, code in enumerate(codes) if code in wanted}
    kept &= _within(periods, asked)
    if "lasttimeperiod" in asked:
        # The newest of the dataset, not of what the other filters leave.
        newest = sorted(range(len(codes)), key=lambda place: (periods[place].last, periods[place].first))
        kept &= set(newest[-_count(asked["lasttimeperiod"][-1]) :])
    return tuple(sorted(kept))


def _within(periods: Sequence[Period], asked: dict[str, list[str]]) -> set[int]:
    """Places inside the inclusive bounds; with the bounds the wrong way round, Eurostat answers with all outside the gap."""
    since = [parse(value) for value in asked.get("sincetimeperiod", ())][-1:]
    until = [parse(value) for value in asked.get("untiltimeperiod", ())][-1:]
    after = {place for place, period in enumerate(periods) if not since or period.last >= since[0].first}
    before = {place for place, period in enumerate(periods) if not until or period.first <= until[0].last}
    inverted = since and until and since[0].first > until[0].last
    return after | before if inverted else after & before


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise MalformedPeriod(text)
    return int(text)
