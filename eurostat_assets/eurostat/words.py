"""A server's own words in an answer that is no data, whatever their format.

    {"error": [{"status": 404, "id": 100, "label": "ERR_NOT_FOUND_4: …"}]}     Eurostat; one object, or `warning`, as well
    {"errors": [{"code": 130, "title": "…", "detail": "…"}]}                   SDMX-JSON
    {"status": 503, "error": "Service Unavailable", "path": "/x"}              a gateway; RFC 7807 in the same way
    <S:Fault>…<faultcode>413</faultcode><faultstring>…</faultstring>           SOAP, as the SDMX paths fault
    <mes:Error><mes:ErrorMessage code="130"><com:Text>…</com:Text>             SDMX-ML; a message's footer as well
    <html>…<title>…</title>                                                    a page of whatever stands in between
    anything else                                                              plain text

A pure function of the body. Which error an answer means is said in refusals.py.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from eurostat_assets.model.messages import line

LONGEST = 200
"""Characters of a message that reach the person."""

LARGEST = 64 * 1024
"""Bytes. A real refusal has about 200; whatever is longer is none."""

_STATUS = ("status", "statusCode", "httpStatus")
_IDENTIFIER = ("id", "code", "faultcode")
_LABEL = ("label", "detail", "message", "description", "text", "reason", "title", "name")
_DATA = frozenset({"class", "value", "dimension"})  # a dataset has one of these


@dataclass(frozen=True, slots=True)
class Words:
    """`label` is one line of at most LONGEST characters, empty where nothing is said. `status` and `identifier` are the
    numbers beside it, None where there are none. `queued`: it is the envelope of a queue that took the request.
    """

    label: str = ""
    status: int | None = None
    identifier: int | None = None
    is_page: bool = False
    queued: bool = False


def words_in(body: bytes) -> Words | None:
    """What `body` (its first LARGEST bytes) says in a format of errors; None where it may be data, or is plain text."""
    text = _decoded(body)
    if text.startswith("<"):
        if re.search(r"<html\b", text, re.IGNORECASE):
            return Words(_page_title(text), is_page=True)
        return None if len(body) >= LARGEST else _in_xml(text)
    if text.startswith("{") and len(body) < LARGEST:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return _in_json(answer)
    return None


def plain_words(body: bytes) -> str:
    """The beginning of a body that is of no format, as one line."""
    return one_line(_decoded(body[:4096]))


def one_line(text: str) -> str:
    """Return `text` fit for a record, without superfluous blanks, and not longer than LONGEST."""
    return line(text, LONGEST)


def _decoded(body: bytes) -> str:
    """With or without a byte-order mark; UTF-16 is what some servers on Windows write."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", errors="replace").strip()
    return body.decode("utf-8-sig", errors="replace").strip()


def _in_json(answer: dict[str, Any]) -> Words | None:
    if _DATA & answer.keys():
        return None
    for member in ("error", "errors", "warning", "fault", "Error", "errorMessage"):
        if member in answer:
            inner = answer[member]
            break
    else:
        inner = answer if (_number(answer, _STATUS) or 0) >= 400 else None
    if isinstance(inner, list):
        inner = inner[0] if inner else {}
    if isinstance(inner, str):
        more = _text(answer, ("message", "detail"))
        inner = {"label": f"{inner}: {more}" if more else inner}
    if not isinstance(inner, dict):
        return None
    status = _number(inner, _STATUS) or _number(answer, _STATUS)
    identifier = _number(inner, _IDENTIFIER)
    return Words(one_line(_text(inner, _LABEL)), status or _as_status(identifier), identifier)


def _in_xml(text: str) -> Words | None:
    if not re.search(r"<(?:[\w.-]+:)?(?:Fault|Envelope|Error|ErrorMessage|Footer)[ >/]", text):
        return None
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(text.encode(), forbid_dtd=True)
    except (SyntaxError, ValueError, LookupError):
        return None
    found: dict[str, Element] = {}
    for element in root.iter():
        found.setdefault(str(element.tag).rpartition("}")[2], element)
    if "queued" in found:
        return Words("ASYNCHRONOUS_RESPONSE", queued=True)
    if "faultstring" in found:
        code = found.get("faultcode")
        return _coded(found["faultstring"].text, code.text if code is not None else None)
    message = found.get("ErrorMessage")
    if message is None and "Footer" in found:
        message = found.get("Message")
    if message is None:
        return None
    return _coded(" ".join(message.itertext()), message.get("code"))


def _coded(label: str | None, code: str | None) -> Words:
    identifier = _number({"code": (code or "").strip()}, ("code",))
    return Words(one_line(label or ""), _as_status(identifier), identifier)


def _as_status(identifier: int | None) -> int | None:
    """The HTTP status that an error's own number is, if it is one; SDMX's 510 means what HTTP calls 413."""
    if identifier == 510:
        return 413
    return identifier if identifier is not None and 400 <= identifier < 600 else None


def _page_title(text: str) -> str:
    found = re.search(r"<title[^>]{0,200}>([^<]{1,1000})", text, re.IGNORECASE)
    return one_line(found[1]) if found else ""


def _number(members: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = members.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _text(members: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first of these members that is a text, or holds one, as SDMX-JSON's texts by language do."""
    for name in names:
        value = members.get(name)
        if isinstance(value, dict):
            value = next((one for one in value.values() if isinstance(one, str)), None)
        if isinstance(value, str) and value.strip():
            return value
    return ""
