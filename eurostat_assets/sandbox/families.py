"""How an invented dataset is made after the family its code belongs to: dimensions, periods, values, place in the catalogue.

A dataset is fully determined by its code, the seed and its size. Which datasets are served is said in profiles.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod

from .codelists import DIMENSION_LABELS, positions
from .cube import code_hash
from .datasets import USUAL_FLAGS, Dataset, Dimension
from .errors import UnknownDatasetError
from .periods import series


@dataclass(frozen=True)
class Family:
    """The make of all datasets whose code starts alike. `shape` maps a dimension to its number of positions or its codes."""

    subject: str
    folders: tuple[str, ...]
    shape: Mapping[str, int | tuple[str, ...]]
    time: tuple[str, ...]  # runs of periods as "frequency first count"
    fill: float = 0.6
    decimals: int = 1
    maximum: int = 1000
    signed: bool = False
    flags: Mapping[str, float] = field(default_factory=lambda: USUAL_FLAGS)


_PC = {"freq": ("A",), "unit": ("PC",)}
_PEOPLE = {"sex": 3, "age": 10, "geo": 36}
FAMILIES = {
    "HLTH_EHIS": Family(
        'self-reported "good" habits',
        ("hlth_bmi", "hlth_sph"),
        _PC | {"isced11": 4, **_PEOPLE},
        ("A 2014 1", "A 2019 1"),
        0.8,
    ),
    "HLTH_SILC": Family(
        "self-perceived health", ("hlth_sph",), _PC | {"quant_inc": 6, "levels": 8, **_PEOPLE}, ("A 2008 17",)
    ),
    "HLTH_CD": Family(
        "causes of death",
        ("hlth_cd_gmor", "reg_hlth_cdeath"),
        {"freq": ("A",), "unit": ("NR",), "sex": 3, "age": 6, "icd10": 60, "geo": 42},
        ("A 2011 12",),
        decimals=0,
        maximum=200_000,
    ),
    "HLTH_CO": Family(
        "hospital discharges",
        ("hlth_hosd",),
        {
            "freq": ("A",),
            "age": 8,
            "indic_he": 4,
            "unit": ("P_HTHAB", "NR"),
            "sex": 3,
            "icd10": 30,
            "geo": 36,
        },
        ("A 2000 22",),
        0.45,
    ),
    "HLTH_RS": Family(
        "beds and personnel",
        ("hlth_facil", "reg_hlth_care"),
        {"freq": ("A",), "unit": ("NR", "P_HTHAB"), "facility": 6, "geo": 80},
        ("A 1993 29",),
        decimals=2,
        maximum=120_000,
    ),
    "HLTH_SHA11": Family(
        "expenditure by scheme and function",
        ("hlth_sha11",),
        {"freq": ("A",), "unit": ("MIO_EUR", "EUR_HAB", "PC"), "icha11_hf": 14, "icha11_hc": 12, "geo": 34},
        ("A 1992 31",),
        decimals=2,
        maximum=9_000_000,
    ),
    "HLTH_DPEH": Family(
        "disability and health",
        ("hlth_dsb",),
        _PC | {"lev_limit": 5, "sex": 3, "age": 8, "deg_urb": 4, "geo": 36},
        ("A 2022 3",),
    ),
    "HLTH": Family("health", ("hlth_state",), _PC | {"lev_limit": 5, **_PEOPLE}, ("A 2005 12",)),
    "ENPE_HLTH": Family(
        "health care expenditure as a share of GDP", ("enpe",), _PC | {"geo": 20}, ("A 2005 16",)
    ),
    "HSW": Family(
        "accidents at work",
        ("hsw",),
        {"freq": ("A",), "unit": ("NR",), "sex": 3, "age": 6, "geo": 34},
        ("A 2008 14",),
        decimals=0,
    ),
    "NAMA": Family(
        "gross domestic product",
        ("na10",),
        {"freq": ("A",), "unit": ("MIO_EUR", "PCH_PRE"), "na_item": 6, "geo": 42},
        ("A 1995 30",),
        signed=True,
        maximum=900_000,
    ),
    "DEMO": Family(
        "population",
        ("demo",),
        {"freq": ("A",), "unit": ("NR",), "age": 18, "sex": 3, "geo": 42},
        ("A 1990 35",),
        decimals=0,
    ),
}
# Datasets that are not the plain make of their family, by code.
SPECIAL: Mapping[str, Mapping[str, object]] = {
    "HLTH_EHIS_ONE": {
        "shape": _PC | {"geo": ("EU27_2020",)},
        "time": ("A 2019 1",),
        "fill": 1.0,
        "flags": {},
    },
    "HLTH_SILC_SECRET": {"shape": _PC | {"sex": 3, "geo": 8}, "time": ("A 2020 2",), "flags": {"|C": 1.0}},
    "HLTH_DM_NOGEO": {"shape": _PC | {"c_birth": 5, "sex": 3, "age": 10}, "time": ("A 2010 14",)},
    "HLTH_CD_WEEKLY": {
        "shape": {"freq": ("W",), "unit": ("NR",), "sex": 3, "age": 5, "geo": 30},
        "time": ("W 2019-W50 110",),
    },
    "HLTH_CD_DAILY": {"shape": {"freq": ("D",), "unit": ("NR",), "geo": 12}, "time": ("D 2020-02-20 400",)},
    "HLTH_RS_MIXED": {
        "shape": {"freq": ("A", "S", "Q", "M"), "unit": ("NR", "RT"), "facility": 3, "geo": 20},
        "time": ("A 2021 3", "S 2021-S1 6", "Q 2021-Q1 12", "M 2021-01 36"),
    },
    "HLTH_CO_MONTHLY": {
        "shape": {"freq": ("M",), "unit": ("NR",), "icd10": 8, "geo": 24},
        "time": ("M 2021-01 48",),
    },
    "HLTH_DHC_HALF": {
        "shape": _PC | {"freq": ("S",), "lev_limit": 5, "sex": 3, "geo": 20},
        "time": ("S 2019-S1 10",),
        "flags": {},
    },
    "NAMA_10_QTR": {
        "shape": {"freq": ("Q",), "unit": ("PCH_PRE",), "na_item": 4, "geo": 34},
        "time": ("Q 2000-Q1 98",),
    },
    "DEMO_R_MWEEK": {
        "shape": {"freq": ("W",), "unit": ("NR",), "sex": 3, "geo": 60},
        "time": ("W 2020-W01 160",),
    },
}


def invented(code: str, seed: int = 0, cells: int | None = None, fill: float | None = None) -> Dataset:
    """The dataset of a code, made after its family; with `cells`, its longest dimensions are cut or grown to about that size.

    Raises UnknownDatasetError when the code belongs to no family.
    """
    code = code.upper()
    family_name = next(
        (name for name in sorted(FAMILIES, key=len, reverse=True) if code.startswith(f"{name}_")), None
    )
    if family_name is None:
        raise UnknownDatasetError(code, f"its code should start with one of {', '.join(FAMILIES)}")
    family = replace(FAMILIES[family_name], **SPECIAL.get(code, {}))  # type: ignore[arg-type]
    dimensions = [_dimension(name, wanted) for name, wanted in family.shape.items()]
    dimensions.append(_time(family.time))
    if cells is not None:
        dimensions = _resized(dimensions, cells)
    by = " and ".join(
        d.label.lower() for d in dimensions if d.id not in ("freq", "unit", "time") and len(d) > 1
    )
    geo = next((d for d in dimensions if d.id == "geo"), None)
    empty = (
        {("geo", geo.codes[-1])}
        if geo and len(geo) > 30 and code_hash(seed, code, "empty") % 4 == 0
        else set()
    )
    return Dataset(
        code,
        f"Invented: {family.subject}" + (f" by {by}" if by else "") + f" ({code.rpartition('_')[2]})",
        tuple(dimensions),
        family.folders,
        seed,
        family.fill if fill is None else fill,
        family.flags,
        family.decimals,
        family.maximum,
        family.signed,
        frozenset(empty),
    )


def _dimension(name: str, wanted: int | tuple[str, ...]) -> Dimension:
    known = positions(name)
    codes = tuple(known)[:wanted] if isinstance(wanted, int) else wanted
    return Dimension(name, DIMENSION_LABELS[name], codes, tuple(known[code] for code in codes))


def _time(runs: tuple[str, ...]) -> Dimension:
    codes: list[str] = []
    for run in runs:
        frequency, first, count = run.split()
        codes += series(frequency, first, int(count))
    return Dimension("time", DIMENSION_LABELS["time"], tuple(codes), tuple(codes))


# Dimensions whose length never changes to reach a size.
_RIGID = {"freq", "unit", "sex"}


def _resized(dimensions: list[Dimension], cells: int) -> list[Dimension]:
    """The same dimensions cut or grown evenly until their product is about `cells`; time is cut at its old end, never grown."""
    lengths = {d.id: len(d) for d in dimensions}
    mixed = lengths["freq"] > 1
    limits = {d.id: len(d) if d.id == "time" else len(positions(d.id)) for d in dimensions}
    elastic = sorted(
        (d for d in lengths if d not in _RIGID and not (mixed and d == "time")), key=limits.__getitem__
    )
    for done, name in enumerate(elastic):
        ratio = cells / prod(lengths.values())
        share = ratio ** (1 / (len(elastic) - done))
        lengths[name] = min(limits[name], max(1, round(lengths[name] * share)))
    return [
        Dimension("time", d.label, d.codes[-lengths["time"] :], d.labels[-lengths["time"] :])
        if d.id == "time"
        else _dimension(d.id, lengths[d.id])
        if lengths[d.id] != len(d)
        else d
        for d in dimensions
    ]
