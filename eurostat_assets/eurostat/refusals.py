"""What Eurostat says instead of data, and which error that is. A pure function of status, headers and body.

A refusal comes with any status, 200 included, and in any of the formats of words.py; a status within it counts for more
than that of HTTP. On the SDMX paths an envelope with status 200 may say that the request was `queued`. In an outage a web
page comes, also with 200. Whatever the server said is part of the error's message.
"""

import re
from collections.abc import Mapping

from eurostat_assets.eurostat.errors import (
    EurostatError,
    ExtractionTooBig,
    NotAvailable,
    Refused,
    StillPreparing,
    Unavailable,
)
from eurostat_assets.eurostat.words import LARGEST, Words, plain_words, words_in

__all__ = ["LARGEST", "refusal", "retry_after"]

_PATIENCE = 120.0
"""Seconds to suggest where Eurostat does not: field reports speak of minutes."""

_ASTRAY = "Nothing was replaced; try again in some minutes, and if it stays so check the API address (EUROSTAT_API_URL)"
"""What a 404 calls for that says nothing of a dataset."""

_LONGEST_WAIT = 3600.0
"""Seconds; a server that speaks of next week is not believed."""

_TOO_LARGE = (130, 413, 510, None)
"""What SDMX (by the request's or the server's limit) and HTTP call a response that is too large; None: not numbered."""


def refusal(
    status: int, body: bytes, headers: Mapping[str, str], *, dataset: str | None, url: str
) -> EurostatError | None:
    """The error that this answer means, or None. `body`: the first LARGEST bytes, uncompressed."""
    words = words_in(body)
    if words and words.is_page:
        title = f" titled {words.label!r}" if words.label else ""
        return Unavailable(f"{url} answered with status {status} and a web page{title}", dataset=dataset)
    if words is None:
        if 200 <= status < 300:
            return None
        words = Words()
    status = words.status or status
    label = words.label or f"no reason given by {url}"
    if not words.label and (text := plain_words(body)):
        label += f", only the text {text!r}"
    return _by_label(status, label, words.identifier, headers, dataset)


def _by_label(
    status: int, label: str, identifier: int | None, headers: Mapping[str, str], dataset: str | None
) -> EurostatError:
    if "ASYNCHRONOUS_RESPONSE" in label:
        return StillPreparing(dataset, retry_after(headers) or _PATIENCE, label)
    if "EXTRACTION_TOO_BIG" in label or (dataset and status == 413 and identifier in _TOO_LARGE):
        estimate = _figure(r"estimated\s+([\d.,]+)", label)
        return ExtractionTooBig(dataset, estimate, _figure(r"authori[sz]ed is\s+([\d.,]+)", label), label)
    if "ERR_NOT_FOUND" in label:
        return NotAvailable(f"Eurostat does not offer it: {label}", dataset=dataset)
    # A 404 without that label is no word about a dataset: in incidents the table of contents gives one, too.
    if (status in (404, 408, 429) and "NO_RESULTS" not in label) or status >= 500:
        remedy = _ASTRAY if status == 404 else None
        return Unavailable(f"Eurostat answered with status {status}: {label}", dataset=dataset, remedy=remedy)
    return Refused(dataset, status, label, identifier)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After` header in its numeric form; None where there is none."""
    text = headers.get("Retry-After", "").strip()
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else None


def _figure(pattern: str, label: str) -> int | None:
    found = re.search(pattern, label)
    digits = re.sub(r"\D", "", found[1]) if found else ""
    return int(digits) if digits else None
