"""What a check says in the end: one outcome and the words for the person who reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from eurostat_assets.model.messages import line


class Outcome(StrEnum):
    """`WRONG` is said of this machine, `CHANGED` of Eurostat; `UNCHECKED` where another line already says why."""

    AS_EXPECTED = "as expected"
    WRONG = "wrong"
    CHANGED = "changed"
    UNREACHABLE = "not reachable"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the report.

    `expected` is the sentence that was checked, `found` what is there instead (or a figure, where all is as expected),
    `effect` what that means for the mirror, `remedy` what to do. The last two are empty where all is as expected.
    """

    check: str
    outcome: Outcome
    expected: str
    found: str = ""
    effect: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        """What was found quotes answers, programs and the environment."""
        for name in ("expected", "found", "effect", "remedy"):
            object.__setattr__(self, name, line(getattr(self, name)))

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """0 all as expected, 1 something changed or is wrong on this machine, 3 (part of) Eurostat was not reachable."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if outcomes & {Outcome.WRONG, Outcome.CHANGED}:
        return 1
    return 3 if Outcome.UNREACHABLE in outcomes else 0
