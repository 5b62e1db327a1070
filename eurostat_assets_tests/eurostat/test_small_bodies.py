"""Probe, inventory, table of contents and feed over real HTTP."""

import gzip
import json
from pathlib import Path

import pytest

from eurostat_assets.eurostat import Eurostat, EurostatError, NotAvailable, Transient
from eurostat_assets.eurostat.errors import (
    CutShort,
    RedirectRefused,
    TooSlow,
    Unavailable,
    Unreachable,
    Unreadable,
    WrongDataset,
)
from eurostat_assets_tests.eurostat.bodies import body_of
from eurostat_assets_tests.eurostat.conftest import Publisher, Reply
from eurostat_assets_tests.eurostat.test_catalogue import INVENTORY, PAGE, TOC
from eurostat_assets_tests.eurostat.test_download import (
    chunked,
    complete,
    cut_chunks,
    cut_length,
    envelope,
    silence,
    silence_in_the_middle,
    trickle,
    trickle_headers,
)
from eurostat_assets_tests.eurostat.test_feed import BOMB, SPY, item

FEED = b'<rss version="2.0"><channel><item><title>HLTH_A - "x"</title></item></channel></rss>'


def test_a_probe_asks_for_no_cell_and_takes_the_dates_of_the_whole_dataset(
    eurostat: Eurostat, publisher: Publisher, shared: Path
) -> None:
    publisher.replies = [
        complete((shared / "real/jsonstat-eurostat/nama_10_gdp_time_empty.json").read_bytes())
    ]
    assert eurostat.probe("nama_10_gdp").version == "2024-11-14T10:00:00Z_2024-10-18T09:00:00Z"
    assert publisher.asked == [
        "/api/statistics/1.0/data/NAMA_10_GDP?format=JSON&lang=EN&sinceTimePeriod=2999"
    ]


@pytest.mark.parametrize(
    "refused",
    [
        complete(envelope("NO_RESULTS", 100)),
        complete(envelope("NO_RESULTS", 404), 404),
        complete(envelope("TIME_PERIOD_FILTER_SPEC_INVALID", 400), 400),
        complete(envelope("ASYNCHRONOUS_RESPONSE"), 413),
        complete(b"[1]"),
        complete(b"x" * 20_000_000),
    ],
)
def test_a_probe_that_is_refused_turns_to_the_inventory(
    eurostat: Eurostat, publisher: Publisher, refused: Reply
) -> None:
    publisher.replies = [refused, complete(INVENTORY)]
    assert eurostat.probe("HLTH_A").version == "2026-02-06T22:00:00Z_2026-01-07T10:00:00Z"
    assert publisher.asked[1] == "/api/files/inventory?type=data"
    publisher.replies = [refused, complete(INVENTORY)]
    with pytest.raises(NotAvailable, match="HLTH_GONE: the inventory does not list it"):
        eurostat.probe("HLTH_GONE")


def test_a_probe_is_not_fooled(eurostat: Eurostat, publisher: Publisher) -> None:
    publisher.replies = [complete(body_of("HLTH_B"))]
    with pytest.raises(WrongDataset):
        eurostat.probe("HLTH_A")
    publisher.replies = [complete(envelope("ERR_NOT_FOUND_4: HLTH_A", 404), 404)]
    with pytest.raises(NotAvailable):
        eurostat.probe("HLTH_A")


def test_catalogue_and_feed_arrive_plain_or_compressed_and_survive_a_cut(
    eurostat: Eurostat, publisher: Publisher
) -> None:
    publisher.replies = [cut_chunks, complete(gzip.compress(INVENTORY), Content_Encoding="gzip")]
    assert len(eurostat.inventory()) == 4
    publisher.replies = [cut_chunks, complete(TOC)]
    assert len(eurostat.toc()) == 8
    publisher.replies = [cut_chunks, complete(FEED)]
    assert [item.code for item in eurostat.feed()] == ["HLTH_A"]
    assert publisher.asked[-1] == "/api/catalogue/rss/en/statistics-update.rss"


def test_a_web_page_an_empty_body_or_junk_is_never_an_empty_catalogue(
    eurostat: Eurostat, publisher: Publisher
) -> None:
    for ask in (eurostat.inventory, eurostat.toc, eurostat.feed):
        publisher.replies = [complete(PAGE)]
        with pytest.raises(Unavailable, match="a web page titled 'Sorry'"):
            ask()
        publisher.replies = [complete(b"")]
        with pytest.raises(CutShort, match="empty body"):
            ask()
        publisher.replies = [complete(b"junk" * 20_000_000)]
        with pytest.raises(Unreadable, match="more than"):
            ask()
        publisher.replies = [complete(json.dumps({"hello": 1}).encode())]
        with pytest.raises(Unreadable):
            ask()


