"""What a change of the API is, how one is added, and the layer that applies them to answers on their way out."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eurostat_assets.sandbox.body import dumps
from eurostat_assets.sandbox.client import API_PATH
from eurostat_assets.sandbox.errors import UnknownChange


@dataclass
class Reply:
    """A whole answer, to be altered in place. `path` is that below the API's, `body` uncompressed.

    `gzip`: whether it will be sent compressed with `Content-Encoding`, `packed`: compressed without;
    `announced`: with its length, so not in chunks.
    """

    path: str
    query: dict[str, list[str]]
    asked: dict[str, str]
    status: int
    headers: dict[str, str]
    body: bytes
    gzip: bool
    packed: bool
    announced: bool = False

    @property
    def resource(self) -> str:
        """inventory, toc, feed, codelists, codelist, data, outline (the empty slice), slice, bulk."""
        if self.path.startswith("/statistics"):
            others = self.query.keys() - {"format", "lang"}
            return (
                "outline"
                if "2999" in self.query.get("sinceTimePeriod", [])
                else "slice"
                if others
                else "data"
            )
        if self.path.startswith("/files/inventory"):
            return "codelists" if self.query.get("type") == ["codelist"] else "inventory"
        places = {"/catalogue/toc": "toc", "/catalogue/rss": "feed", "/sdmx/2.1/codelist": "codelist"}
        return next((name for place, name in places.items() if self.path.startswith(place)), "bulk")

    @property
    def is_json_stat(self) -> bool:
        return self.status == 200 and self.path.startswith("/statistics")

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)

    @document.setter
    def document(self, document: object) -> None:
        self.body = dumps(document)

    def move(self) -> None:
        """Nothing is at this address any more."""
        self.status, self.body, self.headers = (
            404,
            b"<html><title>Not found</title></html>",
            {"content-type": "text/html"},
        )


Change = Callable[[Reply], object]

CHANGES: dict[str, Change] = {}


def change(function: Change) -> Change:
    """Register a change under its function's name; its docstring says what it breaks."""
    CHANGES[function.__name__] = function
    return function


class Contract:
    """The layer around the application. Without changes it lets everything through as it comes."""

    def __init__(self) -> None:
        self._changes: list[Change] = []

    def set(self, names: Sequence[str]) -> None:
        """From now on these changes instead of those before. Raises UnknownChange."""
        for name in names:
            if name not in CHANGES:
                raise UnknownChange(name, tuple(CHANGES))
        self._changes = [CHANGES[name] for name in names]

    def around(self, app: ASGIApp) -> ASGIApp:
        async def altered(scope: Scope, receive: Receive, send: Send) -> None:
            if not self._changes or scope["type"] != "http" or not scope["path"].startswith(API_PATH):
                await app(scope, receive, send)
                return
            messages: list[Message] = []

            async def keep(message: Message) -> None:
                messages.append(message)

            await app(scope, receive, keep)
            reply = _reply(scope, messages)
            for one in self._changes:
                one(reply)
            await _send(reply, send)

        return altered


def _reply(scope: Scope, messages: Sequence[Message]) -> Reply:
    headers = {name.decode().lower(): value.decode() for name, value in messages[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in messages[1:])
    gzip = headers.pop("content-encoding", "") == "gzip"
    packed = not gzip and body.startswith(b"\x1f\x8b")
    return Reply(
        path=scope["path"].removeprefix(API_PATH),
        query=parse_qs(scope["query_string"].decode(), keep_blank_values=True),
        asked={name.decode().lower(): value.decode() for name, value in scope["headers"]},
        status=messages[0]["status"],
        headers={name: value for name, value in headers.items() if name != "content-length"},
        body=zlib.decompress(body, wbits=31) if gzip or packed else body,
        gzip=gzip,
        packed=packed,
    )


async def _send(reply: Reply, send: Send) -> None:
    body, headers = reply.body, dict(reply.headers)
    if reply.gzip or reply.packed:
        compressor = zlib.compressobj(1, wbits=31)
        body = compressor.compress(body) + compressor.flush()
    if reply.gzip:
        headers["content-encoding"] = "gzip"
    if reply.announced:
        headers["content-length"] = str(len(body))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
