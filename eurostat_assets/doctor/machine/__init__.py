"""This machine: is it fit for the mirror that the settings describe?

Belongs here: looking. Does not: changing anything, or asking Eurostat.
"""

# ruff: noqa: F401, I001 - each module registers its checks, in the order of the report
from eurostat_assets.doctor.machine import software, room, network
from eurostat_assets.doctor.machine.check import MACHINE_CHECKS, Machine, MachineCheck, examine

__all__ = ["MACHINE_CHECKS", "Machine", "MachineCheck", "examine"]
