"""The sandbox's own endpoints under `/sandbox`, for the command line and for tests: JSON orders in, JSON out.

Eurostat has nothing like it; client.py is the other side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from eurostat_assets.sandbox.clock import BRUSSELS
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.errors import SandboxError
from eurostat_assets.sandbox.feed import Item
from eurostat_assets.sandbox.publisher import Publisher


class Doors:
    """One door per deed of the publisher. A bad order is answered with 400 and `{"error": ...}`."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher

    def routes(self) -> list[Route]:
        return [
            Route("/sandbox/state", self.state),
            *(
                Route(f"/sandbox/{name}", self._door(act), methods=["POST"])
                for name, act in (
                    ("release", self.release),
                    ("add", self.add),
                    ("withdraw", self.withdraw),
                    ("announce", self.announce),
                    ("clock", self.clock),
                )
            ),
        ]

    def state(self, request: Request) -> Response:  # noqa: ARG002 - the signature of an endpoint
        return JSONResponse(self.publisher.state())

    def release(self, order: dict) -> object:
        return _editions(self.publisher.release(order["codes"], order.get("what", "data")))

    def add(self, order: dict) -> object:
        return _editions(self.publisher.add(order["codes"]))

    def withdraw(self, order: dict) -> object:
        return _editions(self.publisher.withdraw(order["codes"]))

    def announce(self, order: dict) -> object:
        date = datetime.fromisoformat(order["date"]) if order.get("date") else self.publisher.now
        self.publisher.announce(
            Item(order["code"], order.get("category"), date, order.get("description", ""))
        )
        return {}

    def clock(self, order: dict) -> object:
        self.publisher.set_clock(datetime.fromisoformat(order["now"]) if order.get("now") else None)
        return {"now": self.publisher.now.isoformat()}

    @staticmethod
    def _door(act: Callable[[dict], object]) -> Callable:
        async def endpoint(request: Request) -> Response:
            try:
                return JSONResponse(act(json.loads(await request.body() or b"{}")))
            except (SandboxError, KeyError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)

        return endpoint


def _editions(editions: Iterable[Edition]) -> dict[str, dict[str, object]]:
    return {
        edition.code: {
            name: value.astimezone(BRUSSELS).isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(edition).items()
            if name != "code"
        }
        for edition in editions
    }