@pytest.mark.parametrize(
    "body",
    [
        b"junk" * 2_500_000,
        gzip.compress(b"<rss><channel>" + b" " * 200_000_000 + b"</channel></rss>", 1),
        BOMB,
        SPY,
        b'<?xml version="1.0" encoding="UTF-8"?><rss><channel><title>\xe9</title></channel></rss>',
        FEED[:-20],
        TOC,
        INVENTORY,
    ],
    ids=["junk", "gzip bomb", "XML bomb", "spy", "encoding", "cut", "contents", "inventory"],
)
def test_a_feed_that_is_none_is_an_error_and_never_no_news(
    eurostat: Eurostat, publisher: Publisher, body: bytes
) -> None:
    publisher.replies = [complete(body)]
    with pytest.raises(Unreadable) as caught:
        eurostat.feed()
    assert isinstance(caught.value, Transient)
    assert len(str(caught.value)) < 300


def test_of_a_feed_with_odd_items_the_others_are_used(eurostat: Eurostat, publisher: Publisher) -> None:
    items = [
        item("HLTH_A", date="9999-12-31 23:00:00.0"),
        item("../../etc/passwd"),
        item("HLTH_B", link="https://ec.europa.eu/../HLTH_C"),
        item("NAMA_10_GDP", category="NO_SUCH_CATEGORY", date="yesterday"),
        item("HLTH_\ud83d".encode("utf-8", "replace").decode()),
        item("HLTH_D", category=""),
    ]
    body = "<rss><channel>" + "".join(items) + "</channel></rss>"
    publisher.replies = [chunked(gzip.compress(body.encode()))]
    feed = eurostat.feed()
    assert [entry.code for entry in feed] == ["HLTH_A", "NAMA_10_GDP", "HLTH_D"]
    assert [line.split(":")[0] for line in feed.broken_items] == ["item 2", "item 3", "item 5"]
    assert max(entry.published.year for entry in feed) < 9999


def test_broken_lines_of_the_catalogue_are_reported_over_the_wire_as_well(
    eurostat: Eurostat, publisher: Publisher
) -> None:
    publisher.replies = [complete(INVENTORY + b"HLTH_\xff\tDATASET\t-\t2026\t2026\n")]
    inventory = eurostat.inventory()
    assert list(inventory) == ["HLTH_A", "HLTH_A$DV_343", "ENPE_HLTH_EXP", "NAMA_10_GDP"]
    assert len(inventory.broken_lines) == 4
    publisher.replies = [complete(TOC)]
    assert len(eurostat.toc().broken_lines) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (complete(PAGE, 503), Unavailable),
        (complete(b"", 429), Unavailable),
        (complete(b"", 500), Unavailable),
        (complete(envelope("ASYNCHRONOUS_RESPONSE"), 413), Transient),
        (complete(b"", 302, Location="/sorry"), RedirectRefused),
        (cut_chunks, CutShort),
        (cut_length, CutShort),
        (complete(gzip.compress(INVENTORY)[:-9]), CutShort),
        (silence, Unreachable),
        (trickle_headers, Unreachable),
        (silence_in_the_middle, TooSlow),
        (trickle, Transient),
    ],
)
def test_feed_and_catalogue_meet_the_faults_of_any_answer(
    impatient: Eurostat,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
    kind: type[EurostatError],
) -> None:
    monkeypatch.setattr("eurostat_assets.eurostat.client._SHORT_DEADLINE", 3)
    for ask in (impatient.feed, impatient.inventory, impatient.toc):
        publisher.replies = [reply]
        with pytest.raises(kind):
            ask()


def test_every_language_has_its_own_addresses(publisher: Publisher) -> None:
    publisher.replies = [complete(FEED), complete(TOC), complete(body_of())]
    with Eurostat(publisher.url + "/", language="FR") as eurostat:
        eurostat.feed()
        eurostat.toc()
        eurostat.probe("HLTH_A")
    assert publisher.asked == [
        "/api/catalogue/rss/fr/statistics-update.rss",
        "/api/catalogue/toc/txt?lang=fr",
        "/api/statistics/1.0/data/HLTH_A?format=JSON&lang=FR&sinceTimePeriod=2999",
    ]


@pytest.mark.parametrize("address", ["", "ec.europa.eu", "ftp://x/", "https://"])
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(ValueError, match="is not an API's address"):
        Eurostat(address)
