"""Changes of datasets as JSON-stat and as bulk files, and of refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import Any

from eurostat_assets.sandbox.contract.change import CHANGES, Change, Reply, change

Document = dict[str, Any]


def _json(alter: Callable[[Document], Document | None], *resources: str) -> Change:
    """A change of the JSON-stat documents of some resources, by default all; `alter` works in place or returns anew."""

    def altered(reply: Reply) -> None:
        if reply.is_json_stat and reply.resource in (resources or ("data", "outline", "slice")):
            document = reply.document
            reply.document = alter(document) or document

    return altered


def _put(member: str, value: Any) -> Callable[[Document], None]:
    def put(document: Document) -> None:
        document[member] = value

    return put


def _without(member: str) -> Callable[[Document], Document]:
    return lambda document: {name: document[name] for name in document if name != member}


def _order(document: Document) -> Document:
    first = {name: document[name] for name in ("version", "class", "id", "size", "dimension")}
    return {**first, **document}


def _as_array(member: str) -> Callable[[Document], None]:
    def alter(document: Document) -> None:
        cells = document.get(member)
        if cells:
            document[member] = [cells.get(str(place)) for place in range(prod(document["size"]))]

    return alter


def _values_as_text(document: Document) -> None:
    document["value"] = {key: str(value) for key, value in document["value"].items()}


def _capital_flags(document: Document) -> None:
    if "status" in document:
        document["status"] = {key: status.upper() for key, status in document["status"].items()}
        labels = document["extension"]["status"]["label"]
        document["extension"]["status"]["label"] = {status.upper(): label for status, label in labels.items()}


def _beyond(document: Document) -> None:
    if cells := document["value"]:
        cells[str(prod(document["size"]) + 7)] = cells.pop(next(iter(cells)))


def _index_as_list(document: Document) -> None:
    for dimension in document["dimension"].values():
        dimension["category"]["index"] = list(dimension["category"]["index"])


def _time_renamed(document: Document) -> None:
    document["id"][-1] = "TIME_PERIOD"
    document["dimension"]["TIME_PERIOD"] = document["dimension"].pop("time")


def _financial_years(document: Document) -> None:
    category = document["dimension"]["time"]["category"]
    for member in ("index", "label"):
        category[member] = {f"FY{code}": value for code, value in category[member].items()}
    for note in document["extension"]["annotation"]:
        if note["type"].startswith("OBS_PERIOD"):
            note["title"] = f"FY{note['title']}"


def _without_labels(document: Document) -> None:
    del document["dimension"][document["id"][0]]["category"]["label"]


def _annotated(kind: str, member: str, alter: Callable[[str], str | None]) -> Callable[[Document], None]:
    """One annotation's member altered; None takes the annotation out."""

    def annotate(document: Document) -> None:
        notes = document["extension"]["annotation"]
        for note in [note for note in notes if note["type"] == kind]:
            value = alter(note[member])
            if value is None:
                notes.remove(note)
            else:
                note[member] = value

    return annotate


def _last_code_gone(document: Document) -> None:
    name = max(document["id"], key=lambda one: len(document["dimension"][one]["category"]["index"]))
    index = document["dimension"][name]["category"]["index"]
    document["dimension"][name]["category"]["index"] = dict(list(index.items())[:-1])
    document["size"][document["id"].index(name)] -= 1


def _one_cell(document: Document) -> None:
    document["value"] = {"0": 1}
    document["size"][-1] = 1
    document["dimension"]["time"]["category"]["index"] = {"2024": 0}


