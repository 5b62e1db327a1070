"""What a check of the contract is, how one is added, and how all of them are judged.

A check is a generator over the recorded answers that yields what is different from what is expected; one that yields
nothing is as expected. Adding one is one decorated function:

    @check("feed_titles", "feed: each title is CODE - \"event\"", needs=["feed_en"], after=["feed_shape"],
           effect="…", remedy="…")
    def feed_titles(case: Case) -> Iterator[str]: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from eurostat_assets.doctor.exchange import Exchange
from eurostat_assets.doctor.verdict import Outcome, Verdict
from eurostat_assets.eurostat import Theme

REPORT: Final = "Run `eurostat-assets doctor --record FOLDER` and attach the folder to a bug report"
_SHOWN: Final = 3
_CAUSE: Final = "because of "


class NothingToSee(Exception):
    """The answers hold nothing that the check could be made on; the text says why."""


@dataclass(frozen=True)
class Case:
    """What checks look at: the answers by name, the dataset that was asked for, the theme of this mirror."""

    exchanges: Mapping[str, Exchange]
    dataset: str | None = None
    theme: Theme = field(default_factory=Theme)

    def __getitem__(self, name: str) -> Exchange:
        return self.exchanges[name]

    @property
    def code(self) -> str:
        return (self.dataset or "").upper()


Judge = Callable[[Case], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Check:
    """`needs` are names of requests; `after` are checks that this one cannot be judged without."""

    name: str
    expected: str
    effect: str
    remedy: str
    needs: Sequence[str]
    after: Sequence[str]
    judge: Judge


CHECKS: dict[str, Check] = {}
"""Every check by its name, in the order of the report; the modules of this folder fill it."""


def check(
    name: str,
    expected: str,
    *,
    needs: Sequence[str],
    effect: str,
    after: Sequence[str] = (),
    remedy: str = REPORT,
) -> Callable[[Judge], Judge]:
    """Register the decorated function under `name`; `expected` fits a line of a terminal."""

    def register(judge: Judge) -> Judge:
        CHECKS[name] = Check(name, expected, effect, remedy, needs, after, judge)
        return judge

    return register


def judge(case: Case) -> Iterator[Verdict]:
    """The verdict of every check, in order."""
    verdicts: dict[str, Verdict] = {}
    for one in CHECKS.values():
        verdicts[one.name] = _verdict(one, case, verdicts)
        yield verdicts[one.name]


def _verdict(one: Check, case: Case, so_far: Mapping[str, Verdict]) -> Verdict:
    def verdict(outcome: Outcome, found: str = "", effect: str = "", remedy: str = "") -> Verdict:
        return Verdict(one.name, outcome, one.expected, found, effect, remedy)

    for name in one.after:
        if (before := so_far[name]).outcome != Outcome.AS_EXPECTED:
            # The first of a chain says why; what could not be reached, cannot be for whatever hangs on it.
            cause = before.found if before.found.startswith(_CAUSE) else f"{_CAUSE}`{before.expected}`"
            known = before.outcome == Outcome.UNREACHABLE
            return verdict(Outcome.UNREACHABLE if known else Outcome.UNCHECKED, cause)
    for name in one.needs:
        if name not in case.exchanges:
            return verdict(Outcome.UNCHECKED, f"the request `{name}` could not be made")
        if why := case[name].unreachable:
            return verdict(
                Outcome.UNREACHABLE,
                f"{name}: {why}",
                "Nothing can be said, and nothing is updated while it stays so; what is published stays",
                "Try again in some minutes; check the network, HTTPS_PROXY and EUROSTAT_API_URL",
            )
    try:
        differences = list(islice(one.judge(case), _SHOWN + 1))
    except NothingToSee as reason:
        return verdict(Outcome.UNCHECKED, str(reason))
    except Exception as error:  # noqa: BLE001 - whatever shape came: it is not the one expected
        differences = [f"it cannot be read as expected ({type(error).__name__}: {error})"]
    if not differences:
        return verdict(Outcome.AS_EXPECTED)
    more = ["…"] if len(differences) > _SHOWN else []
    return verdict(Outcome.CHANGED, "; ".join(differences[:_SHOWN] + more), one.effect, one.remedy)


def not_given(exchange: Exchange) -> str | None:
    """In some words that the answer is not what was asked for; None where it may be."""
    if exchange.status == 200 and exchange.refusal is None:
        return None
    words = exchange.refusal.what if exchange.refusal else "no refusal that is known here"
    return (
        words if exchange.url in words else f"{exchange.url} answers with status {exchange.status}: {words}"
    )


def shown(value: Any) -> str:
    """`value` in a few characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
