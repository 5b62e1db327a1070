"""The asset `eurostat_dataset`: the datasets at Eurostat, one partition each, and the events that report their releases.

Here belongs what the UI shows of the source. Releases are found in `sensors/`, `sweeping.py` and `fetching.py`.

Nothing is computed for it, so it is an external asset, and Eurostat's releases are reported to it. A release is two events:
an observation, whose data version marks what was made from an older one as stale, and a materialisation, because only that
has a place on the page of a partition. The observation comes first: Dagster notes in every materialisation of `raw_json` the
id of the last *materialisation* here, and what was observed after that id counts as newer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import dagster as dg

from eurostat_assets import descriptions, metadata
from eurostat_assets.eurostat import Release
from eurostat_assets.partitions import datasets
from eurostat_assets.postgres import DatasetState

DATA_VERSION_TAG = "dagster/data_version"
KEY = dg.AssetKey("eurostat_dataset")

eurostat_dataset = dg.AssetSpec(
    KEY,
    deps=["catalogue"],
    partitions_def=datasets,
    group_name="eurostat",
    description=descriptions.EUROSTAT_DATASET,
    kinds={"json"},
    tags={"eurostat/stage": "source"},
)


def events(
    state: DatasetState, api_url: str, found_by: str | None = None
) -> list[dg.AssetObservation | dg.AssetMaterialization]:
    """Return the events that report the newest release known of a dataset; none where no release is known.

    `found_by` says what told us; the default is what `eurostat.datasets` says.
    """
    release = offered(state)
    if release is None:
        return []
    tags = {DATA_VERSION_TAG: release.version}
    shown = metadata.of_source(state, release, api_url, found_by or state.found_by or "sweep")
    return [
        dg.AssetObservation(KEY, partition=state.dataset, tags=tags, metadata={"release": release.version}),
        dg.AssetMaterialization(KEY, partition=state.dataset, tags=tags, metadata=shown),
    ]


def offered(state: DatasetState) -> Release | None:
    """Return the newest release known at Eurostat, None where none is."""
    if state.offered_data is None:
        return None
    return Release(state.offered_data, state.offered_structure or state.offered_data)


def unreported(instance: dg.DagsterInstance, states: Iterable[DatasetState]) -> list[DatasetState]:
    """Return those of `states` whose newest known release was not reported to Dagster yet."""
    with_release = [(state, release) for state in states if (release := offered(state))]
    known = reported(instance, [state.dataset for state, _ in with_release])
    return [state for state, release in with_release if known.get(state.dataset) != release.version]


def reported(instance: dg.DagsterInstance, codes: Collection[str]) -> Mapping[str, str]:
    """Return the version last reported of each of these datasets, without those that were never reported."""
    if not codes:
        return {}
    # The one query for all of them: 11 ms for 500, where the public calls need one query each.
    found = instance.event_log_storage.get_latest_tags_by_partition(
        KEY, dg.DagsterEventType.ASSET_OBSERVATION, [DATA_VERSION_TAG], asset_partitions=list(codes)
    )
    return {code: tags[DATA_VERSION_TAG] for code, tags in found.items() if DATA_VERSION_TAG in tags}


def report_in_run(
    context: dg.AssetExecutionContext, state: DatasetState, api_url: str, release: Release | None = None
) -> None:
    """Report the release that a run of `raw_json` itself found, unless it was reported already.

    `release`: the one that was downloaded, where that differs from what `state` knows.
    """
    if release is not None:
        state = replace(state, offered_data=release.data, offered_structure=release.structure)
    if not unreported(context.instance, [state]):
        return
    for event in events(state, api_url, state.found_by or "a look at the dataset itself"):
        context.log_event(event)
    # The run noted at its start which event it read the source at; this one is the right one.
    context.get_step_execution_context().wipe_input_asset_version_info(KEY)
