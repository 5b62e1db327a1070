"""The RSS feed of the last seven days: what Eurostat did to which dataset or code list, and when.

An item is a hint: whether a dataset really is newer is for its dates to say. So everything readable is kept
(any order, unknown and missing categories, unreadable dates) and everything else is reported, never guessed.
How an item names a dataset is said in naming.py; how the items are found, also in a feed that is not XML, in rss.py.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from eurostat_assets.eurostat.errors import MalformedCode, Unreadable
from eurostat_assets.eurostat.naming import named_code
from eurostat_assets.eurostat.release import parse_brussels
from eurostat_assets.eurostat.rss import Item, items_in
from eurostat_assets.eurostat.tables import Notes
from eurostat_assets.model.characters import NAME, clean

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

    def __init__(self, items: list[FeedItem], broken_items: Notes) -> None:
        super().__init__(items)
        self.broken_items = broken_items


def parse_feed(body: bytes, now: datetime | None = None) -> Feed:
    """Return every item once. Raises Unreadable, also for a feed with items of which none can be read.

    An unreadable date, or one more than a day ahead, is read as `now`: the item stays a hint.
    """
    if len(body) > LARGEST:
        raise Unreadable(f"the feed has {len(body):,} bytes, more than the {LARGEST:,} that are read")
    now = now or datetime.now(UTC)
    items: dict[FeedItem, None] = {}
    broken_items = Notes()
    for number, item in enumerate(items_in(body, broken_items), start=1):
        try:
            items[_feed_item(item, now)] = None
        except (MalformedCode, ValueError) as error:
            broken_items.add(f"item {number}", error)
    if broken_items and not items:
        raise Unreadable(f"the feed has no item that can be read ({broken_items[0][:200]})")
    return Feed(list(items), broken_items)


def _feed_item(item: Item, now: datetime) -> FeedItem:
    category = item.category.strip().upper() or None
    # Only datasets' links are known to name what the item is about.
    about_dataset = category is None or category in DATASET_CATEGORIES
    return FeedItem(
        code=named_code(item.title, item.link, link_must_agree=about_dataset),
        category=category and clean(category, NAME),
        published=_published(item.date, now),
        title=clean(item.description).strip(),
    )


def _published(text: str, now: datetime) -> datetime:
    """Brussels' wall clock as Eurostat writes it, or a date as RSS has it (RFC 822)."""
    try:
        published = parse_brussels(text)
    except ValueError:
        try:
            published = parsedate_to_datetime(text.strip()[:64])
            if published.tzinfo is None:
                return now
            published = published.astimezone(UTC)
        except (ValueError, OverflowError):
            return now
    return published if published <= now + timedelta(days=1) else now
