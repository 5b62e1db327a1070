"""A body is given up beyond what is announced of its dataset, and taken up to there: whole, in slices, as SDMX-CSV."""

import json
from pathlib import Path

import pytest

from eurostat_assets.eurostat import Allowance, Eurostat, RawJson
from eurostat_assets.eurostat.errors import TooLarge
from eurostat_assets_tests.eurostat.bodies import body_of, inspect
from eurostat_assets_tests.eurostat.conftest import Publisher, Reply
from eurostat_assets_tests.eurostat.test_download import complete, envelope
from eurostat_assets_tests.eurostat.test_last_resort import CSV

SMALL = Allowance(unannounced=10_000, per_observation=100)
TOO_BIG = complete(envelope("EXTRACTION_TOO_BIG: estimated 400 rows, max authorised is 200"), 413)
FREQUENCIES = {"A": 0, "Q": 1}


def outline(announced: int) -> Reply:
    """Two codes and no cells, which says that there are so many observations."""
    body = json.loads(body_of(cells=0))
    body["dimension"]["freq"]["category"]["index"] = FREQUENCIES
    body["extension"]["annotation"][0]["title"] = str(announced)
    return complete(json.dumps(body).encode())


def replies(route: str, announced: int) -> list[Reply]:
    """What is answered on this route, when the outline is asked for the number as soon as a body is longer than usual."""
    said = outline(announced)
    return {
        "whole": [complete(), said],
        "slices": [TOO_BIG, said, complete(), said, complete(), said],
        "sdmx-csv": [TOO_BIG, said, complete(CSV), said],
    }[route]


def fetch(publisher: Publisher, folder: Path, route: str) -> RawJson:
    with Eurostat(publisher.url, attempts=1, allowance=SMALL) as eurostat:
        return eurostat.download(
            "HLTH_A", folder, inspect=inspect, slices=route == "slices", last_resort=route == "sdmx-csv"
        )


@pytest.mark.parametrize("route", ["whole", "slices", "sdmx-csv"])
@pytest.mark.parametrize("announced", [0, 100, 1000])
def test_a_body_beyond_what_is_announced_is_given_up(
    publisher: Publisher, tmp_path: Path, route: str, announced: int
) -> None:
    publisher.replies = replies(route, announced)
    with pytest.raises(TooLarge, match=f"HLTH_A: .*{announced:,} observations are announced") as refused:
        fetch(publisher, tmp_path, route)
    assert refused.value.allowed == max(10_000, announced * 100)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("route", ["whole", "slices", "sdmx-csv"])
def test_a_body_as_large_as_announced_is_taken(publisher: Publisher, tmp_path: Path, route: str) -> None:
    publisher.replies = replies(route, 20_000)
    raw = fetch(publisher, tmp_path, route)
    assert raw.route == route
    assert len(raw.parts) == (1 if route == "whole" else 2)


def test_without_an_announcement_a_body_is_bounded_all_the_same(publisher: Publisher, tmp_path: Path) -> None:
    publisher.replies = [complete(), complete(envelope("NO_RESULTS", 404), 404)]
    with pytest.raises(TooLarge, match="no number of observations is announced"):
        fetch(publisher, tmp_path, "whole")
