"""What a check of the machine is, how one is added, and how all of them are made.

A check is a function that returns what it found, in a few words, or raises Wrong. Adding one is one decorated function.
What only the network can tell (Eurostat's clock, how many rows the theme has) is handed in as `Machine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eurostat_assets import postgres, resources
from eurostat_assets.doctor.verdict import Outcome, Verdict
from eurostat_assets.model.addresses import without_secrets
from eurostat_assets.settings import Settings


class Wrong(Exception):
    """What a check found, when that is not right."""


class NotSeen(Exception):
    """Why there was nothing that a check could judge."""


@dataclass(frozen=True)
class Machine:
    """`environment` is that of this process. `clock_ahead`: seconds by which this clock is ahead of Eurostat's, None where
    Eurostat was not asked; `theme_rows`: observations of the whole theme, None where unknown.
    """

    settings: Settings
    environment: Mapping[str, str]
    clock_ahead: float | None = None
    theme_rows: int | None = None

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def place(self) -> Path:
        """The home, or the folder that exists where it will be made."""
        return next(folder for folder in (self.home, *self.home.parents) if folder.is_dir())

    @cached_property
    def server(self) -> postgres.EmbeddedPostgres | None:
        return resources.embedded_server(self.settings)


Examine = Callable[[Machine], str]


@dataclass(frozen=True, slots=True)
class MachineCheck:
    name: str
    expected: str
    effect: str
    remedy: str
    examine: Examine


MACHINE_CHECKS: dict[str, MachineCheck] = {}


def machine_check(name: str, expected: str, *, effect: str, remedy: str) -> Callable[[Examine], Examine]:
    """Register the decorated function under `name`; `expected` fits a line of a terminal."""

    def register(examine: Examine) -> Examine:
        MACHINE_CHECKS[name] = MachineCheck(name, expected, effect, remedy, examine)
        return examine

    return register


def examine(machine: Machine) -> Iterator[Verdict]:
    """The verdict of every check, in order. Never raises for what it finds."""
    for one in MACHINE_CHECKS.values():
        try:
            found = one.examine(machine)
        except Wrong as wrong:
            yield Verdict(one.name, Outcome.WRONG, one.expected, str(wrong), one.effect, one.remedy)
        except NotSeen as reason:
            yield Verdict(one.name, Outcome.UNCHECKED, one.expected, str(reason))
        except Exception as error:  # noqa: BLE001 - a check that cannot be made is a finding, too
            what = without_secrets(f"{type(error).__name__}: {error}".strip())
            yield Verdict(one.name, Outcome.WRONG, one.expected, what, one.effect, one.remedy)
        else:
            yield Verdict(one.name, Outcome.AS_EXPECTED, one.expected, found)
