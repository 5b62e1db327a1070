"""A whole dataset as JSON-stat: its members, cells, dimensions, annotations and dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from math import prod
from typing import Any

from eurostat_assets.doctor.contract.check import Case, NothingToSee, check, shown
from eurostat_assets.doctor.contract.inventory import WIRE_DATE
from eurostat_assets.doctor.contract.inventory import rows as inventory_rows
from eurostat_assets.jsonstat.periods import period_days

_ORDER = [
    "version",
    "class",
    "label",
    "source",
    "updated",
    "value",
    "status",
    "id",
    "size",
    "dimension",
    "extension",
]
_REQUIRED = {"value", "id", "size", "dimension", "extension"}
_TEXTS = {"label", "source", "updated"}
_UNREADABLE = "Datasets cannot be read: new releases are held back, the last good ones stay"
_DATES = "Without them `updated` is taken; in another form datasets cannot be loaded"


def notes_of(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {one["type"]: one for one in document["extension"]["annotation"]}


def update_dates(document: dict[str, Any]) -> tuple[str | None, str | None]:
    """UPDATE_DATA and UPDATE_STRUCTURE as sent."""
    notes = notes_of(document)
    return notes.get("UPDATE_DATA", {}).get("date"), notes.get("UPDATE_STRUCTURE", {}).get("date")


def codes_of(dimension: dict[str, Any]) -> list[str]:
    """In the order of their positions; JSON-stat also allows a list."""
    index = dimension["category"]["index"]
    return list(index) if isinstance(index, list) else sorted(index, key=lambda code: index[code])


def statuses(case: Case) -> dict[str, str]:
    """Raises NothingToSee where no cell has one."""
    found = case["whole"].document.get("status")
    if not found:
        raise NothingToSee(f"no cell of {case.code} has a status")
    return found


def cells(case: Case) -> set[str]:
    """The indices of the cells that have a value or a status."""
    document = case["whole"].document
    return {*document["value"], *document.get("status", {})}


@check(
    "json_stat",
    "dataset: JSON-stat 2.0 of class dataset",
    needs=["whole"],
    after=["whole_address"],
    effect="None for a later version with the same members; of another class: " + _UNREADABLE,
)
def json_stat(case: Case) -> Iterator[str]:
    document = case["whole"].document
    if document.get("version") != "2.0" or document.get("class") != "dataset":
        yield f"version {shown(document.get('version'))}, class {shown(document.get('class'))}"


@check(
    "json_members",
    "dataset: it has cells, dimensions and an extension",
    needs=["whole"],
    after=["whole_address"],
    effect=_UNREADABLE,
)
def json_members(case: Case) -> Iterator[str]:
    document = case["whole"].document
    if missing := sorted(_REQUIRED - document.keys()):
        yield f"without {', '.join(missing)}"


@check(
    "json_texts",
    "dataset: it has `label`, `source` and `updated`",
    needs=["whole"],
    after=["json_members"],
    effect="Titles are taken from the table of contents; without annotations a dataset would have no date",
)
def json_texts(case: Case) -> Iterator[str]:
    if missing := sorted(_TEXTS - case["whole"].document.keys()):
        yield f"without {', '.join(missing)}"


@check(
    "json_order",
    "dataset: `value` and `status` come before `id`, `size`, `dimension`",
    needs=["whole"],
    after=["json_members"],
    effect="None: members are read in any order",
)
def json_order(case: Case) -> Iterator[str]:
    known = [name for name in case["whole"].document if name in _ORDER]
    if known != sorted(known, key=_ORDER.index):
        yield f"the order is {', '.join(known)}"


@check(
    "value_object",
    "dataset: `value` is an object of cells by their index",
    needs=["whole"],
    after=["json_members"],
    effect="None: an array is read as well, but empty cells then cost space",
)
def value_object(case: Case) -> Iterator[str]:
    value = case["whole"].document["value"]
    if not isinstance(value, dict):
        yield f"it is a {type(value).__name__}"
    elif odd := [key for key in value if not key.isdecimal()]:
        yield f"it has the key {shown(odd[0])}"


@check(
    "status_object",
    "dataset: `status` is an object by the same index, or missing",
    needs=["whole"],
    after=["json_members"],
    effect="None: other forms of JSON-stat are read as well",
)
def status_object(case: Case) -> Iterator[str]:
    status = case["whole"].document.get("status", {})
    if not isinstance(status, dict):
        yield f"it is a {type(status).__name__}"
    elif odd := [key for key in status if not key.isdecimal()]:
        yield f"it has the key {shown(odd[0])}"


@check(
    "numbers",
    "dataset: values are numbers",
    needs=["whole"],
    after=["value_object"],
    effect=_UNREADABLE,
)
def numbers(case: Case) -> Iterator[str]:
    for key, value in case["whole"].document["value"].items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"cell {key} is {shown(value)}"


@check(
    "flags",
    "dataset: statuses are small letters, then `|C` where confidential",
    needs=["whole"],
    after=["status_object"],
    effect="Flags are kept as sent; another separator than `|` would leave the confidentiality in the flag",
)
def flags(case: Case) -> Iterator[str]:
    for status in sorted(set(statuses(case).values())):
        if not re.fullmatch(r"[a-z]*(\|[A-Z])?", status):
            yield shown(status)


@check(
    "cells_inside",
    "dataset: indices are below the product of `size`",
    needs=["whole"],
    after=["value_object", "status_object"],
    effect=_UNREADABLE,
)
def cells_inside(case: Case) -> Iterator[str]:
    size = prod(case["whole"].document["size"])
    for key in cells(case):
        if int(key) >= size:
            yield f"index {key} of {size:,} cells"


@check(
    "obs_count",
    "dataset: OBS_COUNT counts the cells with a value or a status",
    needs=["whole"],
    after=["value_object", "status_object"],
    effect="The check `complete` holds every release back, as it cannot tell whole from cut",
)
def obs_count(case: Case) -> Iterator[str]:
    announced = notes_of(case["whole"].document).get("OBS_COUNT", {}).get("title")
    if announced != str(len(cells(case))):
        yield f"it is {shown(announced)} where {len(cells(case))} cells are there"


@check(
    "dimensions",
    "dataset: `category.index` gives each code its position, `size` their number",
    needs=["whole"],
    after=["json_members"],
    effect="None for the list that JSON-stat allows as well; of anything else: " + _UNREADABLE,
)
def dimensions(case: Case) -> Iterator[str]:
    document = case["whole"].document
    for name, size in zip(document["id"], document["size"], strict=True):
        index = document["dimension"][name]["category"]["index"]
        if not isinstance(index, dict):
            yield f"{name} has a {type(index).__name__}"
        elif sorted(index.values()) != list(range(size)):
            yield f"{name} has {size} positions, but {len(index)} codes"


@check(
    "time_dimension",
    "dataset: the last dimension is `time`",
    needs=["whole"],
    after=["json_members"],
    effect="None for another place or the name TIME_PERIOD; under others periods are not recognised",
)
def time_dimension(case: Case) -> Iterator[str]:
    names = case["whole"].document["id"]
    if not names or names[-1] != "time":
        yield f"they are {', '.join(names)}"


@check(
    "periods",
    "dataset: periods as 2025, 2025-S1, 2025-Q3, 2025-02, 2025-W28, 2025-12-31",
    needs=["whole"],
    after=["dimensions"],
    effect="Text is kept, first and last day are unknown; a release of which many are such is held back",
)
def periods(case: Case) -> Iterator[str]:
    document = case["whole"].document
    literals = codes_of(document["dimension"][document["id"][-1]])
    odd = [literal for literal in literals if period_days(literal) is None]
    if odd:
        yield f"{len(odd)} of {len(literals)} have another form, such as {shown(odd[0])}"


@check(
    "labels",
    "dataset: every dimension and every code has a label",
    needs=["whole"],
    after=["dimensions"],
    effect="Comments of columns and labels of codes are the codes themselves",
)
def labels(case: Case) -> Iterator[str]:
    document = case["whole"].document
    for name in document["id"]:
        dimension = document["dimension"][name]
        missing = set(codes_of(dimension)) - dimension["category"].get("label", {}).keys()
        if missing or not dimension.get("label"):
            yield f"{name} lacks {'its own' if not dimension.get('label') else f'those of {len(missing)} codes'}"


@check(
    "status_labels",
    "dataset: `extension.status.label` explains every status",
    needs=["whole"],
    after=["status_object"],
    effect="Flags are kept, without their meaning",
)
def status_labels(case: Case) -> Iterator[str]:
    explained = case["whole"].document["extension"].get("status", {}).get("label", {})
    if missing := sorted(set(statuses(case).values()) - explained.keys()):
        yield f"nothing is said of {', '.join(missing)}"


@check(
    "obs_periods",
    "dataset: annotations name its oldest and latest period",
    needs=["whole"],
    after=["dimensions"],
    effect="The check `span_as_announced` warns or has nothing to compare",
)
def obs_periods(case: Case) -> Iterator[str]:
    document = case["whole"].document
    known = codes_of(document["dimension"][document["id"][-1]])
    for kind in ("OBS_PERIOD_OVERALL_OLDEST", "OBS_PERIOD_OVERALL_LATEST"):
        said = notes_of(document).get(kind, {}).get("title")
        if said not in known:
            yield f"{kind} is {shown(said)}"


@check(
    "dataset_id",
    "dataset: `extension.id` is its code in upper case",
    needs=["whole"],
    after=["json_members"],
    effect="Every answer is taken for another dataset's, and refused",
)
def dataset_id(case: Case) -> Iterator[str]:
    claimed = case["whole"].document["extension"].get("id")
    if claimed != case.code:
        yield f"it is {shown(claimed)} for {case.code}"


@check(
    "annotation_dates",
    "dataset: annotations UPDATE_DATA, UPDATE_STRUCTURE as 2026-02-06T23:00:00+0100",
    needs=["whole"],
    after=["json_members"],
    effect=_DATES,
)
def annotation_dates(case: Case) -> Iterator[str]:
    for kind, date in zip(
        ("UPDATE_DATA", "UPDATE_STRUCTURE"), update_dates(case["whole"].document), strict=True
    ):
        if date is None or not WIRE_DATE.fullmatch(date):
            yield f"{kind} is {shown(date)}"


@check(
    "updated",
    "dataset: `updated` is the later of these two",
    needs=["whole"],
    after=["annotation_dates", "json_texts"],
    effect="None where annotations are there; without them a dataset would get a wrong date",
)
def updated(case: Case) -> Iterator[str]:
    document = case["whole"].document
    later = max(datetime.fromisoformat(date) for date in update_dates(document) if date)
    if not WIRE_DATE.fullmatch(document["updated"]) or datetime.fromisoformat(document["updated"]) != later:
        yield f"it is {document['updated']}, the later one {later.isoformat()}"


@check(
    "inventory_is_dataset",
    "dataset: its two dates are those of the inventory",
    needs=["whole", "inventory"],
    after=["annotation_dates", "inventory_dates"],
    effect="Datasets seem stale for ever, or new releases seem known",
    remedy="Once more in ten minutes: a release may have come between two requests. If it stays so, report it",
)
def inventory_is_dataset(case: Case) -> Iterator[str]:
    listed = {code.upper(): (data, structure) for _, (code, _, _, data, structure) in inventory_rows(case)}
    if case.code not in listed:
        raise NothingToSee(f"the inventory does not list {case.code}")
    said = update_dates(case["whole"].document)
    if listed[case.code] != said:
        yield f"{case.code}: {', '.join(listed[case.code])} there, {', '.join(map(str, said))} here"
