from datetime import UTC, datetime
from pathlib import Path

import pytest

from eurostat_assets.eurostat.errors import Unreadable
from eurostat_assets.eurostat.feed import LARGEST, Feed, parse_feed

NOW = datetime(2026, 4, 25, 12, tzinfo=UTC)


def feed_of(*items: str) -> Feed:
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{"".join(items)}</channel></rss>'
    )
    return parse_feed(body.encode(), NOW)


def item(
    code: str, category: str = "UPDATED_DATASET_DATA", date: str = "2026-04-24 23:00:00.0", link: str = ""
) -> str:
    link = link or f"https://ec.europa.eu/eurostat/databrowser/product/page/{code}"
    tag = f"<category>{category}</category>" if category else ""
    return f'<item><link>{link}</link><pubDate>{date}</pubDate>{tag}<title>{code} - "x"</title></item>'


def test_the_recorded_feed_is_read_with_its_oddities(shared: Path) -> None:
    feed = parse_feed((shared / "real/rss/statistics-update_small.rss").read_bytes(), NOW)
    assert not feed.broken_items
    by_code = {entry.code: entry for entry in feed}
    assert len(feed) == 6
    assert by_code["LFSI_JHH_A"].published == datetime(2026, 4, 24, 21, tzinfo=UTC)
    assert by_code["LFST_HHACEDAY"].category == "UPDATED_DATASET_STRUCTURE_DATA"
    assert by_code["LFS_FAKE"].title == "Mixed-case LFS code (synthetic)"
    assert by_code["HLTH_DH010"].category is None
    assert by_code["HLTH_DH010"].about_dataset
    assert by_code["LFST_BROKEN"].published == NOW


def test_every_category_and_unknown_ones_are_kept_and_repetitions_are_not() -> None:
    feed = feed_of(
        item("HLTH_A"),
        item("HLTH_A"),
        item("HLTH_A", "NEW_DATASET"),
        item("HLTH_A$DV_1"),
        item("HLTH_B", "SURPRISE"),
        item("GEO", "UPDATED_CODE_LIST", link="https://ec.europa.eu/somewhere"),
        item("HLTH_C", "DELETED_DATASET"),
    )
    assert [(entry.code, entry.category, entry.about_dataset) for entry in feed] == [
        ("HLTH_A", "UPDATED_DATASET_DATA", True),
        ("HLTH_A", "NEW_DATASET", True),
        ("HLTH_A$DV_1", "UPDATED_DATASET_DATA", True),
        ("HLTH_B", "SURPRISE", True),
        ("GEO", "UPDATED_CODE_LIST", False),
        ("HLTH_C", "DELETED_DATASET", True),
    ]


def test_an_item_that_names_no_dataset_or_two_is_reported_and_the_rest_used() -> None:
    feed = feed_of(
        item("../../etc"), item("HLTH_A", link="https://x/product/page/HLTH_B"), "<item/>", item("HLTH_C")
    )
    assert [entry.code for entry in feed] == ["HLTH_C"]
    assert [line.split(":")[0] for line in feed.broken_items] == ["item 1", "item 2", "item 3"]


def test_a_date_in_the_year_9999_is_not_believed() -> None:
    assert feed_of(item("HLTH_A", date="9999-12-31 23:00:00.0"))[0].published == NOW
    west = "Fri, 31 Dec 9999 23:59:59 -0100"  # in UTC it is the year 10000, which Python has not
    assert feed_of(item("HLTH_A", date=west))[0].published == NOW


def test_a_feed_without_items_is_empty() -> None:
    assert feed_of() == []


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><rss><channel>&b;</channel></rss>'
)
SPY = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel>&a;</channel></rss>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Maintenance</body></html>",
        b"<rss/>",
        b"<rss><channel><item></rss>",
        b"junk" * 2_500_000,
        BOMB,
        SPY,
        b'<?xml version="1.0" encoding="UTF-8"?><rss><channel>\xe9</channel></rss>',
        b'<?xml version="1.0" encoding="no-such"?><rss><channel/></rss>',
        b"<rss><channel>" + b" " * LARGEST + b"</channel></rss>",
    ],
)
def test_what_is_no_feed_is_an_error_and_never_an_empty_one(body: bytes) -> None:
    with pytest.raises(Unreadable, match="the feed"):
        parse_feed(body, NOW)


