"""How an invented dataset is made after the family its code belongs to: dimensions, periods, values, folders.

A dataset is fully determined by its code, the seed and its size. Which datasets are served is said in profiles.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from eurostat_assets.sandbox.codelists import DIMENSION_LABELS
from eurostat_assets.sandbox.datasets import Dataset, Dimension
from eurostat_assets.sandbox.draw import code_hash
from eurostat_assets.sandbox.errors import UnknownDataset
from eurostat_assets.sandbox.flags import USUAL_FLAGS
from eurostat_assets.sandbox.shapes import resized, shaped


@dataclass(frozen=True)
class Family:
    """The make of all datasets whose code starts alike.

    `shape` and `time` are written as shapes.py reads them, `folders` are codes of the table of contents.
    """

    subject: str
    folders: str
    shape: str
    time: str
    decimals: int = 1
    maximum: int = 1000
    fill: float = 0.6
    signed: bool = False
    flags: Mapping[str, float] = field(default_factory=lambda: USUAL_FLAGS)


FAMILIES = {
    "HLTH_EHIS": Family(
        "healthy habits “as told”",
        "hlth_bmi hlth_sph",
        "freq=A unit=PC isced11:4 sex:3 age:10 geo:36",
        "2014:1 2019:1",
        fill=0.8,
    ),
    "HLTH_SILC": Family(
        "self-perceived health",
        "hlth_sph",
        "freq=A unit=PC quant_inc:6 levels:8 sex:3 age:10 geo:36",
        "2008:17",
    ),
    "HLTH_CD": Family(
        "causes of death",
        "hlth_cd_gmor reg_hlth_cdeath",
        "freq=A unit=NR sex:3 age:6 icd10:60 geo:42",
        "2011:12",
        decimals=0,
        maximum=200_000,
    ),
    "HLTH_CO": Family(
        "hospital discharges",
        "hlth_hosd",
        "freq=A age:8 indic_he:4 unit=P_HTHAB,NR sex:3 icd10:30 geo:36",
        "2000:22",
        fill=0.45,
    ),
    "HLTH_RS": Family(
        "beds and personnel",
        "hlth_facil reg_hlth_care",
        "freq=A unit=NR,P_HTHAB facility:6 geo:80",
        "1993:29",
        decimals=2,
        maximum=120_000,
    ),
    "HLTH_SHA11": Family(
        "expenditure",
        "hlth_sha11",
        "freq=A unit=MIO_EUR,EUR_HAB,PC icha11_hf:14 icha11_hc:12 geo:34",
        "1992:31",
        decimals=2,
        maximum=9_000_000,
    ),
    "HLTH_DPEH": Family(
        'persons with a "disability"',
        "hlth_dsb",
        "freq=A unit=PC lev_limit:5 sex:3 age:8 deg_urb:4 geo:36",
        "2022:3",
    ),
    "HLTH": Family("health", "hlth_state", "freq=A unit=PC lev_limit:5 sex:3 age:10 geo:36", "2005:12"),
    "ENPE_HLTH": Family(
        "health care expenditure as a share of GDP", "enpe", "freq=A unit=PC geo:20", "2005:16"
    ),
    "HSW": Family("accidents at work", "hsw", "freq=A unit=NR sex:3 age:6 geo:34", "2008:14", decimals=0),
    "NAMA": Family(
        "gross domestic product",
        "na10",
        "freq=A unit=MIO_EUR,PCH_PRE na_item:6 geo:42",
        "1995:30",
        maximum=900_000,
        signed=True,
    ),
    "DEMO": Family(
        "population", "demo", "freq=A unit=NR age:18 sex:3 geo:42", "1990:35", decimals=0, maximum=2**20
    ),
}
# Datasets unlike their family, by code: one cell, only confidential cells, no geo, no folder, other frequencies.
SPECIAL: Mapping[str, Mapping[str, Any]] = {
    "HLTH_EHIS_ONE": {"shape": "freq=A unit=PC geo=EU27_2020", "time": "2019:1", "fill": 1.0, "flags": {}},
    "HLTH_SILC_SECRET": {"shape": "freq=A unit=PC sex:3 geo:8", "time": "2020:2", "flags": {"|C": 1.0}},
    "HLTH_DM_NOGEO": {"shape": "freq=A unit=PC c_birth:5 sex:3 age:10", "time": "2010:14"},
    "HLTH_DHC_HALF": {"shape": "freq=S unit=PC lev_limit:5 sex:3 geo:20", "time": "2019-S1:10", "flags": {}},
    "HLTH_CO_MONTHLY": {"shape": "freq=M unit=NR icd10:8 geo:24", "time": "2021-01:48"},
    "HLTH_CD_WEEKLY": {"shape": "freq=W unit=NR sex:3 age:5 geo:30", "time": "2019-W50:110"},
    "HLTH_CD_DAILY": {"shape": "freq=D unit=NR geo:12", "time": "2020-02-20:400", "folders": ""},
    "HLTH_RS_MIXED": {
        "shape": "freq=A,S,Q,M unit=NR,RT facility:3 geo:20",
        "time": "2021:3 2021-S1:6 2021-Q1:12 2021-01:36",
    },
    "NAMA_10_QTR": {"shape": "freq=Q unit=PCH_PRE na_item:4 geo:34", "time": "2000-Q1:98"},
    "DEMO_R_MWEEK": {"shape": "freq=W unit=NR sex:3 geo:60", "time": "2020-W01:160"},
}

# Bytes of a body per observation: a key of seven or eight digits, a value, and a status now and then.
_BYTES_PER_OBSERVATION = 16.5


def invented(code: str, seed: int = 0, cells: int | None = None, size: int | None = None) -> Dataset:
    """The dataset of a code; its dimensions are cut or grown to a cube of about `cells`, or a body of about `size` bytes.

    Raises UnknownDataset when the code belongs to no family.
    """
    code = code.upper()
    names = (name for name in sorted(FAMILIES, key=len, reverse=True) if code.startswith(f"{name}_"))
    if (name := next(names, None)) is None:
        raise UnknownDataset(code, f"its code should start with one of {', '.join(FAMILIES)}")
    family = replace(FAMILIES[name], **SPECIAL.get(code, {}))
    dimensions = shaped(family.shape, family.time)
    if size is not None:
        cells = max(1, round(size / _BYTES_PER_OBSERVATION / family.fill))
    if cells is not None:
        dimensions = resized(dimensions, cells)
    return Dataset(
        code,
        _title(family.subject, code, dimensions),
        tuple(dimensions),
        tuple(family.folders.split()),
        seed,
        fill=family.fill,
        flags=family.flags,
        decimals=family.decimals,
        maximum=family.maximum,
        signed=family.signed,
        empty=_empty(code, seed, dimensions),
    )


_TITLE_WORDS = {
    "icd10": "cause",
    "age": "age",
    "isced11": "educational attainment level",
    "icha11_hf": "financing scheme",
    "icha11_hc": "function",
    "na_item": "indicator",
    "facility": "facility",
}


def _title(subject: str, code: str, dimensions: list[Dimension]) -> str:
    *most, last = [
        "",
        *(d.id for d in dimensions if d.id not in ("freq", "unit", "geo", "time") and len(d) > 1),
    ]
    words = {name: _TITLE_WORDS.get(name, DIMENSION_LABELS.get(name, "").lower()) for name in [*most, last]}
    by = (
        f" by {', '.join(words[name] for name in most[1:])}{' and ' if most[1:] else ''}{words[last]}"
        if last
        else ""
    )
    return f"Invented: {subject}{by} ({code.rpartition('_')[2]})"


def _empty(code: str, seed: int, dimensions: list[Dimension]) -> frozenset[tuple[str, str]]:
    """One dataset in four lists a last country of which it knows nothing."""
    countries = [d.codes[-1] for d in dimensions if d.id == "geo" and len(d) > 30]
    return frozenset(("geo", country) for country in countries if code_hash(seed, code, "empty") % 4 == 0)
