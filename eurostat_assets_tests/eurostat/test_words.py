"""The server's own words reach the person, in whatever format they came."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eurostat_assets.eurostat import EurostatError, ExtractionTooBig, NotAvailable, StillPreparing
from eurostat_assets.eurostat.errors import Refused, Unavailable
from eurostat_assets.eurostat.refusals import refusal
from eurostat_assets.eurostat.words import LONGEST, words_in

MESSAGE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message"


def told(status: int, body: bytes, dataset: str | None = "HLTH_A") -> EurostatError | None:
    return refusal(status, body, {}, dataset=dataset, url="https://x/y")


def sdmx_ml(code: int, text: str) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
        <m:Error xmlns:m="{MESSAGE}" xmlns:c="urn:common"><m:ErrorMessage code="{code}">
        <c:Text xml:lang="en">{text}</c:Text></m:ErrorMessage></m:Error>""".encode()


SAID = "Ministry proxy: come back at noon"
FORMATS = {
    "Eurostat's list": json.dumps({"error": [{"status": 400, "id": 140, "label": SAID}]}).encode(),
    "one object": json.dumps({"error": {"status": "400", "label": SAID}}).encode(),
    "a text": json.dumps({"error": SAID, "status": 400}).encode(),
    "a warning": json.dumps({"warning": {"status": 400, "label": SAID}}).encode(),
    "SDMX-JSON": json.dumps(
        {"meta": {}, "errors": [{"code": 140, "title": "Syntax", "detail": SAID}]}
    ).encode(),
    "SDMX-JSON by language": json.dumps({"errors": [{"code": 140, "title": {"en": SAID}}]}).encode(),
    "a problem of RFC 7807": json.dumps({"type": "about:blank", "status": 400, "detail": SAID}).encode(),
    "a gateway": json.dumps({"status": 400, "error": "Bad Request", "message": SAID, "path": "/x"}).encode(),
    "a byte-order mark": b"\xef\xbb\xbf" + json.dumps({"error": [{"id": 140, "label": SAID}]}).encode(),
    "UTF-16": json.dumps({"error": [{"id": 140, "label": SAID}]}).encode("utf-16"),
    "SDMX-ML": sdmx_ml(140, SAID),
    "SDMX-ML with a mark": b"\xef\xbb\xbf" + sdmx_ml(140, SAID),
    "a fault": f"<S:Fault xmlns:S='u'><faultcode>400</faultcode><faultstring>{SAID}</faultstring></S:Fault>".encode(),
    "plain text": SAID.encode(),
}


@pytest.mark.parametrize("body", FORMATS.values(), ids=FORMATS)
def test_any_format_is_understood(body: bytes) -> None:
    error = told(400, body)
    assert isinstance(error, Refused)
    assert SAID in str(error)


@pytest.mark.parametrize("body", [body for name, body in FORMATS.items() if name != "plain text"])
def test_a_refusal_within_a_200_is_one(body: bytes) -> None:
    assert isinstance(told(200, body), Refused)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":503,"error":"Service Unavailable"}',
        b'{"error":[{"status":500,"id":500,"label":"internal"}]}',
        b'{"errors":[{"code":503,"title":"Service Unavailable"}]}',
        b'\xef\xbb\xbf{"warning":{"status":502,"label":"bad gateway"}}',
        sdmx_ml(500, "Internal server error"),
    ],
)
def test_a_5xx_within_a_200_is_temporary(body: bytes) -> None:
    assert isinstance(told(200, body), Unavailable)


@pytest.mark.parametrize(
    "body", [sdmx_ml(130, "large"), sdmx_ml(510, "large"), b"Request Entity Too Large",
             b'{"error":[{"status":413,"id":413,"label":"EXTRACTION_TOO_BIG: estimated 7 rows"}]}']
)  # fmt: skip
def test_an_answer_that_would_be_too_large_is_asked_for_in_slices(body: bytes) -> None:
    assert isinstance(told(413, body), ExtractionTooBig)
    assert not isinstance(told(413, b"Request Entity Too Large", dataset=None), ExtractionTooBig)


def test_what_is_being_prepared_is_waited_for_whatever_the_status() -> None:
    label = "ASYNCHRONOUS_RESPONSE. Your request will be treated asynchronously."
    for status, body in [
        (413, {"error": [{"status": 413, "id": 413, "label": label}]}),
        (200, {"warning": {"status": 413, "label": label}}),
        (413, {"error": {"status": 413, "label": label}}),
    ]:
        error = told(status, json.dumps(body).encode())
        assert isinstance(error, StillPreparing)
        assert label in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b'{"version":"2.0","class":"dataset","label":"error","value":{}}',
        b'{"class":"dataset","extension":{},"error":1}',
        b'{"status":200,"hello":1}',
        b'{"nama_gdp_c":{"value":{},"status":{"value":[":"]}}}',
        b"freq,geo,TIME_PERIOD\n",
        b"<rss><channel><item><title>Error</title></item></channel></rss>",
    ],
)
def test_data_are_no_refusal(body: bytes) -> None:
    assert told(200, body) is None


def test_words_are_one_line_of_at_most_200_characters() -> None:
    long = "Invented \0\x1b[31m " + "very\n" * 500
    for body in (
        json.dumps({"error": [{"id": 140, "label": long}]}).encode(),
        sdmx_ml(140, "very long " * 99),
    ):
        words = words_in(body)
        assert words is not None
        assert LONGEST - 1 <= len(words.label) <= LONGEST  # no blank before the mark
        assert words.label.isprintable()
        assert words.label.endswith("…")


def test_words_of_a_page_are_its_title() -> None:
    error = told(
        502, b"\n<!DOCTYPE html><HTML lang=en><head><title lang=en>\n Sorry,\n down </title></head></HTML>"
    )
    assert isinstance(error, Unavailable)
    assert "a web page titled 'Sorry, down'" in str(error)


def test_a_sentence_ends_once() -> None:
    error = told(404, b'{"error":[{"status":404,"label":"ERR_NOT_FOUND_4: X is not available."}]}')
    assert isinstance(error, NotAvailable)
    assert ".." not in str(error)


@given(st.integers(100, 599), st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode),
       st.recursive(st.none() | st.integers() | st.text(max_size=20),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["error", "errors", "warning", "status", "code", "label", "detail", "x"]), inner,
                        max_size=4), max_leaves=8).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_nothing_a_server_says_is_a_crash_and_no_message_is_long(status: int, body: bytes) -> None:
    error = told(status, body)
    if not 200 <= status < 300:
        assert error is not None
    if error is not None:
        assert len(str(error)) < 700
        # A code point that Unicode has given to nobody yet is not printable either, and harms nobody.
        assert not {"Cc", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, str(error)))
