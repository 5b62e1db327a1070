"""The RSS feed of the last seven days: what Eurostat did to which dataset or code list, and when.

An item is a hint: whether a dataset really is newer is for its dates to say. So everything readable is kept
(any order, unknown and missing categories, unreadable dates) and everything else is reported, never guessed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

from eurostat_assets.eurostat.codes import check_code
from eurostat_assets.eurostat.errors import MalformedCode, Unreadable
from eurostat_assets.eurostat.release import parse_brussels

LARGEST = 8 * 2**20
"""Bytes; the largest feed met in 2026 had 0.7 MB."""

DATASET_CATEGORIES = frozenset(
    {
        "NEW_DATASET",
        "DELETED_DATASET",
        "UPDATED_DATASET_DATA",
        "UPDATED_DATASET_STRUCTURE",
        "UPDATED_DATASET_STRUCTURE_DATA",
    }
)
CODE_LIST_CATEGORIES = frozenset({"NEW_CODE_LIST", "UPDATED_CODE_LIST", "DELETED_CODE_LIST"})


@dataclass(frozen=True, slots=True)
class FeedItem:
    """`category` as sent, None where missing; `published` in UTC; `title` of the dataset or code list."""

    code: str
    category: str | None
    published: datetime
    title: str

    @property
    def about_dataset(self) -> bool:
        """Whether `code` may be a dataset's: an unknown or missing category is a hint all the same."""
        return self.category not in CODE_LIST_CATEGORIES


class Feed(list[FeedItem]):
    """The items in the order sent, each once; `broken_items` says what was unreadable: `item 3: reason`."""

    def __init__(self, items: list[FeedItem], broken_items: list[str]) -> None:
        super().__init__(items)
        self.broken_items = broken_items


def parse_feed(body: bytes, now: datetime | None = None) -> Feed:
    """Every item once. Raises Unreadable.

    An unreadable date, or one more than a day ahead, is read as `now`: the item stays a hint.
    """
    channel = _channel(body)
    now = now or datetime.now(UTC)
    items: dict[FeedItem, None] = {}
    broken_items: list[str] = []
    for number, element in enumerate(channel.iterfind("item"), start=1):
        try:
            items[_parse_item(element, now)] = None
        except (MalformedCode, ValueError) as error:
            broken_items.append(f"item {number}: {error}")
    return Feed(list(items), broken_items)


def _channel(body: bytes) -> Element:
    from defusedxml.ElementTree import fromstring

    if len(body) > LARGEST:
        raise Unreadable(f"the feed has {len(body):,} bytes, more than the {LARGEST:,} that are read")
    try:
        root = fromstring(body, forbid_dtd=True)
    # Besides ParseError: an unknown encoding is a LookupError or ValueError, a forbidden DTD or entity a
    # ValueError.
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(
            f"the feed is not well-formed, harmless XML: {type(error).__name__} {error}"
        ) from error
    channel = root.find("channel") if root.tag == "rss" else None
    if channel is None:
        raise Unreadable(f"the feed is a <{root.tag}> document instead of RSS")
    return channel


def _parse_item(item: Element, now: datetime) -> FeedItem:
    title = (item.findtext("title") or "").strip()
    link = (item.findtext("link") or "").strip()
    category = (item.findtext("category") or "").strip().upper() or None
    code = check_code(title.split(" - ", 1)[0] if title else _last_segment(link))
    # Only datasets' links are known to end with the code.
    about_dataset = category is None or category in DATASET_CATEGORIES
    if title and link and about_dataset and _last_segment(link).upper() != code:
        raise ValueError(f"the title speaks of {code}, the link of {_last_segment(link)!r}")
    return FeedItem(
        code=code,
        category=category,
        published=_published(item.findtext("pubDate") or "", now),
        title=(item.findtext("description") or "").strip(),
    )


def _last_segment(link: str) -> str:
    return unquote(urlsplit(link).path.rstrip("/").rpartition("/")[2])


def _published(text: str, now: datetime) -> datetime:
    try:
        published = parse_brussels(text)
    except ValueError:
        return now
    return published if published <= now + timedelta(days=1) else now
