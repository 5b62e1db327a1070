"""The checks of a release as Dagster knows them: their specs, and what each said last of a dataset, from the books.

A run logs the verdicts as it comes to them (dataset.py). Executed by a person, these checks say again what they said last of
the chosen datasets; nothing is examined anew. The checking itself is in dataset.py.

The specs carry the partitions, so that each dataset has a result and a history of its own. That is a preview API of Dagster;
it costs a run nothing, as the evaluations are logged in any case. `blocking` is what the UI shows and true: a release that a
check holds back fails its step, so that nothing below it runs.
"""

import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from eurostat_assets.failures import told
from eurostat_assets.partitions import datasets
from eurostat_assets.postgres import CheckResult, latest_checks
from eurostat_assets.quality import ABOUT
from eurostat_assets.resources import Mirror

OF_TABLE = ("parquet_intact",)

warnings.filterwarnings(
    "ignore", message="Specifying a partitions_def on an AssetCheckSpec", category=dg.PreviewWarning
)


def asset_of(check: str) -> dg.AssetKey:
    """Return the asset that a check is of."""
    return dg.AssetKey("published_table" if check in OF_TABLE else "observations")


def _specs() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name, asset=asset_of(name), description=said, blocking=True, partitions_def=datasets
        )
        for name, said in ABOUT.items()
    ]


@dg.multi_asset_check(specs=_specs(), can_subset=True)
def release_checks(
    context: dg.AssetCheckExecutionContext, mirror: dg.ResourceParam[Mirror]
) -> Iterator[dg.AssetCheckResult]:
    """What every check said last of a dataset, from the books. One that never said anything has no result."""
    wanted = {key.name for key in context.selected_asset_check_keys}
    with told(context.partition_key):
        results = latest_checks(mirror.database, context.partition_key)
    for one in results:
        if one.check in wanted:
            yield dg.AssetCheckResult(asset_key=asset_of(one.check), check_name=one.check, **_said(one))


def newest_materialisation(
    instance: dg.DagsterInstance, asset: dg.AssetKey, dataset: str
) -> AssetCheckEvaluationTargetMaterializationData | None:
    """Return the one that an evaluation is of: Dagster calls an evaluation of an older one, or of none, missing."""
    newest = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[dataset])
    records = instance.fetch_materializations(newest, limit=1).records
    if not records:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=records[0].storage_id, run_id=records[0].run_id, timestamp=records[0].timestamp
    )


def evaluations(
    instance: dg.DagsterInstance, mirror: Mirror, dataset: str, assets: Collection[dg.AssetKey]
) -> list[dg.AssetCheckEvaluation]:
    """Return what the checks of `assets` said last of a dataset, to be logged by a run that examines nothing."""
    targets = {asset: newest_materialisation(instance, asset, dataset) for asset in assets}
    return [
        dg.AssetCheckEvaluation(
            asset_of(one.check),
            one.check,
            partition=dataset,
            target_materialization_data=targets[asset_of(one.check)],
            **_said(one),
        )
        for one in latest_checks(mirror.database, dataset)
        if asset_of(one.check) in assets
    ]


def _said(one: CheckResult) -> Mapping[str, Any]:
    blocks = one.severity == "block"
    return {
        "passed": one.passed,
        "severity": dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
        "description": f"{one.dataset}: {one.sentence}",
        "metadata": {
            "dataset": one.dataset,
            "release": one.release,
            "checked at": dg.MetadataValue.timestamp(one.checked_at),
        },
    }
