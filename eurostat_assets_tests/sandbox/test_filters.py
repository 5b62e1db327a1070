"""The rules of the Statistics API's query string."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eurostat_assets.sandbox import Running
from eurostat_assets_tests.sandbox.conftest import data
from eurostat_assets_tests.sandbox.decoding import codes, decoded


@pytest.mark.parametrize(
    ("code", "query", "kept"),
    [
        ("HLTH_CD_ARO", "geo=BE", {"geo": ["BE"]}),
        ("hlth_cd_aro", "GEO=be&Sex=t&format=JSON&lang=EN", {"geo": ["BE"], "sex": ["T"]}),
        ("HLTH_CD_ARO", "geo=FR&geo=BE&geo=DE", {"geo": ["BE", "DE", "FR"]}),  # in the order of the code list
        ("HLTH_CD_ARO", "geo=BE&geo=NOWHERE", {"geo": ["BE"]}),  # unknown values are dropped
        ("HLTH_CD_ARO", "geo=BE,DE", {"geo": []}),  # one unknown code, not two known ones
        ("HLTH_CD_ARO", "time=2019", {"time": ["2019"]}),
        ("HLTH_CD_ARO", "time_period=2019&time=2021", {"time": ["2019", "2021"]}),
        ("HLTH_CD_ARO", "time=1900", {"time": []}),
        ("HLTH_CD_ARO", "sinceTimePeriod=2020", {"time": ["2020", "2021", "2022"]}),
        ("HLTH_CD_ARO", "sinceTimePeriod=2018&untilTimePeriod=2019", {"time": ["2018", "2019"]}),
        (
            "HLTH_CD_ARO",
            "sinceTimePeriod=2021&untilTimePeriod=2018",
            {"time": ["2017", "2018", "2021", "2022"]},
        ),
        ("HLTH_CD_ARO", "sinceTimePeriod=2050", {"time": []}),
        ("HLTH_CD_ARO", "lastTimePeriod=2", {"time": ["2021", "2022"]}),
        (
            "HLTH_CD_ARO",
            "lastTimePeriod=2&time=2019",
            {"time": []},
        ),  # the newest of the dataset, not of the slice
        ("HLTH_CD_ARO", "geoLevel=aggregate", {"geo": ["EU27_2020", "EU28", "EA20"]}),
        ("HLTH_RS_BDS", "geolevel=country&geo", None),
        ("NAMA_10_QTR", "sinceTimePeriod=2024", {"time": ["2024-Q1", "2024-Q2"]}),
        ("NAMA_10_QTR", "untilTimePeriod=2000-05", {"time": ["2000-Q1", "2000-Q2"]}),
        ("HLTH_CD_DAILY", "time=2021-02-29", {"time": ["2021-03-01"]}),  # rolls over
        ("HLTH_CD_WEEKLY", "time=2021-W53", {"time": ["2022-W01"]}),
    ],
)
def test_a_slice_holds_exactly_the_cells_that_match(
    sandbox: Running, code: str, query: str, kept: dict[str, list[str]] | None
) -> None:
    answer = data(sandbox, code, query)
    if kept is None:
        assert answer.status == 400
        return
    whole, part = data(sandbox, code).json(), answer.json()
    positions = dict(zip(part["id"], codes(part), strict=True))
    wanted = {**dict(zip(whole["id"], codes(whole), strict=True)), **kept}

    assert answer.status == 200
    assert positions == wanted
    assert part["size"] == [len(wanted[name]) for name in part["id"]]
    assert decoded(part) == {
        cell: content
        for cell, content in decoded(whole).items()
        if all(code in wanted[name] for name, code in zip(whole["id"], cell, strict=True))
    }
    assert part["extension"]["annotation"] == whole["extension"]["annotation"]
    assert part["updated"] == whole["updated"]


def test_an_empty_slice_is_a_success_and_lists_every_position_as_without_data(sandbox: Running) -> None:
    document = data(sandbox, "HLTH_CD_ARO", "geo=NOWHERE").json()

    assert document["value"] == {}
    assert "status" not in document
    assert "status" not in document["extension"]
    assert document["dimension"]["geo"]["category"] == {"index": {}, "label": {}}
    empty = document["extension"]["positions-with-no-data"]
    assert empty == {
        name: list(range(size)) for name, size in zip(document["id"], document["size"], strict=True)
    }


def test_the_language_changes_labels_only(sandbox: Running) -> None:
    english, french = (data(sandbox, "HLTH_SILC_10", f"lang={language}").json() for language in ("EN", "fr"))

    assert french["label"].startswith("Inventé : ")
    assert french["dimension"]["sex"]["category"]["label"]["F"] == "Femmes"
    assert (french["extension"]["lang"], english["extension"]["lang"]) == ("FR", "EN")
    assert decoded(french) == decoded(english)


@pytest.mark.parametrize(
    ("code", "query", "status", "number", "label"),
    [
        (
            "NOPE",
            "",
            404,
            100,
            "ERR_NOT_FOUND_4: NOPE (DATA_FLOW:ALL,1.0) is not available for dissemination.",
        ),
        (
            "HLTH_CD_ARO",
            "fromTimePeriod=2010",
            400,
            150,
            "INVALID_QUERY_DIMENSION: Query is invalid as per its structure's definition. "
            'Dimension "FROMTIMEPERIOD" is not defined',
        ),
        ("HLTH_DM_NOGEO", "geo=BE", 400, 150, 'INVALID_QUERY_DIMENSION: %Dimension "GEO" is not defined'),
        ("HLTH_CD_ARO", "time=2020-13", 400, 140, "TIME_PERIOD_FILTER_SPEC_INVALID%"),
        ("HLTH_CD_ARO", "sinceTimePeriod=2020-1", 400, 140, "TIME_PERIOD_FILTER_SPEC_INVALID%"),
        ("HLTH_CD_ARO", "untilTimePeriod=2020-Q01", 400, 140, "TIME_PERIOD_FILTER_SPEC_INVALID%"),
        ("HLTH_CD_ARO", "lastTimePeriod=all", 400, 140, "TIME_PERIOD_FILTER_SPEC_INVALID%"),
        (
            "HLTH_CD_ARO",
            "geo=BE&geoLevel=country",
            400,
            140,
            "'geo' parameter and 'geoLevel' parameter cannot be set at the same time.",
        ),
    ],
)
def test_a_wrong_request_is_refused_in_the_api_s_own_words(
    sandbox: Running, code: str, query: str, status: int, number: int, label: str
) -> None:
    answer = data(sandbox, code, query)
    error = answer.json()["error"][0]
    start, _, end = label.partition("%")

    assert (answer.status, error["status"], error["id"]) == (status, status, number)
    assert error["label"].startswith(start)
    assert error["label"].endswith(end)
    assert answer.headers["content-type"] == "application/json"


def test_an_error_body_is_spaced_like_the_real_one(sandbox: Running, shared: Path) -> None:
    recorded = (shared / "real" / "errors" / "error_400_id150_invalid_query_dimension.json").read_bytes()

    assert data(sandbox, "HLTH_CD_ARO", "fromTimePeriod=2010").body == recorded.strip()
    assert json.loads(recorded)
