"""The endpoints that give data: the Statistics API (JSON-stat) and the bulk files of the SDMX API.

What a request selects is decided in query.py, what is too much in extraction.py, what goes wrong in faults.py; the bodies
are those of the sources and of sdmx.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from eurostat_assets.sandbox import query, sdmx
from eurostat_assets.sandbox.client import API_PATH
from eurostat_assets.sandbox.datasets import Edition
from eurostat_assets.sandbox.distortions import distorted, without_lines
from eurostat_assets.sandbox.extraction import CostModel, Extractions, Later, too_big
from eurostat_assets.sandbox.publisher import Publisher
from eurostat_assets.sandbox.query import Refused
from eurostat_assets.sandbox.sources import Selection, Source
from eurostat_assets.sandbox.tally import Tally
from eurostat_assets.sandbox.travel import Traveller, gzipped

_JSON = {"Content-Type": "application/json"}
_BULK = {
    "SDMX-CSV": (sdmx.csv, "csv", "application/vnd.sdmx.data+csv;version=1.0.0;charset=UTF-8"),
    "TSV": (sdmx.tsv, "tsv", "text/tab-separated-values"),
}


@dataclass(frozen=True)
class _Asked:
    """What a request is for; `resource` as in faults.py."""

    source: Source
    edition: Edition
    selection: Selection | None
    cells: int
    resource: str


class Data:
    """Both endpoints over one publisher."""

    def __init__(self, publisher: Publisher, traveller: Traveller, tally: Tally, cost: CostModel) -> None:
        self._publisher = publisher
        self._traveller = traveller
        self._tally = tally
        self._extractions = Extractions(cost)

    def routes(self) -> list[Route]:
        return [
            Route(API_PATH + "/statistics/1.0/data/{code}", self.statistics),
            Route(API_PATH + "/sdmx/2.1/data/{code}", self.bulk),
            Route(API_PATH + "/sdmx/2.1/data/{code}/", self.bulk),
        ]

    def statistics(self, request: Request) -> Response:
        """JSON-stat; every fault that data can meet."""
        parameters = request.query_params.multi_items()
        try:
            language = query.language(parameters)
            asked = self._asked(request, parameters)
            fault = self._traveller.fault(asked.resource, asked.source.code)
            _refuse(fault, asked)
            sizes = tuple(map(len, asked.source.dimensions(asked.edition)))
            self._extractions.admit(asked.source.code, asked.edition, asked.selection, sizes)
        except Refused as refused:
            return error(refused)
        except Later as later:
            return Response(later.body, later.status, media_type="application/json")
        if request.method == "HEAD":
            return StreamingResponse(iter(()), media_type="application/json")
        served = self._other(asked) if fault == "wrong_dataset" else asked
        chunks = distorted(fault, served.source.stream(served.edition, served.selection, language))
        if fault == "released":
            # The body keeps to the edition that it began with.
            self._publisher.release([asked.source.code])
        delivered = asked.resource == "data" and fault in (None, "released")
        return self._send(request, chunks, _JSON, fault, asked.edition if delivered else None)

    def bulk(self, request: Request) -> Response:
        """A whole dataset as SDMX-CSV or TSV; with `compressed=true` a gzip file that no header names."""
        try:
            written, suffix, kind, packed = self._wanted(request)
            asked = self._whole(request.path_params["code"])
            fault = self._traveller.fault("csv", asked.source.code)
            _refuse(fault, asked)
        except Refused as refused:
            text = refused.label.replace("ERR_NOT_FOUND_4: ", "ERR_NOT_FOUND_2: DATA_SET:").replace(
                " (DATA_FLOW:ALL,1.0)", ""
            )
            return Response(sdmx.fault(refused.id, text), refused.status, media_type="application/xml")
        if fault == "csv_queued":
            return Response(sdmx.queued(asked.source.code), media_type="application/xml")
        served = self._other(asked) if fault == "wrong_dataset" else asked
        chunks = written(served.source, served.edition)
        if fault == "missing_cells":
            chunks = iter((without_lines(b"".join(chunks)),))
        name = f"estat_{asked.source.code.lower()}.{suffix}" + (".gz" if packed else "")
        headers = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}
        delivered = None if fault else asked.edition
        return self._send(request, gzipped(chunks) if packed else chunks, headers, fault, delivered, packed)

    def _send(
        self,
        request: Request,
        chunks: Iterator[bytes],
        headers: dict[str, str],
        fault: str | None,
        delivered: Edition | None,
        packed: bool = False,
    ) -> Response:
        return self._traveller.send(
            request,
            chunks,
            headers,
            fault,
            compress=not packed,
            on_sent=lambda: delivered and self._tally.delivered(delivered),
        )

    def _asked(self, request: Request, parameters: list[tuple[str, str]]) -> _Asked:
        whole = self._whole(request.path_params["code"])
        try:
            selection = query.selection(parameters, whole.source.dimensions(whole.edition))
        except Refused:
            self._tally.asked("refused")
            raise
        if selection is None:
            return whole
        cells = prod(map(len, selection))
        return _Asked(whole.source, whole.edition, selection, cells, "slice" if cells > 1 else "probe")

    def _whole(self, code: str) -> _Asked:
        published = self._publisher.published(code)
        if published is None:
            self._tally.asked("refused")
            raise _not_available(code)
        source, edition = published
        return _Asked(source, edition, None, prod(map(len, source.dimensions(edition))), "data")

    def _wanted(self, request: Request) -> tuple:
        """How to write the file, its suffix and media type, and whether it is packed. Raises Refused."""
        parameters = {name.lower(): value for name, value in request.query_params.multi_items()}
        wanted = parameters.pop("format", "").upper()
        packed = parameters.pop("compressed", "false").lower() == "true"
        parameters.pop("lang", None)
        if wanted not in _BULK or parameters:
            self._tally.asked("refused")
            raise Refused(400, 140, f"only whole datasets are imitated here, as {' or '.join(_BULK)}")
        return (*_BULK[wanted], packed)

    def _other(self, asked: _Asked) -> _Asked:
        """The next dataset of the catalogue, as whole or as empty as the one asked for."""
        offers = self._publisher.catalogue()
        place = next(i for i, (source, _) in enumerate(offers) if source.code == asked.source.code)
        source, edition = offers[(place + 1) % len(offers)]
        empty = tuple(() for _ in source.dimensions(edition))
        return _Asked(source, edition, empty if asked.resource == "probe" else None, 0, asked.resource)


def error(refused: Refused) -> Response:
    """The peculiar spacing is Eurostat's own."""
    label = json.dumps(refused.label, ensure_ascii=False)
    text = f'{{ "error": [{{"status": {refused.status},"id": {refused.id},"label": {label}}}]}}'
    return Response(text, refused.status, media_type="application/json")


def _refuse(fault: str | None, asked: _Asked) -> None:
    """Raises what the fault means for the request: Refused, Later."""
    match fault:
        case "not_found":
            raise _not_available(asked.source.code)
        case "too_big":
            raise too_big(asked.cells, max(1, asked.cells // 2))
        case "async_error" | "async_object" | "async_warning":
            raise Later(fault.removeprefix("async_"))


def _not_available(code: str) -> Refused:
    return Refused(
        404, 100, f"ERR_NOT_FOUND_4: {code.upper()} (DATA_FLOW:ALL,1.0) is not available for dissemination."
    )
