"""How answers travel: media types, compression, chunks, and what HTTP offers for asking again."""

from __future__ import annotations

from collections.abc import Iterator

from eurostat_assets.doctor.contract.check import Case, NothingToSee, check, not_given
from eurostat_assets.doctor.exchange import Exchange

_MEDIA_TYPES = {
    "inventory": ("application/octet-stream", "text/tab-separated-values"),
    "toc_en": ("text/plain",),
    "feed_en": ("application/xml", "text/xml", "application/rss+xml"),
    "whole": ("application/json",),
    "outline_en": ("application/json",),
    "unknown_dataset": ("application/json",),
    "bulk": ("application/vnd.sdmx.data+csv", "text/csv", "application/octet-stream"),
}
_BIG = ("inventory", "toc_en", "feed_en", "whole")


def _big(case: Case) -> list[Exchange]:
    """Of the big answers those that came. Raises NothingToSee when none did."""
    answers = [case[name] for name in _BIG if name in case.exchanges and not_given(case[name]) is None]
    if not answers:
        raise NothingToSee("nothing was answered")
    return answers


@check(
    "media_types",
    "transport: answers have the media types of the documentation",
    needs=[],
    effect="None: what a body is, is seen from the body itself. It often comes with a change of the body",
)
def media_types(case: Case) -> Iterator[str]:
    _big(case)
    for name, known in _MEDIA_TYPES.items():
        exchange = case.exchanges.get(name)
        refusal = name == "unknown_dataset" and exchange and exchange.content.lstrip().startswith(b"{")
        if exchange is None or not (refusal or not_given(exchange) is None):
            continue
        sent = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
        if sent not in known:
            yield f"{name}: {sent or 'none'} instead of {known[0]}"


@check(
    "gzip",
    "transport: answers come compressed when asked for that",
    needs=[],
    effect="Downloads take several times as long; what is stored is compressed here. It is not promised for JSON",
    remedy="Nothing needs doing; check whether a proxy on the way removes `Accept-Encoding`",
)
def gzip(case: Case) -> Iterator[str]:
    for exchange in _big(case):
        if not exchange.gzipped:
            yield f"{exchange.name} came as it is, {exchange.wire_bytes:,} bytes"


@check(
    "chunked",
    "transport: answers come in chunks, their length is not announced",
    needs=[],
    effect="None: lengths are used for progress where they are announced",
    remedy="Nothing needs doing; check whether a proxy on the way stores answers before it passes them on",
)
def chunked(case: Case) -> Iterator[str]:
    for exchange in _big(case):
        if "content-length" in exchange.headers:
            yield f"{exchange.name} announces {exchange.headers['content-length']} bytes"


@check(
    "no_validators",
    "transport: no ETag and no Last-Modified, so dates tell what is new",
    needs=[],
    effect="None: news is judged by the dates in the answers. Polls could become cheaper",
    remedy="Nothing needs doing; please report it, it is an opportunity",
)
def no_validators(case: Case) -> Iterator[str]:
    for exchange in _big(case):
        for header in ("etag", "last-modified"):
            if header in exchange.headers:
                yield f"{exchange.name} has {header}: {exchange.headers[header]}"


@check(
    "no_ranges",
    "transport: a part of a body cannot be had, a request for it brings all",
    needs=["outline_range"],
    after=["outline_address"],
    effect="None: a download that was cut begins anew. It could be continued instead",
    remedy="Nothing needs doing; please report it, it is an opportunity",
)
def no_ranges(case: Case) -> Iterator[str]:
    exchange = case["outline_range"]
    if exchange.status != 200:
        yield f"a request with `Range: bytes=0-99` is answered with status {exchange.status}"
