"""What a materialisation shows in the UI: rows, bytes, seconds, dates, links, columns, a picture, the first rows.

Here belongs how things are shown, not what they are: numbers as numbers, so that Dagster plots them over time; moments,
links and tables as such; all text from Eurostat escaped.
"""

from eurostat_assets.metadata.columns import RAW_JSON_COLUMNS
from eurostat_assets.metadata.stages import (
    of_catalogue,
    of_observations,
    of_publication,
    of_raw_json,
    of_release,
    of_revision,
    of_source,
    of_state,
    of_table,
)

__all__ = [
    "RAW_JSON_COLUMNS",
    "of_catalogue",
    "of_observations",
    "of_publication",
    "of_raw_json",
    "of_release",
    "of_revision",
    "of_source",
    "of_state",
    "of_table",
]
