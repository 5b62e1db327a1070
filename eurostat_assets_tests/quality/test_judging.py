"""What a release is held back for, and what only warns."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from eurostat_assets.quality import Announced, Limits, Profile, Verdict, judge

SPAN = (date(2019, 1, 1), date(2020, 12, 31))
GOOD = Profile(
    rows=1000,
    missing=50,
    flagged=100,
    confidential=0,
    nulls=0,
    repeated=0,
    disordered=0,
    codes={"sex": ("F", "M", "T"), "geo": ("DE", "FR"), "time_period": ("2019", "2020")},
    periods={"2019": 500, "2020": 500},
    odd_periods={},
    span=SPAN,
)
SAID = Announced(
    rows=1000,
    codes={
        "sex": ["F", "M", "T"],
        "geo": [f"G{n}" for n in range(300)] + ["DE", "FR"],
        "time_period": ["2019", "2020"],
    },
    oldest="2019",
    latest="2020",
    span=SPAN,
)


def verdict(
    check: str,
    profile: Profile = GOOD,
    said: Announced = SAID,
    history: tuple[dict[str, Any], ...] = (),
    read: int | None = None,
    relaxed: tuple[str, ...] = (),
) -> Verdict:
    verdicts = judge(profile, profile.rows if read is None else read, said, history, Limits(), relaxed)
    return next(one for one in verdicts if one.check == check)


def outcome(one: Verdict) -> str:
    return "passes" if one.passed else "blocks" if one.blocks else "warns"


def test_a_first_release_that_is_as_announced_passes_every_check():
    assert all(one.passed for one in judge(GOOD, 1000, SAID, (), Limits()))


def test_fewer_rows_than_announced_or_than_read_hold_it_back():
    assert outcome(verdict("complete", said=replace(SAID, rows=1001))) == "blocks"
    assert outcome(verdict("complete", read=999)) == "blocks"
    assert outcome(verdict("complete", said=replace(SAID, rows=None))) == "passes"


def test_more_rows_than_cells_or_a_missing_dimension_hold_it_back():
    assert outcome(verdict("within_cube", replace(GOOD, rows=5000))) == "blocks"
    assert outcome(verdict("within_cube", replace(GOOD, codes={"sex": ("F",)}))) == "blocks"
    assert outcome(verdict("within_cube", replace(GOOD, nulls=1))) == "blocks"


def test_a_few_odd_periods_warn_and_many_hold_it_back():
    assert outcome(verdict("periods_parse", replace(GOOD, odd_periods={"2020-W99": 5}))) == "warns"
    assert outcome(verdict("periods_parse", replace(GOOD, odd_periods={"x": 500}))) == "blocks"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (SPAN, "passes"),
        ((date(2020, 1, 1), date(2020, 12, 31)), "warns"),
        ((date(2019, 1, 1), date(2021, 12, 31)), "warns"),
        ((date(2019, 1, 1), date(2031, 12, 31)), "blocks"),
        ((date(1019, 1, 1), date(2020, 12, 31)), "blocks"),
    ],
)
def test_periods_outside_the_announced_span_hold_it_back_beyond_one_period(span, expected):
    assert outcome(verdict("span_as_announced", replace(GOOD, span=span))) == expected


def release(rows: int = 1000, missing: int = 50, flagged: int = 100) -> dict[str, Any]:
    return {"rows": rows, "missing": missing, "flagged": flagged, "dimensions": dict.fromkeys(GOOD.codes, 2)}


@pytest.mark.parametrize(
    ("before", "expected"),
    [(1000, "passes"), (1100, "passes"), (1500, "warns"), (2500, "blocks"), (300, "warns"), (100, "blocks")],
)
def test_the_row_count_is_compared_with_the_release_before(before, expected):
    assert outcome(verdict("row_count_plausible", history=(release(before),))) == expected


def test_a_handful_of_rows_is_never_too_much():
    tiny = replace(GOOD, rows=2)
    assert (
        outcome(verdict("row_count_plausible", tiny, history=(release(rows=12, missing=0, flagged=0),)))
        == "passes"
    )


def test_a_lively_dataset_teaches_wider_limits_and_a_quiet_one_no_narrower_ones():
    lively = tuple(release(rows) for rows in (1000, 3000, 900, 3100, 1000, 2900))
    assert outcome(verdict("row_count_plausible", history=lively)) == "passes"
    assert outcome(verdict("row_count_plausible", history=lively[-1:])) == "blocks"
    quiet = tuple(release(1000) for _ in range(6))
    assert outcome(verdict("row_count_plausible", replace(GOOD, rows=1150), history=quiet)) == "passes"


def test_one_odd_release_does_not_teach_that_everything_goes():
    shaken = tuple(release(rows) for rows in (1000, 1000, 5000, 1000, 1000, 1000, 1000))
    assert outcome(verdict("row_count_plausible", replace(GOOD, rows=300), history=shaken)) == "blocks"


def test_shares_of_missing_and_flagged_observations_are_compared():
    assert (
        outcome(verdict("missing_share_plausible", replace(GOOD, missing=70), history=(release(),)))
        == "passes"
    )
    assert (
        outcome(verdict("missing_share_plausible", replace(GOOD, missing=250), history=(release(),)))
        == "warns"
    )
    assert (
        outcome(verdict("missing_share_plausible", replace(GOOD, missing=900), history=(release(),)))
        == "blocks"
    )
    assert (
        outcome(verdict("flag_share_plausible", replace(GOOD, flagged=1000), history=(release(),)))
        == "blocks"
    )


def test_another_set_of_dimensions_warns():
    before = release() | {"dimensions": {"sex": 3, "age": 4, "time_period": 2}}
    found = verdict("dimensions_as_before", history=(before,))
    assert outcome(found) == "warns"
    assert "age gone" in found.sentence
    assert "geo new" in found.sentence


def test_a_relaxed_check_only_warns():
    short = replace(SAID, rows=1001)
    assert outcome(verdict("complete", said=short, relaxed=("complete",))) == "warns"
    assert outcome(verdict("complete", said=short, relaxed=("*",))) == "warns"
    assert outcome(verdict("complete", said=short, relaxed=("row_count_plausible",))) == "blocks"
