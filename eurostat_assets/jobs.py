"""The two jobs a person, the sensor or the command line can start: refresh the catalogue, mirror one dataset."""

import dagster as dg

from eurostat_assets.assets import catalogue, observations, published_table, raw_json

refresh_catalogue = dg.define_asset_job(
    "refresh_catalogue",
    selection=[catalogue],
    description="The sweep: read all that Eurostat offers, and note what is new, newer or gone.",
)

mirror_dataset = dg.define_asset_job(
    "mirror_dataset",
    selection=[raw_json, observations, published_table],
    description="Download one dataset, read it, publish it.",
)
