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
