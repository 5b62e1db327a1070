"""What Eurostat says instead of data, and which error that is. A pure function of status, headers and body.

A refusal is `{"error": [{"status": 404, "id": 100, "label": "ERR_NOT_FOUND_4: …"}]}`, the same with one
object in place of the list, or `{"warning": {…}}`, and comes with any status, 200 included. The SDMX paths say
the same in XML: a fault, or with status 200 an envelope that the request was `queued`. In an outage a web page
comes, also with 200.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from eurostat_assets.eurostat.errors import (
    EurostatError,
    ExtractionTooBig,
    NotAvailable,
    Refused,
    StillPreparing,
    Unavailable,
)

LARGEST = 64 * 1024
"""Bytes. A real envelope has about 200; whatever is longer is none."""

_PATIENCE = 120.0
"""Seconds to suggest where Eurostat does not: field reports speak of minutes."""

_ASTRAY = "Nothing was replaced; try again in some minutes, and if it stays so check the API address (EUROSTAT_API_URL)"
"""What a 404 calls for that says nothing of a dataset."""

_LONGEST_WAIT = 3600.0
"""Seconds; a server that speaks of next week is not believed."""


def refusal(
    status: int, body: bytes, headers: Mapping[str, str], *, dataset: str | None, url: str
) -> EurostatError | None:
    """The error that this answer means, or None. `body`: the first LARGEST bytes, uncompressed."""
    if _is_web_page(body):
        return Unavailable(
            f"{url} answered with status {status} and a web page{_page_title(body)}", dataset=dataset
        )
    envelope = _xml_envelope(body) if (found := _envelope(body)) is None else found
    if envelope is not None:
        status = _whole_number(envelope.get("status")) or status
        label = str(envelope.get("label") or "no reason given")
        return _by_label(status, label, _whole_number(envelope.get("id")), headers, dataset)
    if 200 <= status < 300:
        return None
    return _by_label(status, f"no reason given by {url}", None, headers, dataset)


def _by_label(
    status: int, label: str, identifier: int | None, headers: Mapping[str, str], dataset: str | None
) -> EurostatError:
    if "ASYNCHRONOUS_RESPONSE" in label:
        return StillPreparing(dataset, retry_after(headers) or _PATIENCE)
    if "EXTRACTION_TOO_BIG" in label:
        return ExtractionTooBig(
            dataset, _figure(r"estimated\s+([\d.,]+)", label), _figure(r"authori[sz]ed is\s+([\d.,]+)", label)
        )
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


def _envelope(body: bytes) -> dict[str, Any] | None:
    """The first object under `error` or `warning`. A dataset has neither."""
    if len(body) >= LARGEST or not body.lstrip().startswith(b"{"):
        return None
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if "class" in answer or "id" in answer:
        return None
    inner = answer.get("error", answer.get("warning"))
    if isinstance(inner, list):
        inner = inner[0] if inner else {}
    if isinstance(inner, str):
        inner = {"label": inner}
    return inner if isinstance(inner, dict) else None


def _xml_envelope(body: bytes) -> dict[str, Any] | None:
    """The same of a fault or a queue envelope, as the SDMX paths send them."""
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if len(body) >= LARGEST or not text.startswith(b"<") or not re.search(rb"[<:](Fault|Envelope)[ >]", text):
        return None
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(text, forbid_dtd=True)
    except (SyntaxError, ValueError, LookupError):
        return None
    found = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root.iter()}
    if "queued" in found:
        return {"label": "ASYNCHRONOUS_RESPONSE"}
    if "faultstring" not in found or root.tag.rpartition("}")[2] not in ("Fault", "Envelope"):
        return None
    code = _whole_number(found.get("faultcode"))
    return {"label": found["faultstring"], "id": code, "status": code if code and code >= 400 else None}


def _is_web_page(body: bytes) -> bool:
    return body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") and b"<html" in body.lower()


def _page_title(body: bytes) -> str:
    found = re.search(rb"<title[^>]*>\s*(.{1,80}?)\s*</title>", body, re.IGNORECASE | re.DOTALL)
    return f" titled {found[1].decode('utf-8', errors='replace')!r}" if found else ""


def _figure(pattern: str, label: str) -> int | None:
    found = re.search(pattern, label)
    digits = re.sub(r"\D", "", found[1]) if found else ""
    return int(digits) if digits else None


def _whole_number(value: object) -> int | None:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else None
