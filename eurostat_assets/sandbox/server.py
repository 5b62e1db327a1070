"""The HTTP face: Eurostat's paths under `/eurostat/api/dissemination`.

How answers travel; what they say is decided in query.py, body.py, catalogue.py and feed.py. The sandbox's own doors are in
doors.py.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic, sleep

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from eurostat_assets.sandbox import catalogue, query
from eurostat_assets.sandbox.client import API_PATH
from eurostat_assets.sandbox.doors import Doors
from eurostat_assets.sandbox.extraction import CostModel, Extractions, Later
from eurostat_assets.sandbox.feed import rss
from eurostat_assets.sandbox.publisher import Publisher
from eurostat_assets.sandbox.query import Refused


@dataclass(frozen=True)
class Behaviour:
    """How answers travel: `pace` in bytes per second and connection, `latency` in seconds before the first byte."""

    gzip: bool = True
    pace: float | None = None
    latency: float = 0.0
    cost: CostModel = field(default_factory=CostModel)


def application(publisher: Publisher, behaviour: Behaviour | None = None) -> Starlette:
    """The ASGI application. Handlers are plain functions: Starlette runs them, and their streams, in threads."""
    return Starlette(
        routes=_Eurostat(publisher, behaviour or Behaviour()).routes() + Doors(publisher).routes()
    )


class _Eurostat:
    """The dissemination API."""

    def __init__(self, publisher: Publisher, behaviour: Behaviour) -> None:
        self.publisher = publisher
        self.behaviour = behaviour
        self.extractions = Extractions(behaviour.cost)

    def routes(self) -> list[Route]:
        return [
            Route(API_PATH + path, endpoint)
            for path, endpoint in (
                ("/statistics/1.0/data/{code}", self.data),
                ("/catalogue/toc/txt", self.toc),
                ("/files/inventory", self.inventory),
                ("/catalogue/rss/{language}/statistics-update.rss", self.rss),
                ("/sdmx/2.1/codelist/ESTAT/{identifier}", self.codelist),
                ("/sdmx/2.1/codelist/ESTAT/{identifier}/{version}", self.codelist),
            )
        ]

    def data(self, request: Request) -> Response:
        code = request.path_params["code"]
        parameters = request.query_params.multi_items()
        try:
            language = query.language(parameters)
            published = self.publisher.published(code)
            if published is None:
                label = (
                    f"ERR_NOT_FOUND_4: {code.upper()} (DATA_FLOW:ALL,1.0) is not available for dissemination."
                )
                raise Refused(404, 100, label)
            source, edition = published
            selection = query.selection(parameters, source.dimensions)
            sizes = tuple(map(len, source.dimensions))
            self.extractions.admit(source.code, edition, selection, sizes)
        except Refused as refused:
            return _error(refused)
        except Later as later:
            return Response(later.body, later.status, media_type="application/json")
        if request.method == "HEAD":
            return StreamingResponse(iter(()), media_type="application/json")
        return self._streamed(request, source.stream(edition, selection, language), "application/json")

    def toc(self, request: Request) -> Response:
        lines = catalogue.toc_txt(self.publisher.catalogue(), request.query_params.get("lang", "en").lower())
        return self._streamed(request, _encoded(lines), "text/plain;charset=UTF-8")

    def inventory(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/") + API_PATH
        if request.query_params.get("type") == "codelist":
            lines = catalogue.codelist_inventory(base)
        else:
            lines = catalogue.inventory(self.publisher.catalogue(), base)
        return self._streamed(request, _encoded(lines), "application/octet-stream")

    def rss(self, request: Request) -> Response:
        accepted = request.headers.get("accept", "*/*")
        if not any(kind in accepted for kind in ("*/*", "application/*", "application/xml")):
            return Response(status_code=406)
        language = request.path_params["language"]
        if language not in query.LANGUAGES:
            return Response(status_code=404)
        feed = rss(self.publisher.announced(), self.publisher.now, self.publisher.built, language)
        return self._streamed(request, iter((feed,)), "application/xml")

    def codelist(self, request: Request) -> Response:
        identifier = request.path_params["identifier"]
        text = catalogue.codelist(identifier, request.query_params.get("lang", "en").lower())
        if text is None:
            label = f"ERR_NOT_FOUND_2: CODELIST:{identifier.upper()} is not available for dissemination."
            return _error(Refused(404, 100, label))
        return Response(text, media_type="text/tab-separated-values")

    def _streamed(self, request: Request, chunks: Iterator[bytes], kind: str) -> Response:
        """A chunked answer without length, ETag or date; ranges are ignored. Compressed only for those who ask."""
        headers = {"Content-Type": kind}
        if self.behaviour.gzip and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            chunks = _gzipped(chunks)
        return StreamingResponse(_paced(chunks, self.behaviour.pace, self.behaviour.latency), headers=headers)


def _error(refused: Refused) -> Response:
    """The peculiar spacing is Eurostat's own."""
    label = json.dumps(refused.label, ensure_ascii=False)
    text = f'{{ "error": [{{"status": {refused.status},"id": {refused.id},"label": {label}}}]}}'
    return Response(text, refused.status, media_type="application/json")


def _encoded(lines: Iterator[str]) -> Iterator[bytes]:
    yield "".join(lines).encode()


def _gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(1, wbits=31)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()


def _paced(chunks: Iterator[bytes], pace: float | None, latency: float) -> Iterator[bytes]:
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
