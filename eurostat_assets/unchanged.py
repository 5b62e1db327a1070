"""A run that finds nothing newer: what is published is reported again, so that Dagster knows the partition was looked after.

An asset backfill counts a partition for which its run reports nothing as failed. So each asset of the run is reported with
the data version and the metadata of its last materialisation, and with the sentence that says why nothing was fetched.
Nothing is read or written; the steps below are skipped.

Not here: whether there is anything newer (fetching.py).
"""

from __future__ import annotations

from typing import cast

import dagster as dg

from eurostat_assets import metadata
from eurostat_assets.checks import standing
from eurostat_assets.postgres import DatasetState
from eurostat_assets.resources import Mirror
from eurostat_assets.source_asset import DATA_VERSION_TAG

CHAIN = ("raw_json", "observations", "published_table")
BACKFILL_TAG = "dagster/backfill"
CHECKED = "checked"


def report(context: dg.AssetExecutionContext, mirror: Mirror, state: DatasetState | None, why: str) -> None:
    """Report the assets of this run as they are, `why` being the reason.

    Of a dataset of which nothing is published (Eurostat is still preparing its first answer, or it is withdrawn or excluded)
    nothing is claimed: an observation says why, and the partition stays empty.
    """
    code = context.partition_key
    if state is None or state.release is None:
        context.log_event(
            dg.AssetObservation(context.asset_key, partition=code, metadata={"not fetched": why})
        )
        return
    chosen = context.run.asset_selection
    ours = [dg.AssetKey(name) for name in CHAIN if not chosen or dg.AssetKey(name) in chosen]
    for key in ours:
        context.log_event(_again(context.instance, key, state, why))
    # The checks said what they said of the materialisation before, which is no longer the newest.
    for evaluation in standing.evaluations(context.instance, mirror, code, ours):
        context.log_event(cast("dg.AssetObservation", evaluation))  # taken, though its annotation forgets it


def _again(
    instance: dg.DagsterInstance, key: dg.AssetKey, state: DatasetState, why: str
) -> dg.AssetMaterialization:
    newest = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[state.dataset])
    records = instance.fetch_materializations(newest, limit=1).records
    last = records[0].asset_materialization if records else None
    if last is None:  # Dagster's history is younger than the table
        shown, tags = metadata.of_state(state), {DATA_VERSION_TAG: state.release or ""}
    else:
        shown = last.metadata
        tags = {name: text for name, text in (last.tags or {}).items() if name != BACKFILL_TAG}
    return dg.AssetMaterialization(
        key,
        partition=state.dataset,
        metadata={CHECKED: why, **{name: value for name, value in shown.items() if name != CHECKED}},
        tags=tags,
    )
