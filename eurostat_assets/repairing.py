"""Putting right what an audit found: the Parquet file is published again, or first the raw file is read again.

By the job `mirror_dataset` without its download, so that every check holds and the history shows it. Not here: deleting
anything; tables and files that belong nowhere are named, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg

from eurostat_assets.audit import Finding
from eurostat_assets.settings import Settings

STEPS = {"publish": ("published_table",), "read": ("observations", "published_table")}


def repairable(findings: Iterable[Finding]) -> dict[str, str]:
    """{dataset: remedy} of those that can be put right from what is in the store."""
    return {finding.subject: finding.remedy for finding in findings if finding.remedy}


def repair(
    settings: Settings, instance: dg.DagsterInstance, remedies: dict[str, str]
) -> Iterator[tuple[str, str | None]]:
    """Repair each dataset in a run of its own; yields (code, None or why it failed)."""
    from eurostat_assets.definitions import build
    from eurostat_assets.failures import reason

    job = build(settings).resolve_job_def("mirror_dataset")
    for code, remedy in remedies.items():
        instance.add_dynamic_partitions("eurostat_dataset", [code])
        result = job.execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            partition_key=code,
            asset_selection=[dg.AssetKey(step) for step in STEPS[remedy]],
            raise_on_error=False,
        )
        yield code, None if result.success else reason(result.all_events)
