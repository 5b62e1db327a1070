"""Eurostat's API as this project relies on it: every assumption is one check over recorded answers.

Belongs here: what answers should be. Does not: making requests, files, the terminal.
"""

# ruff: noqa: F401, I001 - each module registers its checks, in the order of the report; `after` looks back only
from eurostat_assets.doctor.contract import (
    addresses,
    transport,
    inventory,
    toc,
    dataset,
    cells,
    dimensions,
    outline,
    feed,
    refusals,
    bulk,
    codelists,
)
from eurostat_assets.doctor.contract.check import CHECKS, Case, Check, judge

__all__ = ["CHECKS", "Case", "Check", "judge"]
