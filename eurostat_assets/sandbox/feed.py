"""The RSS feed: what its items are called and how the file reads.

Which items there are is the publisher's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Literal
from xml.sax.saxutils import escape

from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.draw import code_hash

WINDOW = timedelta(days=7)
Event = Literal["data", "structure", "both", "new", "deleted"]
CATEGORIES: dict[Event, str] = {
    "data": "UPDATED_DATASET_DATA",
    "structure": "UPDATED_DATASET_STRUCTURE",
    "both": "UPDATED_DATASET_STRUCTURE_DATA",
    "new": "NEW_DATASET",
    "deleted": "DELETED_DATASET",
}
_EVENTS = {
    "UPDATED_DATASET_DATA": "Dataset: updated data",
    "UPDATED_DATASET_STRUCTURE": "Dataset: updated structure",
    "UPDATED_DATASET_STRUCTURE_DATA": "Dataset: updated structure and data",
    "NEW_DATASET": "Dataset: new data",
    "DELETED_DATASET": "Dataset: deleted",
    "NEW_CODE_LIST": "Code list: new",
    "UPDATED_CODE_LIST": "Code list: updated",
    "DELETED_CODE_LIST": "Code list: deleted",
}
PRODUCT = "https://ec.europa.eu/eurostat/databrowser/product/page"


@dataclass(frozen=True)
class Item:
    """One announcement. No category is written when it is None."""

    code: str
    category: str | None
    date: datetime
    description: str

    @property
    def title(self) -> str:
        return f'{self.code} - "{_EVENTS.get(self.category or "", "Dataset: updated data")}"'


def items_of(code: str, description: str, event: Event, slot: datetime) -> list[Item]:
    """What the feed says of one event; now and then twice, as the real feed does."""
    item = Item(code, CATEGORIES[event], slot, description)
    return [item] * (2 if code_hash(code, slot.isoformat()) % 4 == 0 else 1)


def items_of_first(edition: Edition, description: str) -> list[Item]:
    """What the feed told of a first edition, when that was new."""
    code, data, structure = edition.code, edition.update_data, edition.update_structure
    if data == structure:
        return items_of(code, description, "both", data)
    return [
        *items_of(code, description, "data", data),
        *items_of(code, description, "structure", structure),
    ]


def rss(items: Iterable[Item], now: datetime, built: datetime | None, language: str) -> bytes:
    """The feed of the last seven days, in no order that a reader could rely on, but the same for every reader."""
    current = [item for item in items if item.date > now - WINDOW]
    Random(len(current)).shuffle(current)
    pub_date = (built or now.replace(microsecond=0)).astimezone(BRUSSELS).strftime("%Y-%m-%d %H:%M:%S")
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0">\n  <channel>\n'
        "    <title>Eurostat - Data and Data Structure updates</title>\n"
        "    <link>https://ec.europa.eu/eurostat/</link>\n"
        "    <description>Invented updates of the sandbox</description>\n"
        f"    <language>{language}</language>\n    <pubDate>{pub_date}</pubDate>\n"
    )
    return (head + "".join(map(_item, current)) + "  </channel>\n</rss>\n").encode()


def _item(item: Item) -> str:
    category = f"      <category>{escape(item.category)}</category>\n" if item.category else ""
    date = item.date.astimezone(BRUSSELS).strftime("%Y-%m-%d %H:%M:%S.0")
    return (
        f"    <item>\n      <title>{escape(item.title)}</title>\n{category}"
        f"      <pubDate>{date}</pubDate>\n      <link>{PRODUCT}/{escape(item.code)}</link>\n"
        f"      <description>{escape(item.description)}</description>\n    </item>\n"
    )
