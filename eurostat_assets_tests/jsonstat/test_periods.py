"""Period literals of Eurostat and the days they mean."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eurostat_assets.jsonstat import read
from eurostat_assets.jsonstat.periods import is_range, period_days
from eurostat_assets_tests.jsonstat.documents import Held


@pytest.mark.parametrize(
    ("literal", "first", "last"),
    [
        ("2020", (2020, 1, 1), (2020, 12, 31)),
        ("2020-S1", (2020, 1, 1), (2020, 6, 30)),
        ("2020-S2", (2020, 7, 1), (2020, 12, 31)),
        ("2020S2", (2020, 7, 1), (2020, 12, 31)),
        ("2020-Q1", (2020, 1, 1), (2020, 3, 31)),
        ("2020-Q3", (2020, 7, 1), (2020, 9, 30)),
        ("2020Q4", (2020, 10, 1), (2020, 12, 31)),
        ("2020-02", (2020, 2, 1), (2020, 2, 29)),
        ("2021-02", (2021, 2, 1), (2021, 2, 28)),
        ("2020-12", (2020, 12, 1), (2020, 12, 31)),
        ("2020M07", (2020, 7, 1), (2020, 7, 31)),
        ("2020-W01", (2019, 12, 30), (2020, 1, 5)),
        ("2020-W28", (2020, 7, 6), (2020, 7, 12)),
        ("2020-W53", (2020, 12, 28), (2021, 1, 3)),
        ("2020W53", (2020, 12, 28), (2021, 1, 3)),
        ("2020-07-01", (2020, 7, 1), (2020, 7, 1)),
        ("2020M07D31", (2020, 7, 31), (2020, 7, 31)),
        ("2020-A1", (2020, 1, 1), (2020, 12, 31)),
        ("2011M3", (2011, 3, 1), (2011, 3, 31)),
        ("2020-M12", (2020, 12, 1), (2020, 12, 31)),
        ("2020-T1", (2020, 1, 1), (2020, 4, 30)),
        ("2020-T3", (2020, 9, 1), (2020, 12, 31)),
        ("2020-W1", (2019, 12, 30), (2020, 1, 5)),
        ("2020-D001", (2020, 1, 1), (2020, 1, 1)),
        ("2020-D366", (2020, 12, 31), (2020, 12, 31)),
        ("2021D60", (2021, 3, 1), (2021, 3, 1)),
        ("2020Z", (2020, 1, 1), (2020, 12, 31)),
        ("2020-07+02:00", (2020, 7, 1), (2020, 7, 31)),
        ("2020-Q3-05:00", (2020, 7, 1), (2020, 9, 30)),
        ("2020-07-01Z", (2020, 7, 1), (2020, 7, 1)),
        ("2021-12-31T00:00:00", (2021, 12, 31), (2021, 12, 31)),
        ("2021-12-31T23:59:59.5+01:00", (2021, 12, 31), (2021, 12, 31)),
        ("2012-12-01/P1M", (2012, 12, 1), (2012, 12, 31)),
        ("2020-01-01/P1Y", (2020, 1, 1), (2020, 12, 31)),
        ("2020-01-31/P1M", (2020, 1, 31), (2020, 2, 28)),
        ("2019-02-28/P1Y1D", (2019, 2, 28), (2020, 2, 28)),
        ("2020-02-28/P7D", (2020, 2, 28), (2020, 3, 5)),
        ("2020-01-01T12:00:00/PT12H", (2020, 1, 1), (2020, 1, 1)),
        ("2020-01-01T12:00:00Z/P1DT12H1S", (2020, 1, 1), (2020, 1, 3)),
        ("2014-2016", (2014, 1, 1), (2016, 12, 31)),
        ("2014-2014", (2014, 1, 1), (2014, 12, 31)),
    ],
)
def test_a_period_has_a_first_and_a_last_day(literal: str, first: tuple, last: tuple) -> None:
    assert period_days(literal) == (date(*first), date(*last))


@pytest.mark.parametrize(
    "literal",
    [
        "2020-W99",  # deaths of an unknown week
        "2021-W53",  # a year of 52 weeks
        "2020-W00",
        "2020-13",
        "2020-00",
        "2020-Q5",
        "2020-Q01",
        "2020-S3",
        "2021-02-29",
        "2019-2015",  # a range that ends before it begins
        "2015_2019",
        "2015-19",
        "2023-H1",  # SDMX has no H
        "2020-A2",
        "2020-T4",
        "2020-M13",
        "2020-M00",
        "2020-D000",
        "2020-D367",
        "2021-D366",
        "2020-01-01/P",
        "2020-01-01/P0D",
        "2020-01-01/PT",
        "2020-01-01/1M",
        "2020/P1Y",
        "2021-12-31T24:00:00",
        "2021-12-31T00:00",
        "2020-07-01+15:00",
        "9999-12-31/P1D1",
        "9999-12-01/P1M",
        "9999-W52",
        "20200",
        "202",
        "0000",
        "\uff19" * 4,
        "TOTAL",
        "",
    ],
)
def test_what_is_not_a_period_has_no_days(literal: str) -> None:
    assert period_days(literal) is None


def dataset(codes: dict[str, str]) -> Held:
    described = {"category": {"index": list(codes), "label": codes}}
    text = {"value": [1] * len(codes), "id": ["time"], "size": [len(codes)], "dimension": {"time": described}}
    return Held(json.dumps(text).encode())


def test_mixed_forms_keep_their_text_and_lose_only_the_dates_they_do_not_have() -> None:
    [batch] = read(dataset({one: one for one in ("2020", "2020-W99", "2020-07", "2015_2019")}))
    assert {row["time_period"]: row["period_end"] for row in batch.to_pylist()} == {
        "2020": date(2020, 12, 31),
        "2020-W99": None,
        "2020-07": date(2020, 7, 31),
        "2015_2019": None,
    }


def test_a_number_that_its_label_contradicts_is_a_key_and_not_a_year() -> None:
    [batch] = read(dataset({"2093": "Q1-2010", "2010": "2010"}))
    assert [row["period_start"] for row in batch.to_pylist()] == [date(2010, 1, 1), None]


def test_a_range_of_years_is_told_from_a_period() -> None:
    assert [one for one in ("2014-2016", "2014", "2014-16", "2016-2014", "2014-2016 ") if is_range(one)] == [
        "2014-2016"
    ]


YEARS = st.integers(1000, 9999)


@given(YEARS, st.sampled_from([("A", 1), ("S", 2), ("T", 3), ("Q", 4), ("M", 12)]))
def test_the_periods_of_a_year_are_the_whole_year_and_do_not_overlap(
    year: int, parts: tuple[str, int]
) -> None:
    letter, count = parts
    days = [period_days(f"{year}-{letter}{number:0{len(str(count))}}") for number in range(1, count + 1)]
    if year == 9999:  # the last one has no day after it
        days = days[:-1]
    known = [pair for pair in days if pair]
    assert len(known) == len(days)
    for (_, end), (start, _) in pairwise(known):
        assert (start - end).days == 1
    if known and year < 9999:
        assert (known[0][0], known[-1][1]) == (date(year, 1, 1), date(year, 12, 31))


@given(st.dates(date(1000, 1, 1), date(9000, 1, 1)), st.integers(1, 9999))
def test_a_time_range_of_days_has_as_many(start: date, count: int) -> None:
    pair = period_days(f"{start}/P{count}D")
    assert pair is not None
    assert pair[0] == start
    assert (pair[1] - start).days == count - 1


@given(st.text(max_size=25) | st.from_regex(r"[0-9]{4}[-/TPDMYWQSAZ0-9:+.]{0,20}", fullmatch=True))
def test_no_text_is_a_crash_and_every_period_ends_after_it_begins(text: str) -> None:
    pair = period_days(text)
    assert pair is None or pair[0] <= pair[1]
