"""Totals against their parts, where that is sound: both sexes, and the Union with its members. Warnings only.

Sound means counts: units of which a total is the sum of its parts. Rates, shares, indices and averages are left alone, as
are cells with a confidentiality status. Here is what may be compared and how it is said; the server looks
(`postgres/digests.py`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eurostat_assets.audit.digest import NOT_OF_THE_KEY, Readable, open_parquet
from eurostat_assets.audit.findings import Finding, Kind

COUNTS = frozenset(("NR", "THS", "MIO", "PER", "THS_PER", "MIO_PER"))
"""Codes of Eurostat's code list UNIT: number, thousand, million, and of persons."""
SEXES = frozenset(("T", "M", "F"))
EU27 = frozenset(
    ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT",
     "NL", "PL", "PT", "RO", "SE", "SI", "SK")
)  # fmt: skip
UNIONS = {"EU27_2020": EU27, "EU28": EU27 | {"UK"}, "EU27_2007": EU27 - {"HR"} | {"UK"}}
SHARE, UNITS = 0.02, 5.0  # rounding, and countries' own corrections of totals, stay below


@dataclass(frozen=True)
class Hierarchy:
    """Of `dimension`, the cell of code `total` against those of `parts`, for some codes of `unit`; for each combination of
    the `others`, the columns that make up the rest of the key.

    `rule`: the total is `equal` to the sum of the parts; `at_least` their sum (there are other parts, such as unknown
    sex); or not smaller than the `largest` of them (some members may be missing). Cells that are off by less than the
    share `tolerance` of the total, or less than `slack`, are let be.
    """

    dimension: str
    others: tuple[str, ...]
    total: str
    parts: tuple[str, ...]
    units: tuple[str, ...]
    rule: Literal["equal", "at_least", "largest"]
    tolerance: float = SHARE
    slack: float = UNITS


def hierarchies(codes: Mapping[str, Collection[str]]) -> tuple[Hierarchy, ...]:
    """Those of a dataset with these codes by column; none where it counts nothing."""
    units = tuple(sorted(COUNTS & set(codes.get("unit", ()))))
    found: list[Hierarchy] = []
    if not units:
        return ()
    keys = [name for name in codes if name not in NOT_OF_THE_KEY]

    def others(dimension: str) -> tuple[str, ...]:
        return tuple(name for name in keys if name != dimension)

    sexes = set(codes.get("sex", ()))
    if sexes >= SEXES:
        rule = "equal" if sexes == SEXES else "at_least"
        found.append(Hierarchy("sex", others("sex"), "T", ("F", "M"), units, rule))
    places = set(codes.get("geo", ()))
    union = next((union for union in UNIONS if union in places), None)  # the newest: older ones are its like
    if union and (members := UNIONS[union] & places):
        found.append(Hierarchy("geo", others("geo"), union, tuple(sorted(members)), units, "largest"))
    return tuple(found)


def codes_of(parquet: Readable) -> dict[str, frozenset[str]]:
    """The code list of each column of the file, from its footer."""
    with open_parquet(parquet) as file:
        labels = {field.name: (field.metadata or {}).get(b"labels", b"{}") for field in file.schema_arrow}
    return {name: frozenset(json.loads(text)) for name, text in labels.items()}


def implausible(
    dataset: str, hierarchy: Hierarchy, compared: int, off: int, worst: Sequence[Mapping[str, Any]]
) -> Finding:
    """What to say when `off` of the `compared` totals do not fit; `worst` are the worst of them, cell by cell."""
    kind: Kind = "totals_implausible" if hierarchy.dimension == "sex" else "aggregate_implausible"
    rule = {
        "equal": f"are not the sum of {' and '.join(hierarchy.parts)}",
        "at_least": f"are smaller than the sum of {' and '.join(hierarchy.parts)}",
        "largest": "are smaller than a single member of it",
    }[hierarchy.rule]
    sentence = (
        f"{dataset}: {off:,} of {compared:,} counts of {hierarchy.dimension}={hierarchy.total} {rule}, by more than"
        f" {hierarchy.tolerance:.0%}. They are as Eurostat sent them; take care when adding up."
    )
    numbers = {"compared": compared, "off": off, "worst": [dict(cell) for cell in worst]}
    return Finding(dataset, kind, sentence, numbers)
