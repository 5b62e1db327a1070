"""The cost model: which extractions come at once, which later, which never."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eurostat_assets.sandbox import Running, running
from eurostat_assets_tests.sandbox.conftest import data

LIMITS = {"sync_below": 1_000, "refused_above": 20_000}


@pytest.fixture(scope="module", params=["error", "warning"])
def costly(request: pytest.FixtureRequest) -> Iterator[Running]:
    with running(profile="tests", cost={**LIMITS, "asynchronous": request.param}) as sandbox:
        yield sandbox


def test_small_extractions_come_at_once_middling_ones_later_and_large_ones_never(costly: Running) -> None:
    whole = data(costly, "HLTH_CD_ARO")
    small = data(costly, "HLTH_CD_ARO", "time=2020&geo=BE")
    middling = [data(costly, "HLTH_CD_ARO", "time=2020") for _ in range(2)]
    large = data(costly, "HLTH_CD_ARO", "sinceTimePeriod=2018")

    assert (whole.status, small.status) == (200, 200)  # the full dataset is prepared, whatever its size
    assert "ASYNCHRONOUS_RESPONSE" in middling[0].body.decode()
    assert "value" in middling[1].json()
    assert large.status == 413
    assert large.json()["error"][0]["label"] == (
        "EXTRACTION_TOO_BIG: The requested extraction is too big, estimated 33120 rows, max authorised is 20000, "
        "please change your filters to reduce the extraction size"
    )


def test_later_has_two_shapes(costly: Running) -> None:
    answer = data(costly, "HLTH_CD_ARO", "time=2021")
    label = "ASYNCHRONOUS_RESPONSE. Your request will be treated asynchronously. Please try again later."

    assert (answer.status, answer.json()) in [
        (413, {"error": [{"status": 413, "id": 413, "label": label}]}),
        (200, {"warning": {"status": 413, "label": label}}),
    ]


def test_a_release_makes_eurostat_forget_what_it_prepared(costly: Running) -> None:
    before = ["value" in data(costly, "HLTH_CD_WEEKLY", "sex=T").json() for _ in range(2)]
    costly.release("HLTH_CD_WEEKLY")

    assert [*before, "value" in data(costly, "HLTH_CD_WEEKLY", "sex=T").json()] == [False, True, False]


def test_even_the_whole_can_be_refused_when_it_is_not_prepared() -> None:
    with running(profile="tests", cost={**LIMITS, "full_is_cached": False}) as sandbox:
        assert data(sandbox, "HLTH_CD_ARO").status == 413
