"""The bulk file in SDMX-CSV, which is the last resort where JSON-stat is not to be had."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from eurostat_assets.doctor.contract.cells import cells
from eurostat_assets.doctor.contract.check import Case, check, shown
from eurostat_assets.doctor.contract.dataset import update_dates
from eurostat_assets.eurostat.release import BRUSSELS

_COLUMNS = ("TIME_PERIOD", "OBS_VALUE", "OBS_FLAG")
_LOST = "Datasets that are not to be had as JSON stay as they are"


def rows(case: Case) -> Iterator[dict[str, str]]:
    return csv.DictReader(case["bulk"].lines)


@check(
    "bulk_columns",
    "bulk file: DATAFLOW, LAST UPDATE, dimensions, TIME_PERIOD, OBS_VALUE, OBS_FLAG",
    needs=["bulk", "whole"],
    after=["bulk_address", "json_members"],
    effect=_LOST,
)
def bulk_columns(case: Case) -> Iterator[str]:
    names = [name.strip() for name in case["bulk"].lines[0].split(",")]
    wanted = ["DATAFLOW", "LAST UPDATE", *case["whole"].document["id"][:-1], *_COLUMNS]
    # CONF_STATUS comes with some dataflows only.
    if names[: len(wanted)] != wanted or set(names[len(wanted) :]) - {"CONF_STATUS"}:
        yield f"they are {', '.join(names)}"


@check(
    "bulk_compressed",
    "bulk file: with compressed=true it is a gzip file",
    needs=["bulk"],
    after=["bulk_address"],
    effect="None: it is compressed here; the download takes longer",
)
def bulk_compressed(case: Case) -> Iterator[str]:
    if not case["bulk"].gzipped:
        yield f"it came as it is, {case['bulk'].wire_bytes:,} bytes"


@check(
    "bulk_dataflow",
    "bulk file: DATAFLOW is ESTAT:CODE(1.0)",
    needs=["bulk"],
    after=["bulk_columns"],
    effect=f"The file is taken for another dataset's. {_LOST}",
)
def bulk_dataflow(case: Case) -> Iterator[str]:
    said = next(rows(case))["DATAFLOW"]
    if said != f"ESTAT:{case.code}(1.0)":
        yield shown(said)


@check(
    "bulk_last_update",
    "bulk file: LAST UPDATE is a date of the dataset as 06/02/26 23:00:00 in Brussels",
    needs=["bulk", "whole"],
    after=["bulk_columns", "annotation_dates"],
    effect=f"The file is taken for another release's. {_LOST}",
)
def bulk_last_update(case: Case) -> Iterator[str]:
    said = next(rows(case))["LAST UPDATE"]
    dates = [datetime.fromisoformat(date) for date in update_dates(case["whole"].document) if date]
    if said not in {date.astimezone(BRUSSELS).strftime("%d/%m/%y %H:%M:%S") for date in dates}:
        yield f"{shown(said)} for {', '.join(map(str, update_dates(case['whole'].document)))}"


@check(
    "bulk_rows",
    "bulk file: a row for each cell with a value or a status",
    needs=["bulk", "whole"],
    after=["bulk_columns", "value_object", "status_object"],
    effect="The check `complete` holds datasets from bulk files back",
)
def bulk_rows(case: Case) -> Iterator[str]:
    count = sum(1 for _ in islice(case["bulk"].lines, 1, None))
    if count != len(cells(case)):
        yield f"{count:,} rows for {len(cells(case)):,} cells"
