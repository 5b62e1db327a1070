"""The last resort: the body without cells and the cells as SDMX-CSV, when JSON-stat is to be had in no other way."""

import gzip
from pathlib import Path

import pytest

from eurostat_assets.eurostat import Eurostat, EurostatError, RawJson
from eurostat_assets.eurostat.errors import (
    CutShort,
    ExtractionTooBig,
    NotAvailable,
    Refused,
    ReleaseChanged,
    StillPreparing,
    Unavailable,
    Unreadable,
    WrongDataset,
)
from eurostat_assets_tests.eurostat.bodies import body_of, content_of, inspect
from eurostat_assets_tests.eurostat.conftest import Publisher, Reply
from eurostat_assets_tests.eurostat.test_download import (
    ASYNC,
    PAGE,
    TOO_BIG,
    complete,
    cut_chunks,
    envelope,
)

OUTLINE = body_of(cells=0)
HEADER = b"DATAFLOW,LAST UPDATE,freq,TIME_PERIOD,OBS_VALUE,OBS_FLAG,CONF_STATUS\r\n"
CSV = HEADER + b"ESTAT:HLTH_A(1.0),06/02/26 23:00:00,A,2024,10.5,p,\r\n" * 20_000
SOAP = b'xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"'
QUEUED = (
    b"<S:Envelope " + SOAP + b"><S:Header/><S:Body>"
    b'<n:syncResponse xmlns:n="http://estat.ec.europa.eu/disschain/soap/extraction">'
    b"<queued><id>00000000-0000-4000-8000-000000000000</id><status>SUBMITTED</status></queued>"
    b"</n:syncResponse></S:Body></S:Envelope>"
)

too_big = complete(envelope(TOO_BIG), 413)
preparing = complete(envelope(ASYNC), 413)


def fault(code: int, text: str, *, wrapped: bool = False) -> bytes:
    inner = b"<faultcode>%d</faultcode><faultstring>%b</faultstring>" % (code, text.encode())
    if wrapped:
        return b"<S:Envelope %b><S:Body><S:Fault>%b</S:Fault></S:Body></S:Envelope>" % (SOAP, inner)
    return b"<?xml version='1.0'?><S:Fault %b>%b</S:Fault>" % (SOAP, inner)


def resort(eurostat: Eurostat, folder: Path, *, slices: bool = False, patience: float = 0) -> RawJson:
    return eurostat.download(
        "HLTH_A", folder, inspect=inspect, slices=slices, last_resort=True, patience=patience
    )


@pytest.mark.parametrize("refused", [too_big, preparing])
@pytest.mark.parametrize("table", [complete(gzip.compress(CSV)), complete(CSV)])
def test_what_json_refuses_comes_as_an_outline_and_sdmx_csv(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path, refused: Reply, table: Reply
) -> None:
    publisher.replies = [refused, complete(OUTLINE), table]
    raw = resort(eurostat, tmp_path)
    assert publisher.asked == [
        "/api/statistics/1.0/data/HLTH_A?format=JSON&lang=EN",
        "/api/statistics/1.0/data/HLTH_A?format=JSON&lang=EN&sinceTimePeriod=2999",
        "/api/sdmx/2.1/data/HLTH_A/?format=SDMX-CSV&compressed=true",
    ]
    assert (raw.route, raw.provenance()["route"]) == ("sdmx-csv", "sdmx-csv")
    assert [content_of(path) for path in raw.paths] == [OUTLINE, CSV]
    assert [path.name.split(".", 2)[2].partition(".")[0] for path in raw.paths] == ["json", "csv"]
    assert raw.release.version == "2026-02-06T22:00:00Z_2026-01-07T10:00:00Z"
    assert RawJson.from_json(raw.to_json(), tmp_path) == raw
    assert {*tmp_path.iterdir()} == {*raw.paths}


def test_it_is_the_last_and_only_for_those_who_allow_it(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete()]
    assert resort(eurostat, tmp_path / "whole").route == "whole"
    for refused, kind in ((too_big, ExtractionTooBig), (preparing, StillPreparing)):
        publisher.replies = [refused]
        with pytest.raises(kind):
            eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    # Slices do not help here: the body has but one code beside its time.
    publisher.replies = [too_big, complete(OUTLINE), complete(OUTLINE), complete(CSV)]
    assert resort(eurostat, tmp_path / "bulk", slices=True).route == "sdmx-csv"