LINKS = [
    "https://ec.europa.eu/eurostat/databrowser/product/page/HLTH_X",
    "https://ec.europa.eu/eurostat/databrowser/product/page/hlth_x?lang=fr",
    "https://ec.europa.eu/eurostat/databrowser/view/HLTH_X/default/table?lang=en",
    "https://ec.europa.eu/eurostat/databrowser/view/hlth_x__custom_1234/default/table",
    "https://ec.europa.eu/eurostat/web/products-datasets/-/hlth_x#anchor",
    "https://ec.europa.eu/eurostat/databrowser/product/view/HLTH%5FX",
    "https://somewhere.else/HLTH_X/",
]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("title", ["", "Dataset: updated data", "News of a dataset"])
def test_the_link_names_the_dataset_where_the_title_does_not(link: str, title: str) -> None:
    assert [one.code for one in feed_of(f"<item><title>{title}</title><link>{link}</link></item>")] == [
        "HLTH_X"
    ]


@pytest.mark.parametrize(
    "link",
    [
        *LINKS,
        "",
        "https://ec.europa.eu/eurostat/databrowser/bookmark/1f0e-77?lang=en",
        "https://[",
        "nowhere",
    ],
)
def test_the_title_names_the_dataset_whatever_the_link_is(link: str) -> None:
    feed = feed_of(
        f"<item><title>HLTH_X - &quot;Dataset: updated data&quot;</title><link>{link}</link></item>"
    )
    assert [one.code for one in feed] == ["HLTH_X"]


BROKEN = [
    "A & B",
    "a\x01b",
    "<b>bold",
    "&nbsp;",
    "</description><description>",
    "\ufffe",
    "<!-- ",
    "]]> <![CDATA[",
]


@pytest.mark.parametrize("text", BROKEN)
def test_one_bad_character_costs_no_other_item(text: str) -> None:
    items = [
        item("HLTH_A"),
        item("HLTH_B").replace("</item>", f"<description>{text}</description></item>"),
        item("HLTH_C"),
    ]
    feed = feed_of(*items)
    assert [entry.code for entry in feed] == ["HLTH_A", "HLTH_B", "HLTH_C"]
    assert feed[1].published == datetime(2026, 4, 24, 21, tzinfo=UTC)


def test_a_byte_that_is_no_utf_8_costs_no_other_item() -> None:
    body = f"<rss><channel>{item('HLTH_A')}{item('HLTH_B')}</channel></rss>".encode().replace(
        b'"x"', b'"\xff\xfe"', 1
    )
    feed = parse_feed(body, NOW)
    assert [entry.code for entry in feed] == ["HLTH_A", "HLTH_B"]
    assert "not well-formed" in feed.broken_items[0]


@pytest.mark.parametrize(
    "items", [["<item/>"], [item("no code"), item("neither is this")], ["<item><title>& - </title></item>"]]
)
def test_a_feed_of_which_nothing_is_readable_is_a_failed_look(items: list[str]) -> None:
    with pytest.raises(Unreadable, match="no item that can be read"):
        feed_of(*items)


def test_a_date_as_rss_has_it_is_read_as_well() -> None:
    assert feed_of(item("HLTH_A", date="Fri, 24 Apr 2026 21:00:00 GMT"))[0].published == datetime(
        2026, 4, 24, 21, tzinfo=UTC
    )
    assert feed_of(item("HLTH_A", date="Fri, 99 Apr 2026"))[0].published == NOW


def test_control_characters_are_taken_out_of_titles() -> None:
    described = item("HLTH_A").replace(
        "</item>", "<description>Deaths&#x85;by\u202ecause</description></item>"
    )
    assert feed_of(described)[0].title == "Deaths bycause"
