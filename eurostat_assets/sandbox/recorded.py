"""Recorded JSON-stat files as datasets: unfiltered requests get the very bytes of the file, filtered ones a slice of it.

A release of a recorded dataset changes its dates and nothing else. Files are small: they are read whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from math import prod
from pathlib import Path
from typing import Any

import pyarrow as pa

from eurostat_assets.sandbox.body import dumps, wire_date
from eurostat_assets.sandbox.datasets import Dimension, Edition
from eurostat_assets.sandbox.errors import Unchangeable
from eurostat_assets.sandbox.sources import Selection, Source

_CHUNK = 1 << 20


def recorded_sources(folder: Path) -> dict[str, Source]:
    """{code: source} of the files directly in a folder that are datasets with an `extension.id`.

    Of several files of one dataset, the one with most cells is served.
    """
    sources: dict[str, Recorded] = {}
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_bytes())
        if document.get("class") == "dataset" and "id" in document.get("extension", {}):
            source = Recorded(path, document)
            known = sources.get(source.code)
            if known is None or len(known.cells) < len(source.cells):
                sources[source.code] = source
    return dict(sources)


class Recorded:
    """One recorded response. `cells` maps the flat index to (value or None, status or None)."""

    def __init__(self, path: Path, document: Mapping[str, Any]) -> None:
        self._path = path
        self._document = document
        self.code: str = document["extension"]["id"].upper()
        self.title: str = document["label"]
        self.folders = ("hlth_state",) if "HLTH" in self.code else ("general",)
        self._dimensions = tuple(_dimension(name, document["dimension"][name]) for name in document["id"])
        values, statuses = (_by_index(document.get(member)) for member in ("value", "status"))
        self.cells = {index: (values.get(index), statuses.get(index)) for index in {**values, **statuses}}

    @property
    def first(self) -> Edition:
        dates = {annotation["type"]: annotation.get("date") for annotation in self._annotations()}
        data, structure = (
            datetime.fromisoformat(dates.get(kind) or self._document["updated"])
            for kind in ("UPDATE_DATA", "UPDATE_STRUCTURE")
        )
        return Edition(self.code, data, structure)

    def dimensions(self, edition: Edition) -> tuple[Dimension, ...]:
        if edition.changes:
            raise Unchangeable(self.code, edition.changes[-1])
        return self._dimensions

    def count(self, edition: Edition) -> int:  # noqa: ARG002 - every edition has the same cells
        return len(self.cells)

    def stream(self, edition: Edition, selection: Selection | None, language: str) -> Iterator[bytes]:  # noqa: ARG002
        if selection is None and edition == self.first:
            with self._path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        else:
            document = self._dated(edition)
            yield dumps(document if selection is None else self._sliced(document, selection))

    def observations(self, edition: Edition) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Like cube.observations; in the order of the file."""
        columns: dict[str, list[Any]] = {
            "time_period" if dimension.id == "time" else dimension.id: [] for dimension in self._dimensions
        }
        for name, axis in zip(columns, range(len(self._dimensions)), strict=True):
            codes = self._dimensions[axis].codes
            columns[name] = [codes[self._place(index, axis)] for index in self.cells]
        statuses = [(status or "").partition("|") for _, status in self.cells.values()]
        strings = {name: pa.array(codes, pa.string()) for name, codes in columns.items()}
        yield pa.record_batch(
            {
                **{name: codes.dictionary_encode() for name, codes in strings.items()},
                "obs_value": pa.array([value for value, _ in self.cells.values()], pa.float64()),
                "obs_flag": pa.array(
                    [flag or None for flag, _, _ in statuses], pa.string()
                ).dictionary_encode(),
                "conf_status": pa.array(
                    [conf or None for _, _, conf in statuses], pa.string()
                ).dictionary_encode(),
            }
        )

    def _annotations(self) -> list[dict[str, Any]]:
        return self._document["extension"].get("annotation", [])

    def _place(self, index: int, axis: int) -> int:
        lengths = [len(dimension) for dimension in self._dimensions]
        return index // prod(lengths[axis + 1 :]) % lengths[axis]

    def _dated(self, edition: Edition) -> dict[str, Any]:
        dates = {"UPDATE_DATA": edition.update_data, "UPDATE_STRUCTURE": edition.update_structure}
        annotations = [
            {**annotation, "date": wire_date(dates[annotation["type"]])}
            if annotation["type"] in dates
            else annotation
            for annotation in self._annotations()
        ]
        extension = {**self._document["extension"], "annotation": annotations}
        return {**self._document, "updated": wire_date(edition.updated), "extension": extension}

    def _sliced(self, document: dict[str, Any], selection: Selection) -> dict[str, Any]:
        kept = [
            replace(
                dimension,
                codes=tuple(dimension.codes[p] for p in places),
                labels=tuple(dimension.labels[p] for p in places),
            )
            for dimension, places in zip(self._dimensions, selection, strict=True)
        ]
        cells = {}
        for index, cell in self.cells.items():
            places = [self._place(index, axis) for axis in range(len(selection))]
            if all(place in wanted for place, wanted in zip(places, selection, strict=True)):
                flat = 0
                for place, wanted in zip(places, selection, strict=True):
                    flat = flat * len(wanted) + wanted.index(place)
                cells[str(flat)] = cell
        statuses = {index: status for index, (_, status) in cells.items() if status is not None}
        return {
            **{name: document[name] for name in ("version", "class", "label", "source", "updated")},
            "value": {index: value for index, (value, _) in cells.items() if value is not None},
            **({"status": statuses} if statuses else {}),
            "id": document["id"],
            "size": [len(dimension) for dimension in kept],
            "dimension": {dimension.id: _wire(dimension) for dimension in kept},
            "extension": document["extension"],
        }


def _dimension(name: str, document: Mapping[str, Any]) -> Dimension:
    index = document["category"]["index"]
    codes = tuple(sorted(index, key=index.__getitem__) if isinstance(index, dict) else index)
    labels = document["category"].get("label", {})
    return Dimension(
        name, document.get("label", name), codes, tuple(labels.get(code, code) for code in codes)
    )


def _wire(dimension: Dimension) -> dict[str, Any]:
    return {
        "label": dimension.label,
        "category": {
            "index": {code: place for place, code in enumerate(dimension.codes)},
            "label": dict(zip(dimension.codes, dimension.labels, strict=True)),
        },
    }


def _by_index(member: Mapping[str, Any] | list[Any] | None) -> dict[int, Any]:
    """`value` or `status` as {flat index: content}, without nulls."""
    pairs = (
        enumerate(member)
        if isinstance(member, list)
        else ((int(key), item) for key, item in (member or {}).items())
    )
    return {index: item for index, item in pairs if item is not None}
