"""The items of an RSS document: by an XML parser, or one by one out of a text that is not well-formed.

One bare ampersand in one description, or one bad character, must not cost the other items. Neither way expands entities
of the document's own, opens anything, or does more than a few passes over the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from xml.etree.ElementTree import Element, ParseError

from eurostat_assets.eurostat.errors import Unreadable
from eurostat_assets.eurostat.tables import Notes

_LONGEST_ITEM = 20_000  # characters of an item that are looked at
_DECLARED = re.compile(rb'^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["\']([A-Za-z0-9._-]{1,40})["\']')
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")


@dataclass(frozen=True, slots=True)
class Item:
    """The members of an item as sent, empty where missing."""

    title: str
    link: str
    category: str
    date: str
    description: str


def items_in(body: bytes, broken: Notes) -> Iterator[Item]:
    """Each item of the document. `broken` is told when it is not well-formed. Raises Unreadable for what is no RSS,
    declares entities, or has no whole item.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Unreadable(f"the feed is no harmless XML: {type(error).__name__}") from error
    # An unknown encoding is a LookupError or ValueError.
    except (ParseError, ValueError, LookupError) as error:
        problem = f"the feed is not well-formed XML: {type(error).__name__} {error}"
        items = list(_salvaged(body))
        if not items:
            raise Unreadable(problem) from error
        broken.add("feed", problem)
        yield from items
        return
    channel = root.find("channel") if root.tag == "rss" else None
    if channel is None:
        raise Unreadable(f"the feed is a <{str(root.tag)[:80]}> document instead of RSS")
    yield from map(_item, channel.iterfind("item"))


def _item(element: Element) -> Item:
    members = ("title", "link", "category", "pubDate", "description")
    return Item(*(element.findtext(name) or "" for name in members))


def _salvaged(body: bytes) -> Iterator[Item]:
    """The items that begin and end, whatever is between and around them."""
    text = _decoded(body)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return
    for piece in text.split("<item")[1:]:
        content, ends, _ = piece.partition("</item")
        if ends and content[:1] in (">", " ", "\n", "\r", "\t"):
            content = content[:_LONGEST_ITEM]
            members = ("title", "link", "category", "pubDate", "description")
            yield Item(*(_member(content, name) for name in members))


def _member(item: str, name: str) -> str:
    begin = item.find(f"<{name}>")
    end = item.find(f"</{name}>", begin)
    if begin < 0 or end < 0:
        return ""
    return unescape(_CDATA.sub("", item[begin + len(name) + 2 : end]))


def _decoded(body: bytes) -> str:
    declared = _DECLARED.match(body[:300])
    for encoding in (declared and declared[1].decode(), "utf-8-sig"):
        if encoding:
            try:
                return body.decode(encoding)
            except (UnicodeError, LookupError):
                continue
    return body.decode("utf-8", errors="replace")
