"""Putting right what an audit found: the Parquet file is published again, or first the raw file is read again.

By the job `mirror_dataset` without its download, so that every check holds and the history shows it. Not here: deleting
anything; tables and files that belong nowhere are named, and a person decides.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

import dagster as dg

from eurostat_assets import command_runs, run_tags
from eurostat_assets.audit import Finding
from eurostat_assets.settings import Settings

STEPS = {"publish": ("published_table",), "read": ("observations", "published_table")}


def repairable(findings: Iterable[Finding]) -> dict[str, str]:
    """{dataset: remedy} of those that can be put right from what is in the store."""
    return {finding.subject: finding.remedy for finding in findings if finding.remedy}


def repair(
    settings: Settings, instance: dg.DagsterInstance, remedies: dict[str, str]
) -> Generator[tuple[str, str | None], None, None]:
    """Repair each dataset in a run of its own; yields (code, None or why it failed). Stops as command_runs.py says."""
    requests = [
        command_runs.Request(
            code,
            "repair",
            tags=run_tags.why("repair: eurostat-assets audit --repair"),
            assets=STEPS[remedy],
        )
        for code, remedy in remedies.items()
    ]
    yield from command_runs.execute(settings, instance, requests, at_once=1)