def test_it_waits_for_the_json_first_and_for_the_csv_as_well_but_no_longer_than_told(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    soon = complete(envelope(ASYNC), 413, Retry_After="1")
    queued = complete(QUEUED, Content_Type="application/xml", Retry_After="1")
    publisher.replies = [soon, complete()]
    assert resort(eurostat, tmp_path, patience=5).route == "whole"
    publisher.replies = [too_big, complete(OUTLINE), queued, complete(CSV)]
    assert resort(eurostat, tmp_path, patience=5).route == "sdmx-csv"
    publisher.replies = [preparing, complete(OUTLINE), complete(QUEUED)]
    with pytest.raises(StillPreparing):
        resort(eurostat, tmp_path / "nothing")
    assert not list((tmp_path / "nothing").iterdir())


@pytest.mark.parametrize("date", [b"06/02/26 23:00:01", b"05/02/26 23:00:00", b"06/02/26 22:00:00", b""])
def test_a_file_of_another_release_is_never_taken(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path, date: bytes
) -> None:
    other = complete(CSV.replace(b"06/02/26 23:00:00", date))
    publisher.replies = [too_big, complete(OUTLINE), other, complete(OUTLINE), complete(CSV)]
    assert resort(eurostat, tmp_path / "cured").route == "sdmx-csv"
    publisher.replies = [too_big, *[complete(OUTLINE), other] * 3]
    with pytest.raises(ReleaseChanged, match="HLTH_A: Eurostat released it anew"):
        resort(eurostat, tmp_path / "lasting")
    assert not list((tmp_path / "lasting").iterdir())


def test_the_update_may_be_that_of_the_structure_when_it_is_the_later(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    older = body_of(data="2025-12-01T11:00:00+0100", cells=0)
    for date in (b"07/01/26 11:00:00", b"01/12/25 11:00:00"):
        table = CSV.replace(b"06/02/26 23:00:00", date)
        publisher.replies = [too_big, complete(older), complete(table)]
        assert resort(eurostat, tmp_path).route == "sdmx-csv"


@pytest.mark.parametrize(
    ("table", "kind", "words"),
    [
        (complete(CSV.replace(b"HLTH_A", b"HLTH_B")), WrongDataset, "the body of ESTAT:HLTH_B"),
        (complete(HEADER), Unreadable, "no row"),
        (complete(b"a,b\r\n1,2\r\n"), Unreadable, "instead of its column names"),
        (complete(b"\x00\xff\xfe\n\n"), Unreadable, "the bulk file"),
        (complete(OUTLINE), Unreadable, "the bulk file"),
        (complete(gzip.compress(CSV)[:-100]), CutShort, "not complete"),
        (cut_chunks, CutShort, "ended early"),
        (complete(b""), CutShort, "empty"),
        (complete(PAGE), Unavailable, "a web page"),
        (complete(fault(500, "internal"), 500), Unavailable, "status 500"),
        # A final refusal here is not the reason why the dataset is not there.
        (complete(fault(100, "ERR_NOT_FOUND_2: DATA_SET:HLTH_A"), 404), ExtractionTooBig, "too big"),
        (complete(fault(140, "INVALID_QUERY_NB_FILTERS"), 400), ExtractionTooBig, "too big"),
        (complete(fault(413, TOO_BIG), 413), ExtractionTooBig, "16,234,567"),
    ],
)
def test_the_bulk_file_is_checked_like_any_body(
    eurostat: Eurostat,
    publisher: Publisher,
    tmp_path: Path,
    table: Reply,
    kind: type[EurostatError],
    words: str,
) -> None:
    publisher.replies = [too_big, complete(OUTLINE), table]
    with pytest.raises(kind, match=r"^HLTH_A: ") as caught:
        resort(eurostat, tmp_path)
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("body", "status", "kind", "words"),
    [
        (fault(413, TOO_BIG), 413, ExtractionTooBig, "16,234,567 cells"),
        (fault(413, TOO_BIG, wrapped=True), 200, ExtractionTooBig, "16,234,567 cells"),
        (
            fault(100, "ERR_NOT_FOUND_2: DATA_SET:HLTH_A is not available"),
            404,
            NotAvailable,
            "ERR_NOT_FOUND_2",
        ),
        (fault(100, "NO_RESULTS"), 404, Refused, "NO_RESULTS"),
        (fault(500, "internal", wrapped=True), 200, Unavailable, "status 500: internal"),
        (QUEUED, 200, StillPreparing, "still preparing"),
        (b"<S:Fault><faultstring>", 200, Unreadable, "not a readable dataset"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><S:Fault>&a;</S:Fault>', 200, Unreadable, "not a readable dataset"),
    ],
)
def test_refusals_in_xml_are_understood_wherever_they_come(
    eurostat: Eurostat,
    publisher: Publisher,
    tmp_path: Path,
    body: bytes,
    status: int,
    kind: type[EurostatError],
    words: str,
) -> None:
    publisher.replies = [complete(body, status)]
    with pytest.raises(kind, match=r"^HLTH_A: ") as caught:
        eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    assert words in str(caught.value)
