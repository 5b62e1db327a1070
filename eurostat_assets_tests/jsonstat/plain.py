"""JSON-stat decoded the plain way, cell by cell in Python: an independent opinion to hold the reader against."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


def decode(path: Path, dataset: str | None = None) -> tuple[list[str], list[Row]]:
    """The column names and the rows (codes…, time period, value, flag, confidentiality), sorted by code."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.get("class") == "collection":
        document = document["link"]["item"][int(dataset or 0)]
    elif "dimension" not in document:
        document = document[dataset] if dataset else next(iter(document.values()))
    return decode_document(document)


def decode_document(document: dict[str, Any]) -> tuple[list[str], list[Row]]:
    dimension = document["dimension"]
    ids = document["id"] if "id" in document else dimension["id"]
    time = next((one for one in ids if one.lower() in ("time", "time_period")), None)
    if time is None:  # else nobody asks what the roles are
        roles = (document.get("role") or dimension.get("role") or {}).get("time", [])
        time = roles[0] if roles else None
    others = [one for one in ids if one != time]
    rows = []
    cells = list(itertools.product(*(_codes(dimension[one]["category"]) for one in ids)))
    for index, codes in enumerate(cells):
        value = _cell(document["value"], index)
        status = _status(document.get("status"), index, value, len(cells))
        if value is None and not status:
            continue
        named = dict(zip(ids, codes, strict=True))
        flag, _, confidentiality = (status or "").partition("|")
        key = [named[one] for one in others] + [named[time] if time else None]
        rows.append((codes, (*key, value, flag or None, confidentiality or None)))
    columns = [*(one.lower() for one in others), "time_period", "obs_value", "obs_flag", "conf_status"]
    return columns, [row for _, row in sorted(rows)]


def _codes(category: dict[str, Any]) -> list[str]:
    index = category.get("index") or list(category["label"] if "index" not in category else [])
    return index if isinstance(index, list) else sorted(index, key=lambda code: index[code])


def _cell(cells: Any, index: int) -> Any:
    return cells[index] if isinstance(cells, list) else cells.get(str(index))


def _status(status: Any, index: int, value: Any, size: int) -> str | None:
    if isinstance(status, dict) and "value" in status:
        status = status["value"]
    if isinstance(status, list) and len(status) == 1 != size:
        status = status[0]
    if isinstance(status, str):
        return status if value is not None else None
    return _cell(status, index) if status else None
