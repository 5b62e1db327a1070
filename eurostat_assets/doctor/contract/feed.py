"""The RSS feed: its form, the code in title and link, and times that are Brussels' wall clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from eurostat_assets.doctor.collecting import LANGUAGES
from eurostat_assets.doctor.contract.check import Case, NothingToSee, check, not_given, shown
from eurostat_assets.doctor.contract.inventory import rows as inventory_rows
from eurostat_assets.eurostat.feed import CODE_LIST_CATEGORIES, DATASET_CATEGORIES
from eurostat_assets.eurostat.release import parse_brussels, parse_moment

_HINTS = "Items are overlooked or their datasets checked in vain; the sweep brings what was overlooked"
_MEMBERS = ("title", "link", "pubDate", "description", "category")


def items(case: Case, name: str = "feed_en") -> list[Element]:
    """Raises NothingToSee for a feed without items, which is a good feed."""
    found = fromstring(case[name].content, forbid_dtd=True).findall("channel/item")
    if not found:
        raise NothingToSee("the feed holds no item at this moment")
    return found


def text_of(item: Element, member: str) -> str:
    return (item.findtext(member) or "").strip()


def code_of(item: Element) -> str:
    return text_of(item, "title").partition(" - ")[0].upper()


def about_datasets(case: Case) -> list[Element]:
    return [one for one in items(case) if text_of(one, "category") not in CODE_LIST_CATEGORIES]


@check(
    "feed_shape",
    "feed: RSS with a channel of items",
    needs=["feed_en"],
    after=["feed_address"],
    effect="The feed cannot be read: releases are noticed by sweeps only, every quarter of an hour",
)
def feed_shape(case: Case) -> Iterator[str]:
    root = fromstring(case["feed_en"].content, forbid_dtd=True)
    if root.tag != "rss" or root.find("channel") is None:
        yield f"a <{root.tag}> document"
        return
    for number, item in enumerate(root.findall("channel/item"), start=1):
        # Categories are known to be missing now and then.
        missing = [member for member in _MEMBERS[:-1] if not text_of(item, member)]
        if missing:
            yield f"item {number} has no {', '.join(missing)}"


@check(
    "feed_titles",
    'feed: titles are CODE - "event"',
    needs=["feed_en"],
    after=["feed_shape"],
    effect="None: the code is then taken from the link",
)
def feed_titles(case: Case) -> Iterator[str]:
    for item in items(case):
        if not re.fullmatch(r'[A-Za-z0-9_$-]+ - ".+"', text_of(item, "title")):
            yield shown(text_of(item, "title"))


@check(
    "feed_links",
    "feed: links of datasets end with their code",
    needs=["feed_en"],
    after=["feed_titles"],
    effect="None: the code is then taken from the title",
)
def feed_links(case: Case) -> Iterator[str]:
    for item in about_datasets(case):
        if text_of(item, "link").rpartition("/")[2].upper() != code_of(item):
            yield shown(text_of(item, "link"))


@check(
    "feed_categories",
    "feed: categories are among the eight that are known, or missing",
    needs=["feed_en"],
    after=["feed_shape"],
    effect="An unknown category is taken for news of a dataset: one probe too many",
)
def feed_categories(case: Case) -> Iterator[str]:
    known = DATASET_CATEGORIES | CODE_LIST_CATEGORIES | {""}
    for category in sorted({text_of(item, "category") for item in items(case)} - known):
        yield shown(category)


@check(
    "feed_dates",
    "feed: times as 2026-04-24 23:00:00.0, without a zone",
    needs=["feed_en"],
    after=["feed_shape"],
    effect="The item counts as of now: its dataset is probed, nothing is lost",
)
def feed_dates(case: Case) -> Iterator[str]:
    for item in items(case):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", text_of(item, "pubDate")):
            yield f"{code_of(item)}: {shown(text_of(item, 'pubDate'))}"


@check(
    "feed_brussels",
    "feed: its times are Brussels' wall clock, as the inventory's dates say",
    needs=["feed_en", "inventory"],
    after=["feed_dates", "feed_titles", "inventory_dates", "inventory_is_dataset"],
    effect="News seems an hour or two older than it is and could be taken for known; the sweep brings it",
)
def feed_brussels(case: Case) -> Iterator[str]:
    """Of the newest item of each dataset, whether it is of the minute that the inventory names."""
    listed = {code.upper(): (data, structure) for _, (code, _, _, data, structure) in inventory_rows(case)}
    newest: dict[str, datetime] = {}
    for item in about_datasets(case):
        if (code := code_of(item)) in listed:
            newest[code] = max(filter(None, [newest.get(code), parse_brussels(text_of(item, "pubDate"))]))
    if not newest:
        raise NothingToSee("no item speaks of a dataset of the inventory")
    apart: dict[timedelta, int] = {}
    for code, told in newest.items():
        dates = [parse_moment(text) for text in listed[code] if text.strip() not in ("", "-")]
        nearest = min((date - told for date in dates), key=abs)
        apart[nearest] = apart.get(nearest, 0) + 1
    common = max(apart, key=lambda gap: apart[gap])
    if abs(common) > timedelta(minutes=45):
        yield f"of {len(newest)} datasets {apart[common]} have dates {common} away from their items' times"


@check(
    "feed_languages",
    "feed: the same items in French and German",
    needs=[f"feed_{one}" for one in LANGUAGES],
    after=["feed_shape"],
    effect="With EUROSTAT_LANGUAGE=fr or de the feed cannot be read; none in English",
)
def feed_languages(case: Case) -> Iterator[str]:
    codes = sorted(map(code_of, items(case)))
    for language in LANGUAGES[1:]:
        if refused := not_given(case[f"feed_{language}"]):
            yield refused
            continue
        others = sorted(map(code_of, items(case, f"feed_{language}")))
        if others != codes:
            yield f"{language}: {len(others)} items instead of {len(codes)}"
