"""The cells of a whole dataset: `value`, `status`, and how many there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod

from eurostat_assets.doctor.contract.check import Case, NothingToSee, check, shown
from eurostat_assets.doctor.contract.dataset import UNREADABLE, notes_of


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
    effect=UNREADABLE,
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
    "cells_inside",
    "dataset: indices are below the product of `size`",
    needs=["whole"],
    after=["value_object", "status_object"],
    effect=UNREADABLE,
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
