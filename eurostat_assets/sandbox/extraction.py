"""Eurostat's cost model: which extractions are answered at once, which later, and which never.

Switchable, and with limits small enough for a test when asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from threading import Lock
from typing import Literal

from eurostat_assets.sandbox.query import Refused
from eurostat_assets.sandbox.sources import Selection

ASYNCHRONOUS = "ASYNCHRONOUS_RESPONSE. Your request will be treated asynchronously. Please try again later."


@dataclass(frozen=True)
class CostModel:
    """Limits in cells of the cross product, empty ones included.

    `asynchronous` is the shape of "ask again later": HTTP 413 with `error`, the same with one `object` instead of a list,
    HTTP 200 with `warning`, or None for never;
    `refusals` how often an extraction is put off before it is there. `full_is_cached` False counts the unfiltered too.
    """

    sync_below: int = 500_000
    refused_above: int | None = 5_000_000
    asynchronous: Literal["error", "object", "warning"] | None = "error"
    refusals: int = 1
    full_is_cached: bool = True


class Later(Exception):
    """The extraction is being prepared; `status` and `body` are what goes over the wire."""

    def __init__(self, shape: str) -> None:
        self.status = 200 if shape == "warning" else 413
        error = f'{{"status": 413,"id": 413,"label": "{ASYNCHRONOUS}"}}'
        self.body = {
            "error": f'{{ "error": [{error}]}}',
            "object": f'{{ "error": {error}}}',
            "warning": f'{{"warning":{{"status":413,"label":"{ASYNCHRONOUS}"}}}}',
        }[shape].encode()
        super().__init__(ASYNCHRONOUS)


def too_big(cost: int, limit: int) -> Refused:
    """The answer to an extraction of more cells than are ever put together."""
    return Refused(
        413,
        413,
        f"EXTRACTION_TOO_BIG: The requested extraction is too big, estimated {cost} rows, max authorised is "
        f"{limit}, please change your filters to reduce the extraction size",
    )


class Extractions:
    """Remembers which extractions were asked for, so that asking again brings them."""

    def __init__(self, model: CostModel) -> None:
        self._model = model
        self._asked: dict[object, int] = {}
        self._lock = Lock()

    def admit(self, code: str, edition: object, selection: Selection | None, sizes: tuple[int, ...]) -> None:
        """Return when the extraction is answered now. Raises Later or Refused (413 EXTRACTION_TOO_BIG)."""
        model = self._model
        if selection is None and model.full_is_cached:
            return
        cost = prod(sizes if selection is None else map(len, selection))
        if model.refused_above is not None and cost > model.refused_above:
            raise too_big(cost, model.refused_above)
        if model.asynchronous is None or cost < model.sync_below:
            return
        with self._lock:
            # A new edition makes Eurostat forget what it had prepared.
            asked = self._asked.setdefault((code, edition, selection), 0)
            self._asked[code, edition, selection] = asked + 1
        if asked < model.refusals:
            raise Later(model.asynchronous)
