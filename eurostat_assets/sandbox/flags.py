"""Statuses of observations as JSON-stat carries them: `p`, composite `bep`, confidential `|C`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_FLAG_LABELS = {
    "b": "break in time series",
    "d": "definition differs (see metadata)",
    "e": "estimated",
    "f": "forecast",
    "i": "value imputed by Eurostat or other receiving agencies",
    "m": "missing value; data cannot exist",
    "n": "not significant",
    "p": "provisional",
    "u": "low reliability",
}
_CONFIDENTIAL_LABELS = {"C": "confidential"}
# Flags of a lively dataset: share of the observations by flag; the rest has none. `|…` and `m` carry no value.
USUAL_FLAGS: Mapping[str, float] = MappingProxyType(
    {
        "p": 0.03,
        "e": 0.03,
        "b": 0.02,
        "u": 0.02,
        "d": 0.01,
        "bep": 0.01,
        "bd": 0.005,
        "n": 0.005,
        "|C": 0.02,
        "m": 0.01,
    }
)


def hides_value(status: str) -> bool:
    """A confidential (`|C`) or missing (`m`) observation has a status and no value."""
    return "|C" in status or status == "m"


def status_label(status: str) -> str:
    """`bep` → `break in time series, estimated, provisional`; `|C` → `|confidential`: the label mirrors the code."""
    flag, bar, confidential = status.partition("|")
    return (
        ", ".join(_FLAG_LABELS[letter] for letter in flag) + bar + _CONFIDENTIAL_LABELS.get(confidential, "")
    )