CHANGES |= {
    "json_stat_3": _json(_put("version", "3.0")),
    "json_without_label": _json(_without("label")),
    "json_without_size": _json(_without("size"), "data"),
    "json_order": _json(_order),
    "value_array": _json(_as_array("value")),
    "status_array": _json(_as_array("status")),
    "values_as_text": _json(_values_as_text),
    "flags_capital": _json(_capital_flags),
    "cells_beyond": _json(_beyond),
    "obs_count_wrong": _json(_annotated("OBS_COUNT", "title", lambda count: str(int(count) + 1))),
    "index_as_list": _json(_index_as_list),
    "time_renamed": _json(_time_renamed),
    "financial_years": _json(_financial_years),
    "labels_missing": _json(_without_labels),
    "status_labels_missing": _json(lambda document: document["extension"].pop("status", None) and None),
    "obs_periods_as_days": _json(
        _annotated("OBS_PERIOD_OVERALL_LATEST", "title", lambda period: f"{period}-12-31")
    ),
    "id_with_agency": _json(
        lambda document: document["extension"].update(id=f"ESTAT:{document['extension']['id']}")
    ),
    "annotations_missing": _json(_annotated("UPDATE_DATA", "date", lambda _: None)),
    "annotation_dates_form": _json(_annotated("UPDATE_DATA", "date", lambda date: date[:10])),
    "updated_today": _json(_put("updated", "2026-01-01T00:00:00+0100")),
    "outline_with_cells": _json(_one_cell, "outline"),
    "outline_shrunk": _json(_last_code_gone, "outline"),
    "outline_undated": _json(
        _annotated("UPDATE_DATA", "date", lambda _: "1999-01-01T00:00:00+0100"), "outline"
    ),
    "slice_counts_itself": _json(_annotated("OBS_COUNT", "title", lambda _: "1"), "slice"),
    "english_only": _json(lambda document: document["extension"].update(lang="EN")),
}


def _bulk(pattern: bytes, replacement: bytes, count: int = 0) -> Change:
    def edit(reply: Reply) -> None:
        if reply.resource == "bulk" and reply.status == 200:
            reply.body = re.sub(pattern, replacement, reply.body, count=count, flags=re.MULTILINE)

    return edit


CHANGES |= {
    "bulk_column_renamed": _bulk(rb"OBS_FLAG", b"OBS_STATUS", 1),
    "bulk_dataflow_urn": _bulk(rb"^ESTAT:([A-Z0-9_]+)\(1\.0\)", rb"urn:sdmx:ESTAT:\1"),
    "bulk_last_update_iso": _bulk(rb",(\d\d)/(\d\d)/(\d\d) (\d\d:\d\d:\d\d),", rb",20\3-\2-\1T\4,"),
    "bulk_rows_missing": _bulk(rb"^ESTAT.*\r\n", b"", 1),
}


@change
def slice_by_first_value(reply: Reply) -> None:
    """Of a repeated parameter the first value counts alone."""
    if reply.resource != "slice" or not reply.is_json_stat:
        return
    document = reply.document
    for name in reply.query.keys() & set(document["id"]):
        index = document["dimension"][name]["category"]["index"]
        document["dimension"][name]["category"]["index"] = dict(list(index.items())[:1])
        document["size"][document["id"].index(name)] = 1
    reply.document = document


@change
def bulk_plain(reply: Reply) -> None:
    """`compressed=true` is not heard."""
    reply.packed = False


@change
def error_shape(reply: Reply) -> None:
    """Refusals as SDMX-JSON writes them."""
    if reply.path.startswith("/statistics") and reply.status >= 400:
        error = reply.document["error"][0]
        reply.document = {"errors": [{"code": error["id"], "title": error["label"]}]}


@change
def unknown_dataset_numbered_otherwise(reply: Reply) -> None:
    """404 keeps its words, but has another number."""
    reply.body = reply.body.replace(b'"status": 404,"id": 100', b'"status": 404,"id": 404')


@change
def unknown_parameters_ignored(reply: Reply) -> None:
    """A parameter that nobody knows changes nothing."""
    if b"INVALID_QUERY_DIMENSION" in reply.body:
        reply.status, reply.document = 200, {"version": "2.0", "class": "dataset", "value": {}, "id": []}


@change
def fault_as_json(reply: Reply) -> None:
    """The bulk address refuses in JSON."""
    if reply.resource == "bulk" and reply.status >= 400:
        reply.document = {"error": [{"status": reply.status, "id": 100, "label": "ERR_NOT_FOUND_2"}]}
