"""The checks of a release as Dagster knows them: their specs, and what each said last of a dataset, from the books.

A run logs the verdicts as it comes to them (dataset.py). Executed by a person, these checks say again what they said last of
the chosen dataset, and where none is chosen (*Execute all* in the UI has no partitions) what it says of the whole mirror;
nothing is examined anew. The checking itself is in dataset.py.

The specs carry the partitions, so that each dataset has a result and a history of its own. That is a preview API of Dagster;
it costs a run nothing, as the evaluations are logged in any case. `blocking` is what the UI shows and true: a release that a
check holds back fails its step, so that nothing below it runs.
"""

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from eurostat_assets import run_tags
from eurostat_assets.failures import told
from eurostat_assets.model import markdown
from eurostat_assets.model.checks import ABOUT
from eurostat_assets.partitions import datasets
from eurostat_assets.postgres import CheckResult, latest_checks
from eurostat_assets.resources import Mirror

OF_TABLE = ("parquet_intact",)
LISTED = 50  # datasets that the result of the whole mirror names

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
    """What every check said last of a dataset, from the books; without a partition, of all datasets in one result. A
    check that never said anything has no result."""
    run_tags.complete(context)
    wanted = {key.name for key in context.selected_asset_check_keys}
    dataset = context.partition_key if context.has_partition_key else None
    with told(dataset or "The checks"):
        results = [one for one in latest_checks(mirror.database, dataset) if one.check in wanted]
    if dataset:
        for one in results:
            yield dg.AssetCheckResult(asset_key=asset_of(one.check), check_name=one.check, **_said(one))
        return
    # Dagster cannot make an evaluation of a result here: it would look for the partition that the run is of.
    for evaluation in _of_all(context.instance, results):
        context.op_execution_context.log_event(cast("dg.AssetObservation", evaluation))


def newest_materialisation(
    instance: dg.DagsterInstance, asset: dg.AssetKey, dataset: str | None = None
) -> AssetCheckEvaluationTargetMaterializationData | None:
    """Return the one that an evaluation is of: Dagster calls an evaluation of an older one, or of none, missing."""
    newest = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[dataset] if dataset else None)
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


def _of_all(
    instance: dg.DagsterInstance, results: Sequence[CheckResult]
) -> Iterator[dg.AssetCheckEvaluation]:
    """One evaluation per check: passed where it passed for every dataset."""
    by_check: dict[str, list[CheckResult]] = {}
    for one in results:
        by_check.setdefault(one.check, []).append(one)
    targets = {asset: newest_materialisation(instance, asset) for asset in map(asset_of, by_check)}
    for check, found in by_check.items():
        asset = asset_of(check)
        yield dg.AssetCheckEvaluation(
            asset, check, target_materialization_data=targets[asset], **_summary(found)
        )


def _summary(found: Sequence[CheckResult]) -> Mapping[str, Any]:
    failed = [one for one in found if not one.passed]
    held_back = [one for one in failed if one.severity == "block"]
    lines = [
        f"- **{markdown.text(one.dataset)}** ({one.severity}): {markdown.text(one.sentence)}"
        for one in failed[:LISTED]
    ]
    return {
        "passed": not failed,
        "severity": dg.AssetCheckSeverity.ERROR if held_back else dg.AssetCheckSeverity.WARN,
        "description": f"{len(found) - len(failed):,} of {len(found):,} datasets pass",
        "metadata": {
            "datasets": len(found),
            "held back": len(held_back),
            "warnings": len(failed) - len(held_back),
            "of these": dg.MetadataValue.md("\n".join(lines) or "none"),
        },
    }


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
