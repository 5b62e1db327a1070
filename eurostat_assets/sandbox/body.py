"""A slice of an invented dataset as Eurostat writes it: JSON-stat 2.0 in the key order of the real API, streamed.

What a request selects is decided in query.py, what a cell holds in cube.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eurostat_assets.sandbox.clock import next_slot
from eurostat_assets.sandbox.cube import Block, Walk
from eurostat_assets.sandbox.datasets import Dataset, Edition
from eurostat_assets.sandbox.flags import hides_value, status_label
from eurostat_assets.sandbox.languages import translated


def wire_date(moment: datetime) -> str:
    """`2026-02-06T23:00:00+0100`: the offset has no colon."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")


def body(
    walk: Walk, edition: Edition, language: str = "en", observations: Callable[[], int] | None = None
) -> Iterator[bytes]:
    """The response body in chunks of about a megabyte at most.

    `observations` answers the OBS_COUNT of the whole dataset; without it, those of the walk are counted on the way.
    """
    dataset = walk.dataset
    head = {
        "version": "2.0",
        "class": "dataset",
        "label": translated(dataset.title, language),
        "source": "ESTAT",
        "updated": wire_date(edition.updated),
    }
    yield dumps(head)[:-1] + b',"value":{'
    seen = _Seen(walk)
    opening = b""
    for block in walk.blocks(edition.release):
        seen.add(block)
        if chunk := _values(block):
            yield chunk[1:] if not opening else chunk
            opening = chunk[:1]
    yield b"}"
    opening = b',"status":{'
    for block in walk.blocks(edition.release) if seen.flagged() else ():
        if chunk := _statuses(block):
            yield opening + chunk[1:]
            opening = b","
    yield b"}" if opening == b"," else b""
    yield b"," + dumps(_tail(walk, edition, language, seen, observations or (lambda: seen.count)))[1:]


def dumps(document: object) -> bytes:
    """Compact UTF-8 JSON, as on the wire."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


class _Seen:
    """What the first pass learns for the end of the body: counts, statuses in use, positions without data."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.count = 0
        self._cells_with = [np.zeros(length, bool) for length in walk.shape]
        self._kinds = np.zeros(len(walk.dataset.statuses), bool)

    def add(self, block: Block) -> None:
        self.count += len(block.present)
        self._kinds[np.unique(block.kind)] = True
        rest = block.cells
        for axis in range(len(self.walk.shape) - 1, -1, -1):
            above = rest // self.walk.shape[axis]
            self._cells_with[axis][rest - above * self.walk.shape[axis]] = True
            rest = above[np.flatnonzero(np.diff(above, prepend=-1))]

    def flagged(self) -> bool:
        return bool(self._kinds[1:].any())

    def statuses(self) -> list[str]:
        return [
            status
            for status, used in zip(self.walk.dataset.statuses, self._kinds, strict=True)
            if status and used
        ]

    def positions_without_data(self) -> dict[str, list[int]]:
        return {
            dimension.id: sorted(place for place, used in zip(places, filled, strict=True) if not used)
            for dimension, places, filled in zip(
                self.walk.dataset.dimensions, self.walk.positions, self._cells_with, strict=True
            )
        }


