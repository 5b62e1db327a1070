"""Another API than the documented one: each change breaks one assumption that clients make.

Faults (faults.py) are what a good API does on a bad day; a change here is for good. Belongs here: how a finished answer is
altered. `Running.change_contract("feed_atom")` turns changes on.
"""

from eurostat_assets.sandbox.contract import catalogue, data, transport  # noqa: F401 - each registers its changes
from eurostat_assets.sandbox.contract.change import CHANGES, Contract

__all__ = ["CHANGES", "Contract"]
