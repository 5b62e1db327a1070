"""The inventory of datasets: its columns by name, its codes, and dates to the second."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eurostat_assets.doctor.contract.check import Case, check, shown
from eurostat_assets.eurostat import MalformedCode, check_code

COLUMNS = ("Code", "Type", "Source dataset", "Last data change", "Last structural change")
WIRE_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}")
_BROKEN = "Sweeps fail or overlook datasets; what is published stays, news comes by the feed alone"


def rows(case: Case) -> Iterator[tuple[int, list[str]]]:
    """(line number, the five cells of COLUMNS, found by name) of each dataset."""
    names = case["inventory"].lines[0].split("\t")
    places = [names.index(name) for name in COLUMNS]
    for number, line in enumerate(case["inventory"].lines[1:], start=2):
        cells = line.split("\t")
        yield number, [cells[place] for place in places]


@check(
    "inventory_columns",
    "inventory: has the five columns that are read, by their names",
    needs=["inventory"],
    after=["inventory_address"],
    effect=_BROKEN,
)
def inventory_columns(case: Case) -> Iterator[str]:
    names = case["inventory"].lines[0].split("\t")
    if missing := [name for name in COLUMNS if name not in names]:
        yield f"without {', '.join(missing)}; the columns are {', '.join(names)}"


@check(
    "inventory_order",
    "inventory: these are its first five columns, in this order",
    needs=["inventory"],
    after=["inventory_columns"],
    effect="None: columns are found by their names",
)
def inventory_order(case: Case) -> Iterator[str]:
    names = case["inventory"].lines[0].split("\t")[: len(COLUMNS)]
    if tuple(names) != COLUMNS:
        yield f"they are {', '.join(names)}"


@check(
    "inventory_dates",
    "inventory: dates as 2026-02-06T23:00:00+0100",
    needs=["inventory"],
    after=["inventory_columns"],
    effect=_BROKEN,
)
def inventory_dates(case: Case) -> Iterator[str]:
    for number, (*_, data, structure) in rows(case):
        if not WIRE_DATE.fullmatch(data) or not (structure in ("", "-") or WIRE_DATE.fullmatch(structure)):
            yield f"line {number}: {shown(data)}, {shown(structure)}"


@check(
    "inventory_codes",
    "inventory: codes are upper case, each is listed once",
    needs=["inventory"],
    after=["inventory_columns"],
    effect="A code of another shape is left out; of a code listed twice the newest dates win",
)
def inventory_codes(case: Case) -> Iterator[str]:
    seen: set[str] = set()
    for number, (code, *_) in rows(case):
        try:
            if check_code(code) != code:
                yield f"line {number}: {shown(code)}"
        except MalformedCode:
            yield f"line {number}: {shown(code)}"
        if code in seen:
            yield f"line {number}: {code} for the second time"
        seen.add(code)


@check(
    "inventory_types",
    "inventory: only datasets, and extractions with `$` in their code",
    needs=["inventory"],
    after=["inventory_columns"],
    effect="Themes take datasets and leave extractions (`…$…`) out; what is new is taken for a dataset",
)
def inventory_types(case: Case) -> Iterator[str]:
    for number, (code, kind, *_) in rows(case):
        if kind != ("EXTRACTION" if "$" in code else "DATASET"):
            yield f"line {number}: {code} is {shown(kind)}"
