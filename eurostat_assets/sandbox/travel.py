"""How answers travel: in chunks, compressed or not, as fast as the line is, and what can happen to them on the way.

What they say is decided elsewhere; here a body is just bytes.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from eurostat_assets.sandbox.extraction import CostModel
from eurostat_assets.sandbox.faults import CATALOGUE, ON_THE_WAY, Faults
from eurostat_assets.sandbox.tally import Tally

SORRY_PATH = "/sorry/maintenance.html"
_SORRY = "<!DOCTYPE html><html><head><title>Sorry, we are in maintenance</title></head><body>Invented</body></html>"
_ERROR = '{ "error": [{"status": 500,"id": 500,"label": "INTERNAL_SERVER_ERROR"}]}'
_CONNECTION = "sandbox.connection"


@dataclass(frozen=True)
class Behaviour:
    """How answers travel: `pace` in bytes per second and connection, `latency` in seconds before the first byte."""

    gzip: bool = True
    pace: float | None = None
    latency: float = 0.0
    cost: CostModel = field(default_factory=CostModel)


class Traveller:
    """Sends every answer of the imitated API, and decides beforehand which fault it meets."""

    def __init__(self, behaviour: Behaviour, faults: Faults, tally: Tally) -> None:
        self._behaviour = behaviour
        self._faults = faults
        self._tally = tally

    def fault(self, resource: str, code: str = "") -> str | None:
        """Count a request for a resource (as in faults.py), and say which fault it meets."""
        self._tally.asked(resource)
        fault = self._faults.draw(resource, code)
        if fault:
            self._tally.met(fault)
        # `feed_html` is `html` from here on; what befalls the feed alone keeps its name.
        if resource in CATALOGUE and fault and (plain := fault.removeprefix(f"{resource}_")) in ON_THE_WAY:
            return plain
        return fault

    def send(
        self,
        request: Request,
        chunks: Iterator[bytes],
        headers: Mapping[str, str],
        fault: str | None = None,
        *,
        compress: bool = True,
        on_sent: Callable[[], object] = lambda: None,
    ) -> Response:
        """A chunked answer without length, ETag or date; ranges are ignored. Compressed only for those who ask.

        `compress` False: the bytes are a file that is compressed already. `on_sent` is called when all of them were
        handed to the network.
        """
        if fault in _INSTEAD:
            return _INSTEAD[fault](request)
        if compress and fault == "gzip_unmarked":
            chunks = gzipped(chunks)
        elif compress and self._behaviour.gzip and "gzip" in request.headers.get("accept-encoding", ""):
            headers = {**headers, "Content-Encoding": "gzip"}
            chunks = gzipped(chunks)
        if fault == "trickle":
            return StreamingResponse(_trickling(chunks), headers=headers)
        if fault in ("cut", "truncated"):
            chunks = _cut(chunks)
        paced = _paced(chunks, self._behaviour.pace, self._behaviour.latency, on_sent)
        return (_Truncated if fault == "truncated" else StreamingResponse)(paced, headers=headers)


def with_connection(app: ASGIApp) -> ASGIApp:
    """The application that can drop its connections: ASGI has no word for it, but uvicorn's `send` knows them."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        scope[_CONNECTION] = getattr(send, "__self__", None)
        await app(scope, receive, send)

    return wrapped


def sorry(request: Request) -> Response:  # noqa: ARG001 - the signature of an endpoint
    """The maintenance page that `redirect` leads to."""
    return HTMLResponse(_SORRY)


def gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(1, wbits=31)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()


class _Dropped(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        _drop(scope)


class _Truncated(StreamingResponse):
    async def stream_response(self, send: Send) -> None:
        async def unfinished(message: dict) -> None:
            if message["type"] == "http.response.start" or message["more_body"]:
                await send(message)

        await super().stream_response(unfinished)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)
        _drop(scope)


def _drop(scope: Scope) -> None:
    """Close the connection after what was written, without the end that uvicorn would put to the answer."""
    connection = scope[_CONNECTION]
    connection.disconnected = True
    connection.transport.close()


def _unavailable(status: int, retry_after: bool) -> Callable[[Request], Response]:
    headers = {"Retry-After": "1"} if retry_after else {}
    page = _SORRY if status == 503 else ""
    return lambda request: HTMLResponse(page, status, headers)  # noqa: ARG005


_INSTEAD: Mapping[str | None, Callable[[Request], Response]] = MappingProxyType(
    {
        "html": sorry,
        "redirect": lambda request: RedirectResponse(
            str(request.base_url).rstrip("/") + SORRY_PATH, status_code=302
        ),
        "empty": lambda request: Response(b"", media_type="application/json"),  # noqa: ARG005
        "500": lambda request: Response(_ERROR, 500, media_type="application/json"),  # noqa: ARG005
        "503": _unavailable(503, False),
        "503_retry_after": _unavailable(503, True),
        "429": _unavailable(429, False),
        "429_retry_after": _unavailable(429, True),
        "reset": lambda request: _Dropped(),  # noqa: ARG005
    }
)


def _cut(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """All but the second half of the last chunk."""
    held = b""
    for chunk in chunks:
        if chunk:
            yield held
            held = chunk
    yield held[: len(held) // 2]


async def _trickling(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        for place in range(len(chunk)):
            yield chunk[place : place + 1]
            await asyncio.sleep(1)


def _paced(
    chunks: Iterator[bytes], pace: float | None, latency: float, on_sent: Callable[[], object]
) -> Iterator[bytes]:
    """The chunks, not faster than `pace` bytes per second; empty ones, which would end the answer, are left out."""
    if latency:
        sleep(latency)
    started, sent = monotonic(), 0
    for chunk in chunks:
        if not chunk:
            continue
        if pace is None:
            yield chunk
            continue
        # A tenth of a second's worth at a time, so that a slow line trickles instead of stalling.
        step = max(1, int(pace / 10))
        for start in range(0, len(chunk), step):
            yield chunk[start : start + step]
            sent += len(chunk[start : start + step])
            sleep(max(0.0, started + sent / pace - monotonic()))
    on_sent()
