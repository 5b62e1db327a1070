"""The sandbox's own endpoints under `/sandbox`, for the command line and for tests: JSON orders in, JSON out.

Eurostat has nothing like it; client.py is the other side. Where they are mounted, and the guard before them: server.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from eurostat_assets.sandbox.calendar import Calendar
from eurostat_assets.sandbox.contract import Contract
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.errors import NoCalendar, SandboxError
from eurostat_assets.sandbox.faults import Faults
from eurostat_assets.sandbox.feed import Item
from eurostat_assets.sandbox.publisher import Publisher
from eurostat_assets.sandbox.state import plain
from eurostat_assets.sandbox.tally import Tally


class Doors:
    """One door per deed. A bad order is answered with 400 and `{"error": ...}`."""

    def __init__(
        self,
        publisher: Publisher,
        faults: Faults,
        tally: Tally,
        calendar: Calendar | None,
        contract: Contract,
    ) -> None:
        self.publisher = publisher
        self._faults = faults
        self._tally = tally
        self._calendar = calendar
        self._contract = contract

    def routes(self) -> list[Route]:
        return [
            Route("/identity", self.identity),
            Route("/state", self.state),
            Route("/tally", self.tally),
            *(
                Route(f"/{name}", self._door(act), methods=["POST"])
                for name, act in (
                    ("release", self.release),
                    ("add", self.add),
                    ("withdraw", self.withdraw),
                    ("rename", self.rename),
                    ("restructure", self.restructure),
                    ("announce", self.announce),
                    ("clock", self.clock),
                    ("calendar", self.calendar),
                    ("faults", self.faults),
                    ("contract", self.contract),
                )
            ),
        ]

    def identity(self, request: Request) -> Response:  # noqa: ARG002 - the signature of an endpoint
        return JSONResponse({"identity": self.publisher.identity})

    def state(self, request: Request) -> Response:  # noqa: ARG002 - the signature of an endpoint
        return JSONResponse(self.publisher.state())

    def tally(self, request: Request) -> Response:  # noqa: ARG002 - the signature of an endpoint
        return JSONResponse(self._tally.report())

    def release(self, order: dict) -> object:
        return _editions(self.publisher.release(order["codes"], order.get("what", "data")))

    def add(self, order: dict) -> object:
        return _editions(self.publisher.add(order["codes"]))

    def withdraw(self, order: dict) -> object:
        return _editions(self.publisher.withdraw(order["codes"]))

    def rename(self, order: dict) -> object:
        return _editions([self.publisher.rename(order["code"], order["new"])])

    def restructure(self, order: dict) -> object:
        return _editions([self.publisher.restructure(order["code"], order["change"])])

    def announce(self, order: dict) -> object:
        date = datetime.fromisoformat(order["date"]) if order.get("date") else self.publisher.now
        self.publisher.announce(
            Item(order["code"], order.get("category"), date, order.get("description", ""))
        )
        return {}

    def clock(self, order: dict) -> object:
        self.publisher.set_clock(datetime.fromisoformat(order["now"]) if order.get("now") else None)
        return {"now": self.publisher.now.isoformat()}

    def calendar(self, order: dict) -> object:
        if self._calendar is None:
            raise NoCalendar
        return self._calendar.resume() if order["running"] else self._calendar.stop()

    def faults(self, order: dict) -> object:
        self._faults.set(order["faults"], order.get("datasets"))
        return {}

    def contract(self, order: dict) -> object:
        self._contract.set(order["changes"])
        return {}

    @staticmethod
    def _door(act: Callable[[dict], object]) -> Callable:
        async def endpoint(request: Request) -> Response:
            try:
                return JSONResponse(act(json.loads(await request.body() or b"{}")))
            except (SandboxError, KeyError, ValueError, TypeError, AttributeError) as error:
                return JSONResponse({"error": str(error)}, 400)

        return endpoint


def _editions(editions: Iterable[Edition]) -> dict[str, dict[str, object]]:
    return {record.pop("code"): record for record in map(plain, editions)}
