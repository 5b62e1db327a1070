"""A whole dataset as JSON-stat: its members, what it says it is, and its dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from eurostat_assets.doctor.contract.check import Case, NothingToSee, check, shown
from eurostat_assets.doctor.contract.inventory import WIRE_DATE
from eurostat_assets.doctor.contract.inventory import rows as inventory_rows

UNREADABLE = "Datasets cannot be read: new releases are held back, the last good ones stay"
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
_DATES = "Datasets without readable dates cannot be loaded: the last good releases stay"


def notes_of(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {one["type"]: one for one in document["extension"]["annotation"]}


def update_dates(document: dict[str, Any]) -> tuple[str | None, str | None]:
    """UPDATE_DATA and UPDATE_STRUCTURE as sent."""
    notes = notes_of(document)
    return notes.get("UPDATE_DATA", {}).get("date"), notes.get("UPDATE_STRUCTURE", {}).get("date")


@check(
    "json_stat",
    "dataset: JSON-stat 2.0 of class dataset",
    needs=["whole"],
    after=["whole_address"],
    effect="None for a later version with the same members; of another class: " + UNREADABLE,
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
    effect=UNREADABLE,
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