def _values(block: Block) -> bytes:
    """`,"12":3.4,"13":5` for the observations that show their value."""
    dataset = block.dataset
    shown = ~np.array([hides_value(status) for status in dataset.statuses])[block.kind]
    number = block.number[shown]
    parts: list[object] = [',"', _text(block.index[shown]), '":']
    if dataset.signed:
        parts.append(pa.array(["", "-"]).take(pa.array((number < 0).astype(np.int8))))
        number = np.abs(number)
    scale = 10**dataset.decimals
    parts.append(_text(number // scale))
    if dataset.decimals:
        fraction = number % scale
        # The last entry is the other way to write a whole number.
        fraction[(fraction == 0) & block.whole_as_float[shown]] = scale
        parts.append(_fractions(dataset.decimals).take(pa.array(fraction)))
    return joined(parts)


def _statuses(block: Block) -> bytes:
    """`,"12":"p","13":"|C"` for the observations with a status."""
    flagged = block.kind != 0
    texts = pa.array([dumps(status).decode() for status in block.dataset.statuses])
    return joined([',"', _text(block.index[flagged]), '":', texts.take(pa.array(block.kind[flagged]))])


def joined(parts: list[object]) -> bytes:
    """The parts side by side, row after row; each is a column of strings, or one string for every row."""
    joined = pc.call_function("binary_join_element_wise", [*parts, ""])
    buffer = joined.buffers()[2]
    return buffer.to_pybytes() if len(joined) and buffer is not None else b""


def _text(numbers: np.ndarray) -> pa.Array:
    # Arrow prints 32-bit numbers nearly twice as fast.
    if len(numbers) and int(numbers.max()) < 1 << 32:
        numbers = numbers.astype(np.uint32)
    return pc.cast(pa.array(numbers), pa.string())


def _fractions(decimals: int) -> pa.Array:
    texts = [f".{number:0{decimals}}".rstrip("0") for number in range(10**decimals)]
    return pa.array(["", *texts[1:], ".0"])


def _tail(
    walk: Walk, edition: Edition, language: str, seen: _Seen, observations: Callable[[], int]
) -> dict[str, object]:
    dataset = walk.dataset
    extension: dict[str, object] = {
        "lang": language.upper(),
        "id": dataset.code,
        "agencyId": "ESTAT",
        "version": "1.0",
        "datastructure": {"id": dataset.code, "agencyId": "ESTAT", "version": f"{edition.structure + 1}.0"},
        "annotation": _annotations(dataset, edition, observations()),
    }
    if seen.flagged():
        extension["status"] = {"label": {status: status_label(status) for status in seen.statuses()}}
    extension["positions-with-no-data"] = seen.positions_without_data()
    dimensions = {}
    for dimension, kept in zip(dataset.dimensions, walk.selection, strict=True):
        index = {dimension.codes[position]: place for place, position in enumerate(kept)}
        labels = {
            dimension.codes[position]: translated(dimension.labels[position], language) for position in kept
        }
        dimensions[dimension.id] = {
            "label": translated(dimension.label, language),
            "category": {"index": index, "label": labels},
        }
    return {
        "id": [d.id for d in dataset.dimensions],
        "size": list(walk.shape),
        "dimension": dimensions,
        "extension": extension,
    }


def _annotations(dataset: Dataset, edition: Edition, observations: int) -> list[dict[str, str]]:
    """The annotations of the whole dataset, sorted by type, as every slice carries them."""
    stem = dataset.code.lower().rpartition("_")[0]
    doi = f'<adms:identifier xmlns:adms="http://www.w3.org/ns/adms#">10.2908/{dataset.code}</adms:identifier>'
    explanation = {"title": "Explanatory texts (metadata)"}
    site = "https://ec.europa.eu/eurostat"
    periods = dataset.time.codes
    # Re-disseminated without any change, as happens: no date to judge freshness by.
    disseminated = wire_date(next_slot(edition.updated))
    return [
        {"type": "CREATED", "date": "2013-11-14T15:58:42+0100"},
        {"type": "DISSEMINATION_DOI_XML", "title": doi},
        {"type": "DISSEMINATION_OBJECT_TYPE", "title": "DATASET"},
        {"type": "DISSEMINATION_TIMESTAMP_DATA", "date": disseminated},
        {"type": "DISSEMINATION_TIMESTAMP_GLOBAL", "date": disseminated},
        {"type": "DISSEMINATION_TIMESTAMP_PLANNED", "date": disseminated},
        {"type": "ESMS_HTML", **explanation, "href": f"{site}/cache/metadata/en/{stem}_esms.htm"},
        {
            "type": "ESMS_SDMX",
            **explanation,
            "href": f"{site}/api/dissemination/files?file=metadata/{stem}_esms.sdmx.zip",
        },
        {"type": "OBS_COUNT", "title": str(observations)},
        {"type": "OBS_PERIOD_OVERALL_LATEST", "title": periods[-1]},
        {"type": "OBS_PERIOD_OVERALL_OLDEST", "title": periods[0]},
        {"type": "SOURCE_INSTITUTIONS", "text": "Eurostat"},
        {"type": "UPDATE_DATA", "date": wire_date(edition.update_data)},
        {"type": "UPDATE_STRUCTURE", "date": wire_date(edition.update_structure)},
    ]
