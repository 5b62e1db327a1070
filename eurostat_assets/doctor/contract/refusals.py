"""What Eurostat answers to requests that it cannot fulfil, by number and not by words alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from defusedxml.ElementTree import fromstring

from eurostat_assets.doctor.collecting import NO_SUCH_DATASET, NO_SUCH_DIMENSION
from eurostat_assets.doctor.contract.check import Case, check, shown

_BLIND = "Refusals are judged by their status alone: a dataset that is gone is tried again as in an outage"


def error_of(case: Case, name: str) -> dict[str, Any]:
    return case[name].document["error"][0]


def _refused(case: Case, name: str, status: int, identifier: int, label: str) -> Iterator[str]:
    error = error_of(case, name)
    said = (case[name].status, error["status"], error["id"])
    if said != (status, status, identifier):
        yield f"HTTP {said[0]}, status {said[1]}, id {said[2]} instead of {status}, {status}, {identifier}"
    if label not in error["label"]:
        yield f"the label is {shown(error['label'])}"


@check(
    "error_shape",
    'refusal: {"error": [{"status", "id", "label"}]}',
    needs=["unknown_dataset"],
    after=["whole_address"],
    effect=_BLIND,
)
def error_shape(case: Case) -> Iterator[str]:
    error = error_of(case, "unknown_dataset")
    if not (
        isinstance(error["status"], int) and isinstance(error["id"], int) and isinstance(error["label"], str)
    ):
        yield shown(error)


@check(
    "unknown_dataset",
    "refusal: an unknown dataset is 404, id 100, ERR_NOT_FOUND and its code",
    needs=["unknown_dataset"],
    after=["error_shape"],
    effect="None for another id; without ERR_NOT_FOUND a dataset that is gone is tried again as in an outage",
)
def unknown_dataset(case: Case) -> Iterator[str]:
    yield from _refused(case, "unknown_dataset", 404, 100, "ERR_NOT_FOUND")
    if NO_SUCH_DATASET not in error_of(case, "unknown_dataset")["label"]:
        yield "the label does not name the dataset"


@check(
    "unknown_dimension",
    "refusal: an unknown dimension or parameter is 400, id 150",
    needs=["unknown_dimension"],
    after=["error_shape"],
    effect="A request with a wrong filter would bring a whole dataset, or another one than asked for",
)
def unknown_dimension(case: Case) -> Iterator[str]:
    if case["unknown_dimension"].status == 200:
        yield f"a request with {NO_SUCH_DIMENSION}=X is answered with data"
        return
    yield from _refused(case, "unknown_dimension", 400, 150, "INVALID_QUERY_DIMENSION")


@check(
    "unknown_bulk",
    "refusal: the bulk address says the same as an XML fault, 404 and code 100",
    needs=["unknown_bulk"],
    after=["bulk_address"],
    effect="None for the JSON form of refusals; of others: " + _BLIND,
)
def unknown_bulk(case: Case) -> Iterator[str]:
    root = fromstring(case["unknown_bulk"].content, forbid_dtd=True)
    found = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root.iter()}
    if case["unknown_bulk"].status != 404 or found.get("faultcode") != "100":
        yield f"HTTP {case['unknown_bulk'].status}, faultcode {shown(found.get('faultcode'))}"
    if "ERR_NOT_FOUND" not in found.get("faultstring", ""):
        yield f"faultstring {shown(found.get('faultstring'))}"
