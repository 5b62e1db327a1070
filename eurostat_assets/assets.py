"""The assets: what exists, in the order data flow. How it is done is in `eurostat/`, `jsonstat/` and `postgres/`.

Here belong what each asset is, its partitions, versions and metadata. No path, no URL, no SQL.
"""

import time
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
from pydantic import Field

from eurostat_assets import descriptions, metadata, partitions, run_tags, source_asset, unchanged
from eurostat_assets.checks.dataset import Examination
from eurostat_assets.eurostat import Eurostat, RawJson, check_code
from eurostat_assets.failures import told
from eurostat_assets.fetching import fetch
from eurostat_assets.io_managers import StoredObservations
from eurostat_assets.jsonstat import JsonStatError, ParquetFile, write_parquet
from eurostat_assets.partitions import datasets
from eurostat_assets.postgres import DatasetState, states
from eurostat_assets.quality import Quarantine
from eurostat_assets.resources import Mirror, Workbench, progress
from eurostat_assets.source_asset import eurostat_dataset
from eurostat_assets.sweeping import sweep

OWNERS = ["team:data-platform"]


class Download(dg.Config):
    """What may be asked of a single download."""

    force: bool = Field(
        default=False, description="Download, read and publish even what is unchanged, withdrawn or excluded."
    )


@dg.asset(
    group_name="eurostat",
    kinds={"postgres"},
    owners=OWNERS,
    description=descriptions.CATALOGUE,
    tags={"eurostat/stage": "source"},
    # Says that the mirror as a whole lives. Whether a single dataset is current is in `eurostat.datasets`.
    freshness_policy=dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=26), warn_window=timedelta(hours=14)
    ),
)
def catalogue(
    context: dg.AssetExecutionContext, mirror: dg.ResourceParam[Mirror], eurostat: dg.ResourceParam[Eurostat]
) -> dg.MaterializeResult:
    """What Eurostat offers of this mirror's theme, from its table of contents and inventory: the table
    `eurostat.catalogue`. Materialising it is the sweep: new datasets become partitions, missed releases become due,
    datasets that are gone from Eurostat are marked as withdrawn and keep their partition and table."""
    run_tags.complete(context)
    with told("The catalogue"):
        entries, change = sweep(eurostat, mirror)
        known = states(mirror.database)
    # What is excluded and was never loaded is no partition: nobody could materialise it.
    mirrored = [known[entry.code] for entry in entries if not _never_wanted(known[entry.code])]
    partitions.add(context.instance, [state.dataset for state in mirrored])
    for state in source_asset.unreported(context.instance, mirrored):
        for event in source_asset.events(state, mirror.settings.api_url):
            context.log_event(event)
    return dg.MaterializeResult(metadata=metadata.of_catalogue(entries, change, known))


def _never_wanted(state: DatasetState) -> bool:
    return state.state == "excluded" and state.release is None


@dg.asset(
    partitions_def=datasets,
    deps=[eurostat_dataset],
    group_name="eurostat",
    kinds={"json"},
    owners=OWNERS,
    description=descriptions.RAW_JSON,
    tags={"eurostat/stage": "raw"},
    metadata={"dagster/column_schema": metadata.RAW_JSON_COLUMNS},
    io_manager_key="raw_store",
    pool="eurostat_api",
    output_required=False,
)
def raw_json(
    context: dg.AssetExecutionContext,
    config: Download,
    eurostat: dg.ResourceParam[Eurostat],
    mirror: dg.ResourceParam[Mirror],
    workbench: dg.ResourceParam[Workbench],
) -> Iterator[dg.MaterializeResult[RawJson]]:
    """The dataset exactly as Eurostat sent it: one JSON-stat 2.0 response, unfiltered, kept compressed. Where there is
    nothing newer to fetch, what is published is reported again as it is, with the reason; the steps below are skipped."""
    run_tags.complete(context)
    with told(context.partition_key):
        code = check_code(context.partition_key)
        report = progress(context.log, code)
        raw = fetch(eurostat, mirror, code, workbench.folder, force=config.force, on_progress=report)
        state = states(mirror.database).get(code)
    downloaded = None if isinstance(raw, str) else raw.release
    if state:
        source_asset.report_in_run(context, state, mirror.settings.api_url, downloaded)
    if isinstance(raw, str):
        context.log.info(f"{code}: {raw}")
        if state and state.release:
            run_tags.complete(context, run_tags.of(state.release, state.title))
        unchanged.report(context, mirror, state, raw)
        return
    run_tags.complete(context, run_tags.of(raw.release.version))
    yield dg.MaterializeResult(
        value=raw, data_version=dg.DataVersion(raw.release.version), metadata=metadata.of_raw_json(raw)
    )


