"""The HTTP face: Eurostat's catalogue under `/eurostat/api/dissemination`, and all endpoints put together.

The endpoints of the data are in data.py, the sandbox's own doors in doors.py; how answers travel is said in travel.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from eurostat_assets.sandbox import catalogue, query
from eurostat_assets.sandbox.calendar import Calendar
from eurostat_assets.sandbox.client import API_PATH
from eurostat_assets.sandbox.contract import Contract
from eurostat_assets.sandbox.data import Data, error
from eurostat_assets.sandbox.distortions import distorted
from eurostat_assets.sandbox.doors import Doors
from eurostat_assets.sandbox.faults import Faults
from eurostat_assets.sandbox.feed import rss
from eurostat_assets.sandbox.publisher import Publisher
from eurostat_assets.sandbox.query import Refused
from eurostat_assets.sandbox.tally import Tally
from eurostat_assets.sandbox.travel import SORRY_PATH, Behaviour, Traveller, sorry, with_connection
from eurostat_assets.web.guard import Guard


def application(
    publisher: Publisher,
    behaviour: Behaviour | None = None,
    faults: Faults | None = None,
    calendar: Calendar | None = None,
) -> ASGIApp:
    """The ASGI application. Handlers are plain functions: Starlette runs them, and their streams, in threads."""
    behaviour, faults, tally = behaviour or Behaviour(), faults or Faults(), Tally()
    traveller, contract = Traveller(behaviour, faults, tally), Contract()
    routes = [
        *Data(publisher, traveller, tally, behaviour.cost).routes(),
        *_Catalogue(publisher, traveller, tally).routes(),
        # The API is read by whoever asks, as Eurostat's own is. What changes it answers no page of another site.
        Mount(
            "/sandbox",
            routes=Doors(publisher, faults, tally, calendar, contract).routes(),
            middleware=[Middleware(Guard)],
        ),
        Route(SORRY_PATH, sorry),
    ]
    return with_connection(contract.around(Starlette(routes=routes)))


class _Catalogue:
    """Table of contents, inventories, feed and code lists."""

    def __init__(self, publisher: Publisher, traveller: Traveller, tally: Tally) -> None:
        self._publisher = publisher
        self._traveller = traveller
        self._tally = tally

    def routes(self) -> list[Route]:
        return [
            Route(API_PATH + path, endpoint)
            for path, endpoint in (
                ("/catalogue/toc/txt", self.toc),
                ("/files/inventory", self.inventory),
                ("/catalogue/rss/{language}/statistics-update.rss", self.rss),
                ("/sdmx/2.1/codelist/ESTAT/{identifier}", self.codelist),
                ("/sdmx/2.1/codelist/ESTAT/{identifier}/{version}", self.codelist),
            )
        ]

    def toc(self, request: Request) -> Response:
        lines = catalogue.toc_txt(self._publisher.catalogue(), request.query_params.get("lang", "en").lower())
        return self._sent(request, "toc", _encoded(lines), "text/plain;charset=UTF-8")

    def inventory(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/") + API_PATH
        if request.query_params.get("type") == "codelist":
            self._tally.asked("codelist")
            lines = catalogue.codelist_inventory(base)
            return self._traveller.send(
                request, _encoded(lines), {"Content-Type": "application/octet-stream"}
            )
        lines = catalogue.inventory(self._publisher.catalogue(), base)
        return self._sent(request, "inventory", _encoded(lines), "application/octet-stream")

    def rss(self, request: Request) -> Response:
        accepted = request.headers.get("accept", "*/*")
        if not any(kind in accepted for kind in ("*/*", "application/*", "application/xml")):
            return Response(status_code=406)
        language = request.path_params["language"]
        if language not in query.LANGUAGES:
            return Response(status_code=404)
        feed = rss(self._publisher.announced(), self._publisher.now, self._publisher.built, language)
        return self._sent(request, "feed", iter((feed,)), "application/xml")

    def codelist(self, request: Request) -> Response:
        self._tally.asked("codelist")
        identifier = request.path_params["identifier"]
        text = catalogue.codelist(identifier, request.query_params.get("lang", "en").lower())
        if text is None:
            label = f"ERR_NOT_FOUND_2: CODELIST:{identifier.upper()} is not available for dissemination."
            return error(Refused(404, 100, label))
        return Response(text, media_type="text/tab-separated-values")

    def _sent(self, request: Request, resource: str, chunks: Iterator[bytes], kind: str) -> Response:
        fault = self._traveller.fault(resource)
        return self._traveller.send(request, distorted(fault, chunks), {"Content-Type": kind}, fault)


def _encoded(lines: Iterator[str]) -> Iterator[bytes]:
    yield "".join(lines).encode()
