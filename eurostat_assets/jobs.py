"""The jobs a person, a sensor or the command line can start: refresh the catalogue, mirror one dataset, audit the mirror,
load Parquet files."""

import dagster as dg

from eurostat_assets.assets import catalogue, observations, published_table, raw_json
from eurostat_assets.bulk_loading import load_parquet_job as load_parquet
from eurostat_assets.checks import mirror

__all__ = ["audit", "load_parquet", "mirror_dataset", "refresh_catalogue"]

refresh_catalogue = dg.define_asset_job(
    "refresh_catalogue",
    selection=[catalogue],
    description="The sweep: read all that Eurostat offers, and note what is new, newer or gone.",
)

mirror_dataset = dg.define_asset_job(
    "mirror_dataset",
    # What is checked is logged by the assets themselves; the checks as steps of their own are for a person.
    selection=dg.AssetSelection.assets(raw_json, observations, published_table).without_checks(),
    description="Download one dataset, read it, publish it.",
)

audit = dg.define_asset_job(
    "audit_mirror",
    selection=[mirror.audit],
    description="Compare every published table with its Parquet file, and find what belongs nowhere.",
)