@dg.asset(
    partitions_def=datasets,
    group_name="eurostat",
    kinds={"parquet", "arrow"},
    owners=OWNERS,
    description=descriptions.OBSERVATIONS,
    tags={"eurostat/stage": "file"},
    io_manager_key="parquet_store",
)
def observations(
    context: dg.AssetExecutionContext,
    mirror: dg.ResourceParam[Mirror],
    workbench: dg.ResourceParam[Workbench],
    quarantine: dg.ResourceParam[Quarantine],
    raw_json: RawJson,
) -> Iterator[dg.MaterializeResult[ParquetFile]]:
    """The dataset's observations as one Parquet file: a row for every cell that has a value or a status, a column for
    every dimension, then `time_period`, `period_start`, `period_end`, `obs_value`, `obs_flag` and `conf_status`.
    A release that a check holds back does not replace the file of the one before."""
    started = time.monotonic()
    code, release = raw_json.dataset, raw_json.release
    with told(context.partition_key):
        examination = Examination(mirror, code, release, context.run.run_id)
        parquet = _read(context, examination, workbench, quarantine, raw_json)
        examination.record()
    if parquet is None or examination.held_back:
        examination.log(context)
        raise examination.failure()
    run_tags.complete(context, run_tags.of(release.version, parquet.header.title))
    yield dg.MaterializeResult(
        value=parquet,
        data_version=dg.DataVersion(release.version),
        metadata={
            **metadata.of_observations(parquet, release, time.monotonic() - started),
            **examination.metadata(),
        },
    )
    examination.log(context)


def _read(
    context: dg.AssetExecutionContext,
    examination: Examination,
    workbench: Workbench,
    quarantine: Quarantine,
    raw: RawJson,
) -> ParquetFile | None:
    """The file on the workbench, examined; None where a check holds the release back for what is in the raw bodies."""
    try:
        with examination.raw(raw):
            parquet = write_parquet(
                raw.paths,
                workbench.place(f"{raw.dataset}.parquet"),
                provenance=raw.provenance(),
                on_progress=progress(context.log, raw.dataset),
            )
    except JsonStatError as error:
        if not examination.held_back:  # else no wonder that it could not be read
            examination.refused(error, raw, quarantine)
        return None
    if examination.held_back:
        return None
    examination.observations(parquet, quarantine)
    return parquet


@dg.asset(
    partitions_def=datasets,
    group_name="eurostat",
    kinds={"postgres", "sql"},
    owners=OWNERS,
    description=descriptions.PUBLISHED_TABLE,
    tags={"eurostat/stage": "table"},
    io_manager_key="table_store",
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10),  # the database may be back in a moment
)
def published_table(
    context: dg.AssetExecutionContext, mirror: dg.ResourceParam[Mirror], observations: StoredObservations
) -> Iterator[dg.MaterializeResult[StoredObservations]]:
    """The table readers query: `eurostat.<code in lower case>`, with column comments and `source_dataset_id`.
    Replaced as a whole, in one transaction, when a release has been read completely."""
    with told(context.partition_key):
        examination = Examination(mirror, observations.dataset, observations.release, context.run.run_id)
        examination.stored(observations)
        examination.record()
    if examination.held_back:
        examination.log(context)
        raise examination.failure()
    run_tags.complete(context, run_tags.of(observations.release.version))
    yield dg.MaterializeResult(
        value=observations,
        data_version=dg.DataVersion(observations.release.version),
        metadata=metadata.of_table(observations.dataset, observations.release, observations.path),
    )
    examination.log(context)
