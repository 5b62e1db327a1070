"""Changes of the inventory, the table of contents, the feed and the code lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.contract.change import CHANGES, Change, Reply

_Match = re.Match[str]


def _edited(
    resource: str, pattern: str, replacement: str | Callable[[_Match], str], count: int = 0
) -> Change:
    """The body of a resource, with a pattern (by line) replaced."""

    def edit(reply: Reply) -> None:
        if reply.resource == resource:
            text = reply.body.decode()
            reply.body = re.sub(pattern, replacement, text, count=count, flags=re.MULTILINE).encode()

    return edit


def _a_day_later(match: _Match) -> str:
    moment = datetime.fromisoformat(match[0]) + timedelta(days=1)
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


def _in_utc(match: _Match) -> str:
    """The same moment, by the clock of Greenwich."""
    moment = datetime.fromisoformat(match[1]).replace(tzinfo=BRUSSELS).astimezone(UTC)
    return f"<pubDate>{moment:%Y-%m-%d %H:%M:%S}.0<"


def _as_rfc_822(match: _Match) -> str:
    moment = datetime.fromisoformat(match[1]).replace(tzinfo=BRUSSELS)
    return f"<pubDate>{moment:%a, %d %b %Y %H:%M:%S %z}<"


def _without_german(reply: Reply) -> None:
    if reply.resource == "toc" and reply.query.get("lang") == ["de"]:
        reply.body = reply.body[: reply.body.index(b"\n", 600) + 1]


def _german_feed_gone(reply: Reply) -> None:
    if reply.resource == "feed" and "/de/" in reply.path:
        reply.move()


_DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"
_PUB_DATE = r"<pubDate>(.{19})\.0<"

CHANGES |= {
    "inventory_column_renamed": _edited("inventory", "Last data change", "Data updated"),
    "inventory_columns_moved": _edited("inventory", r"^([^\t]+)\t([^\t]+)\t", r"\2\t\1\t"),
    "inventory_dates_form": _edited(
        "inventory", r"(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d):\d\d[+-]\d{4}", r"\3.\2.\1 \4"
    ),
    "inventory_dates_ahead": _edited("inventory", _DATE, _a_day_later),
    "inventory_codes_lower": _edited("inventory", r"^[A-Z0-9_$]+(?=\t[DE])", lambda match: match[0].lower()),
    "inventory_type_new": _edited("inventory", r"\tDATASET\t", "\tTABLE\t", 1),
    "toc_column_renamed": _edited("toc", '"values"', '"observations"', 1),
    "toc_unquoted": _edited("toc", '"', ""),
    "toc_indent_two": _edited("toc", r'^"( +)', lambda match: '"' + "  " * (len(match[1]) // 4)),
    "toc_type_new": _edited("toc", '\t"table"\t', '\t"cube"\t'),
    "toc_dates_iso": _edited("toc", r"(\d\d)\.(\d\d)\.(\d{4})", r"\3-\2-\1"),
    "toc_sizes_grouped": _edited("toc", r"\t(\d+)(\d{3})$", r"\t\1 \2"),
    "toc_health_elsewhere": _edited("toc", r'"popul"', '"society"'),
    "toc_codes_with_version": _edited("toc", r'\t"([a-z0-9_]+)"\t"(dataset|table)"', r'\t"\1_v1"\t"\2"'),
    "toc_german_short": _without_german,
    "feed_atom": _edited("feed", r"(</?)rss", r"\1feed"),
    "feed_titles_of_datasets": _edited("feed", r"<title>[A-Z0-9_$]+ - ", "<title>"),
    "feed_links_by_query": _edited("feed", "product/page/([A-Z0-9_]+)", r"view?code=\1"),
    "feed_category_new": _edited("feed", "UPDATED_DATASET_STRUCTURE_DATA", "REVISED_DATASET"),
    "feed_dates_rfc_822": _edited("feed", _PUB_DATE, _as_rfc_822),
    "feed_dates_utc": _edited("feed", _PUB_DATE, _in_utc),
    "feed_german_gone": _german_feed_gone,
    "codelists_column_renamed": _edited("codelists", "^Code\tSource\tVersion", "Code\tSource\tRevision"),
    "codelist_with_header": _edited("codelist", r"\A", "code\tlabel EN\tnote\r\n", 1),
}


def _without_health(reply: Reply) -> None:
    """Nothing that is called HLTH is offered any more."""
    lines = reply.body.splitlines(keepends=True)
    if reply.resource == "inventory":
        reply.body = b"".join(line for line in lines if b"HLTH" not in line.partition(b"\t")[0])
    elif reply.resource == "toc":
        reply.body = b"".join(line for line in lines if b'"folder"' in line or b"hlth" not in line)


CHANGES["theme_gone"] = _without_health
