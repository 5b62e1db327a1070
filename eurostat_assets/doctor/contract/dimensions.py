"""The dimensions of a whole dataset: positions, labels, periods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eurostat_assets.doctor.contract.check import Case, check, shown
from eurostat_assets.doctor.contract.dataset import UNREADABLE, notes_of
from eurostat_assets.jsonstat.periods import period_days


def codes_of(dimension: dict[str, Any]) -> list[str]:
    """In the order of their positions; JSON-stat also allows a list."""
    index = dimension["category"]["index"]
    return list(index) if isinstance(index, list) else sorted(index, key=lambda code: index[code])


@check(
    "dimensions",
    "dataset: `category.index` gives each code its position, `size` their number",
    needs=["whole"],
    after=["json_members"],
    effect="None for the list that JSON-stat allows as well; of anything else: " + UNREADABLE,
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
