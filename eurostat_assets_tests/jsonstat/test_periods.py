"""Period literals of Eurostat and the days they mean."""

from __future__ import annotations

import json
from datetime import date

import pytest

from eurostat_assets.jsonstat import read
from eurostat_assets.jsonstat.periods import period_days
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
        "2015-2019",
        "2015_2019",
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
    [batch] = read(dataset({one: one for one in ("2020", "2020-W99", "2020-07", "2015-2019")}))
    assert {row["time_period"]: row["period_end"] for row in batch.to_pylist()} == {
        "2020": date(2020, 12, 31),
        "2020-W99": None,
        "2020-07": date(2020, 7, 31),
        "2015-2019": None,
    }


def test_a_number_that_its_label_contradicts_is_a_key_and_not_a_year() -> None:
    [batch] = read(dataset({"2093": "Q1-2010", "2010": "2010"}))
    assert [row["period_start"] for row in batch.to_pylist()] == [date(2010, 1, 1), None]
