"""Every fault as the wire shows it, how often faults come, and what the tally tells of them."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from eurostat_assets.sandbox import Running, running
from eurostat_assets.sandbox.errors import MalformedFaults, SandboxError
from eurostat_assets.sandbox.faults import CATALOGUE, KINDS, ON_THE_WAY, Faults, Rule, parse
from eurostat_assets_tests.sandbox.conftest import Answer, data, get
from eurostat_assets_tests.sandbox.decoding import decoded, of_batches

CODE = "HLTH_SILC_10"
ASYNCHRONOUS = "ASYNCHRONOUS_RESPONSE. Your request will be treated asynchronously. Please try again later."


@pytest.fixture(scope="module")
def hostile() -> Iterator[Running]:
    with running(profile="tests", gzip=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def no_faults_afterwards(hostile: Running) -> Iterator[None]:
    yield
    hostile.set_faults("")


def is_web_page(answer: Answer) -> bool:
    return answer.body.startswith(b"<!DOCTYPE html>") and answer.headers["content-type"].startswith(
        "text/html"
    )


# By what the answer is, and by what it is beside the good body.
SHOWN: dict[str, Callable[[Answer], bool]] = {
    "html": lambda a: a.status == 200 and is_web_page(a),
    "redirect": lambda a: a.status == 302 and is_web_page(get(a.headers["location"])),
    "empty": lambda a: (a.status, a.body) == (200, b""),
    "500": lambda a: a.status == 500 and a.json()["error"][0]["status"] == 500,
    "503": lambda a: a.status == 503 and is_web_page(a) and "retry-after" not in a.headers,
    "503_retry_after": lambda a: (a.status, a.headers["retry-after"]) == (503, "1"),
    "429": lambda a: (a.status, a.body) == (429, b"") and "retry-after" not in a.headers,
    "429_retry_after": lambda a: (a.status, a.headers["retry-after"]) == (429, "1"),
    "async_error": lambda a: (
        a.status == 413 and a.json() == {"error": [{"status": 413, "id": 413, "label": ASYNCHRONOUS}]}
    ),
    "async_object": lambda a: (
        a.status == 413 and a.json() == {"error": {"status": 413, "id": 413, "label": ASYNCHRONOUS}}
    ),
    "async_warning": lambda a: (
        a.status == 200 and a.json() == {"warning": {"status": 413, "label": ASYNCHRONOUS}}
    ),
    "async": lambda a: b"ASYNCHRONOUS_RESPONSE" in a.body,
    "too_big": lambda a: a.status == 413 and a.json()["error"][0]["label"].startswith("EXTRACTION_TOO_BIG: "),
    "not_found": lambda a: a.status == 404 and b"ERR_NOT_FOUND_4: HLTH_SILC_10" in a.body,
    "wrong_dataset": lambda a: a.status == 200 and a.json()["extension"]["id"] == "HLTH_SILC_SECRET",
}
SPOILED: dict[str, Callable[[Answer, bytes], bool]] = {
    "cut": lambda a, good: a.status == 200 and good.startswith(a.body) and 0 < len(a.body) < len(good),
    "gzip_unmarked": lambda a, good: gzip.decompress(a.body) == good and "content-encoding" not in a.headers,
    "miscount": lambda a, good: (
        decoded(a.json()) == decoded(json.loads(good)) and counted(a.json()) == counted(json.loads(good)) + 1
    ),
    "missing_cells": lambda a, good: (
        decoded(a.json()).items() < decoded(json.loads(good)).items()
        and counted(a.json()) == counted(json.loads(good)) > len(decoded(a.json()))
    ),
}


def counted(document: dict) -> int:
    return int(next(a["title"] for a in document["extension"]["annotation"] if a["type"] == "OBS_COUNT"))


@pytest.mark.parametrize("kind", [*SHOWN, *SPOILED])
def test_a_fault_shows_on_the_wire_and_only_for_its_dataset(hostile: Running, kind: str) -> None:
    good = data(hostile, CODE).body
    before = hostile.tally()["faults_met"]
    hostile.set_faults(f"{kind}=1", [CODE])
    answer = data(hostile, CODE)
    met = hostile.tally()["faults_met"]

    assert SHOWN[kind](answer) if kind in SHOWN else SPOILED[kind](answer, good)
    assert sum(met.values()) == sum(before.values()) + 1
    assert data(hostile, "HLTH_RS_BDS").json()["extension"]["id"] == "HLTH_RS_BDS"
    hostile.set_faults("")
    assert data(hostile, CODE).body == good


def test_every_kind_of_fault_is_tested() -> None:
    elsewhere = {"truncated", "reset", "trickle", "released", "csv_queued"}
    of_catalogue = {kind for kind in KINDS if kind.startswith(CATALOGUE)}

    assert KINDS - of_catalogue == SHOWN.keys() | SPOILED.keys() | elsewhere
    assert {kind for kind in of_catalogue if kind.partition("_")[2] not in ON_THE_WAY} == {
        "feed_junk",
        "feed_bomb",
        "feed_odd",
        "feed_encoding",
        "inventory_line",
        "inventory_half",
        "toc_no_health",
    }


def test_a_truncated_body_breaks_off_and_the_connection_is_closed(hostile: Running) -> None:
    good = data(hostile, CODE).body
    hostile.set_faults("truncated=1")
    with pytest.raises(http.client.IncompleteRead) as cut:
        data(hostile, CODE)

    assert good.startswith(cut.value.partial)


def test_a_reset_connection_never_answers(hostile: Running) -> None:
    hostile.set_faults("reset=1")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        data(hostile, CODE)


def test_a_trickling_answer_comes_one_byte_a_second(hostile: Running) -> None:
    hostile.set_faults("trickle=1")
    address = urlsplit(hostile.api_url)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    connection.request("GET", f"{address.path}/statistics/1.0/data/{CODE}")
    answer, started = connection.getresponse(), time.monotonic()
    received = answer.read(3)
    took = time.monotonic() - started
    connection.close()

    assert received == b'{"v'
    assert took > 1.8


def test_a_release_lands_between_two_answers(hostile: Running) -> None:
    before = data(hostile, "HLTH_CO_DISCH").json()
    hostile.set_faults("released=1", ["HLTH_CO_DISCH"])
    slices = [data(hostile, "HLTH_CO_DISCH", f"sex={sex}").json() for sex in "TM"]

    assert slices[0]["updated"] == before["updated"] < slices[1]["updated"]


def test_a_dataset_that_is_too_big_comes_in_slices(hostile: Running) -> None:
    hostile.set_faults("too_big=1", [CODE])
    refused = data(hostile, CODE).json()["error"][0]["label"]
    ages = data(hostile, CODE, "sinceTimePeriod=2999").json()["dimension"]["age"]["category"]["index"]
    cells = {}
    for age in ages:
        cells |= decoded(data(hostile, CODE, f"age={age}").json())

    assert "estimated" in refused
    assert cells == of_batches(hostile.cells(CODE))


def test_put_off_twice_means_that_the_third_answer_comes(hostile: Running) -> None:
    hostile.set_faults("async_error:2=1", [CODE])

    assert [data(hostile, CODE).status for _ in range(6)] == [413, 413, 200] * 2
    # Nobody is put off for a request without cells.
    assert {data(hostile, CODE, "sinceTimePeriod=2999").status for _ in range(3)} == {200}


def test_faults_of_the_catalogue(hostile: Running) -> None:
    inventory, toc, feed = (
        f"{hostile.api_url}/{path}"
        for path in (
            "files/inventory?type=data",
            "catalogue/toc/txt",
            "catalogue/rss/en/statistics-update.rss",
        )
    )
    hostile.release(CODE)
    good = {url: get(url).body for url in (inventory, toc, feed)}

    def met(fault: str, url: str) -> Answer:
        hostile.set_faults(f"{fault}=1")
        return get(url)

    assert is_web_page(met("feed_html", feed))
    assert met("feed_503", feed).status == met("inventory_503", inventory).status == 503
    assert is_web_page(met("toc_html", toc))
    assert get(inventory).body == good[inventory]  # what befalls one does not befall another
    junk = met("feed_junk", feed).body
    assert len(junk) == 10_000_000
    assert met("feed_bomb", feed).body.count(b"<!ENTITY") == 10
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(met("feed_encoding", feed).body)
    odd = ElementTree.fromstring(met("feed_odd", feed).body)
    titles = [item.findtext("title") or "" for item in odd.iter("item")]
    assert f'{CODE} - "Dataset: updated data"' in titles
    assert any(title.startswith("../") for title in titles)
    assert any(title.partition(" - ")[0].islower() for title in titles)
    assert any((item.findtext("pubDate") or "").startswith("9999") for item in odd.iter("item"))
    assert any("$" in title for title in titles)

    broken = met("inventory_line", inventory).body.splitlines()
    assert [line.count(b"\t") == 9 for line in broken].count(False) == 1
    half = met("inventory_half", inventory).body.splitlines()
    assert len(half) == len(good[inventory].splitlines()) // 2 + 1
    rest = met("toc_no_health", toc).body
    assert b'"hlth"' not in rest
    assert b'"hlth_silc_10"' not in rest
    assert b'"hlth_cd_aro"' in rest  # it is filed under the regions as well
    assert set(rest.splitlines()) < set(good[toc].splitlines())


def test_the_tally_counts_requests_whole_bodies_and_repetitions() -> None:
    with running(profile="tests") as sandbox:
        for code in ("HLTH_RS_BDS", "HLTH_RS_BDS", CODE):
            data(sandbox, code)
        sandbox.release(CODE)
        data(sandbox, CODE)
        sandbox.set_faults("503=1")
        data(sandbox, CODE)
        sandbox.set_faults("")
        data(sandbox, CODE, "sex=T")
        data(sandbox, CODE, "sinceTimePeriod=2999")
        data(sandbox, "NOPE")
        get(f"{sandbox.api_url}/sdmx/2.1/data/{CODE}/?format=TSV")
        get(f"{sandbox.api_url}/files/inventory?type=data")
        get(f"{sandbox.api_url}/catalogue/rss/en/statistics-update.rss")
        tally = sandbox.tally()

    assert tally == {
        "requests": {"csv": 1, "data": 5, "feed": 1, "inventory": 1, "probe": 1, "refused": 1, "slice": 1},
        "faults_met": {"503": 1},
        "bodies": {"HLTH_RS_BDS": 2, CODE: 3},
        "again": {"HLTH_RS_BDS": 1, CODE: 1},
    }


def test_rates_are_met_on_average_and_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[str | None]:
        faults = Faults(seed, "html=0.1,async=0.2,feed_503=0.5")
        return [faults.draw("data", f"HLTH_{n % 50}") for n in range(5_000)]

    draws = drawn(0)

    assert draws == drawn(0) != drawn(1)
    assert 0.08 < draws.count("html") / len(draws) < 0.12
    assert 0.17 < sum((kind or "").startswith("async_") for kind in draws) / len(draws) < 0.23
    assert {"async_error", "async_object", "async_warning"} < set(draws)


def test_datasets_with_faults_of_their_own_follow_no_others() -> None:
    faults = Faults(0, "html=1")
    faults.set("503=1", ["HLTH_A"])
    faults.set("", ["HLTH_B"])

    assert [faults.draw("data", code) for code in ("HLTH_A", "HLTH_B", "HLTH_C")] == ["503", None, "html"]
    faults.set("empty=1")
    assert [faults.draw("data", code) for code in ("HLTH_A", "HLTH_B")] == ["empty"] * 2


@pytest.mark.parametrize("text", ["html", "html=", "html=x", "nope=0.1", "html=0.6,503=0.6", "html=2", "a b"])
def test_a_text_that_names_no_faults_is_refused(text: str) -> None:
    with pytest.raises(MalformedFaults, match="is not a list of faults"):
        parse(text)


def test_the_text_form_of_faults(hostile: Running) -> None:
    assert parse(" html=0.05, async:3=.2 ,") == (Rule("html", 0.05), Rule("async", 0.2, 3))
    assert parse("") == ()
    # Two kinds of requests may each have their own.
    assert len(parse("html=0.9,feed_html=0.9,inventory_503=0.9")) == 3
    with pytest.raises(SandboxError, match="there is no 'nope'"):
        hostile.set_faults("nope=1")
