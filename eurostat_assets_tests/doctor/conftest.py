"""A sandbox of this folder's own, whose API changes from test to test, and how the doctor asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eurostat_assets.doctor.collecting import Answers
from eurostat_assets.doctor.runner import ask, contract_verdicts
from eurostat_assets.doctor.verdict import Outcome, Verdict
from eurostat_assets.sandbox import Running, running
from eurostat_assets.settings import Settings


@pytest.fixture(scope="session")
def changing_sandbox() -> Iterator[Running]:
    with running(profile="tests") as sandbox:
        # So that the feed has something to say.
        sandbox.release("HLTH_CD_ARO", "HSW_N2_01", "NAMA_10_GDPX", what="both")
        yield sandbox


@pytest.fixture
def source(changing_sandbox: Running) -> Iterator[Running]:
    """The sandbox as documented; what a test changes is undone."""
    yield changing_sandbox
    changing_sandbox.change_contract()
    changing_sandbox.set_faults("")


@pytest.fixture
def settings(source: Running, tmp_path: Path) -> Settings:
    return Settings(api_url=source.api_url, home=tmp_path / "home", request_pace=0)


Diagnose = Callable[..., tuple[Answers, dict[str, Verdict]]]


@pytest.fixture
def diagnose(settings: Settings) -> Diagnose:
    """Ask now; returns the answers, and the verdict of each check of the contract by its name."""

    def diagnose(dataset: str | None = None) -> tuple[Answers, dict[str, Verdict]]:
        answers = ask(settings, dataset=dataset)
        return answers, {one.check: one for one in contract_verdicts(settings, answers)}

    return diagnose


def with_outcome(verdicts: dict[str, Verdict], outcome: Outcome) -> set[str]:
    return {name for name, verdict in verdicts.items() if verdict.outcome == outcome}
