"""Which invented datasets a sandbox serves, by the name of a profile. How each is made is said in families.py."""

from __future__ import annotations

from math import exp
from statistics import NormalDist

from eurostat_assets.sandbox.datasets import Dataset
from eurostat_assets.sandbox.draw import code_hash
from eurostat_assets.sandbox.errors import UnknownProfile
from eurostat_assets.sandbox.families import SPECIAL, invented

PROFILES = ("demo", "tests", "small", "full")
# Cells by code, empty ones included; None leaves the family's (or the special dataset's) own size.
_DEMO = {
    "HLTH_EHIS_ONE": None, "HLTH_EHIS_BM1E": None, "HLTH_SILC_10": 90_000, "HLTH_SILC_SECRET": None,
    "HLTH_CD_ARO": 1_400_000, "HLTH_CD_WEEKLY": None, "HLTH_CO_DISCH": 350_000, "HLTH_CO_MONTHLY": None,
    "HLTH_RS_BDS": None, "HLTH_RS_MIXED": None, "HLTH_SHA11_HF": 250_000, "HLTH_DPEH_050": None,
    "HLTH_DM_NOGEO": None, "ENPE_HLTH_EXP": None,
    "NAMA_10_GDPX": None, "NAMA_10_QTR": None, "DEMO_PJANX": None, "DEMO_R_MWEEK": None, "HSW_N2_01": None,
}  # fmt: skip
_TESTS = {
    "HLTH_EHIS_BM1E": 3_000, "HLTH_SILC_10": 4_000, "HLTH_CD_ARO": 40_000, "HLTH_CO_DISCH": 6_000, "HLTH_RS_BDS": 2_000,
    "HLTH_SHA11_HF": 8_000, "HLTH_DPEH_050": 5_000, "ENPE_HLTH_EXP": None, "NAMA_10_GDPX": 5_000, "DEMO_PJANX": 5_000,
    "HSW_N2_01": 2_000, **dict.fromkeys(SPECIAL),
}  # fmt: skip
# How many datasets each family has in `full`: Eurostat's 490 of health as they are spread, and a few others.
_FULL = {
    "HLTH_EHIS": 215, "HLTH_SILC": 37, "HLTH_CD": 36, "HLTH_CO": 32, "HLTH_RS": 25, "HLTH_DPEH": 22, "HLTH_DLM": 20,
    "HLTH_DSI": 18, "HLTH_DB": 15, "HLTH_DHC": 14, "HLTH_DM": 11, "HLTH_SHA11": 8, "HLTH_DP": 8, "HLTH_DE": 7,
    "HLTH_PS": 21, "ENPE_HLTH": 1, "HSW": 6, "NAMA_10": 6, "DEMO": 6,
}  # fmt: skip
_LARGE = ("HLTH_CD", "HLTH_CO", "HLTH_SILC", "HLTH_SHA11")
# Natural logarithm of a body's megabytes.
_MEGABYTES, _LARGEST = NormalDist(mu=1.15, sigma=1.9), 190


def profile(name: str, seed: int = 0, scale: float = 1.0) -> dict[str, Dataset]:
    """{code: dataset} of a profile; `scale` multiplies the cells of those with a size. Raises UnknownProfile."""
    if name not in PROFILES:
        raise UnknownProfile(name, PROFILES)
    if name == "full":
        return {code: invented(code, seed, size=round(size * scale)) for code, size in _full().items()}
    wanted = _small() if name == "small" else {"demo": _DEMO, "tests": _TESTS}[name]
    return {
        code: invented(code, seed, cells and max(1, round(cells * scale))) for code, cells in wanted.items()
    }


def newcomer(profile: str | None, code: str, seed: int = 0, scale: float = 1.0) -> Dataset:
    """A dataset that appears while a profile is served, no larger than suits it. Raises UnknownDataset."""
    cells = {"demo": 60_000, "full": 100_000}.get(profile or "tests", 4_000)
    return invented(code, seed, max(1, round(cells * scale)))


def _small() -> dict[str, int | None]:
    """The codes of `full` with 500 to 5,000 cells each; eight of EHIS make room for those unlike their family."""
    spread = {code: 500 + code_hash("cells", code) % 4_501 for code in _full()}
    unusual = [code for code in SPECIAL if "HLTH" in code]
    common = [code for code in spread if code.startswith("HLTH_EHIS")][: len(unusual)]
    kept = {code: cells for code, cells in spread.items() if code not in common}
    return kept | dict.fromkeys(SPECIAL)


def _full() -> dict[str, float]:
    """{code: bytes}, log-normal: most of some megabytes, seventy above 20, about 6.8 GB in all."""
    codes = [f"{family}_I{n:03}" for family, count in _FULL.items() for n in range(1, count + 1)]
    codes.sort(key=lambda code: code_hash("size", code) / 2**64 + 0.5 * code.startswith(_LARGE))
    places = ((place + 0.5) / len(codes) for place in range(len(codes)))
    megabytes = (min(exp(_MEGABYTES.inv_cdf(place)), _LARGEST) for place in places)
    return {code: size * 1e6 for code, size in zip(codes, megabytes, strict=True)}
