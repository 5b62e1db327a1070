"""The checks on a release: how each is called, and what it says.

Here, since settings name checks, and so do Dagster and the books. How each is judged is the room quality's.
"""

from __future__ import annotations

from collections.abc import Mapping

ABOUT: Mapping[str, str] = {
    "raw_intact": "The raw body in the store has the sha256 that it had when it was downloaded.",
    "readable": "Every cell of the raw body could be understood; one that cannot be is kept in the quarantine.",
    "complete": "Observations announced (`OBS_COUNT`) = cells read = rows of the Parquet file.",
    "within_cube": "Every dimension has its column and no code is missing; there are no more rows than cells in the cube.",
    "unique_keys": "No two rows have the same codes: proven by keys that strictly increase.",
    "known_codes": "Every code that occurs is in the dataset's code list.",
    "periods_parse": "Periods that occur are years, quarters, weeks, …; the rows of others are also in the quarantine.",
    "span_as_announced": "First and last period are the announced ones (`OBS_PERIOD_OVERALL_OLDEST`, `…_LATEST`).",
    "dimensions_as_before": "The dataset has the dimensions of the previous release; otherwise it was restructured.",
    "row_count_plausible": "The number of rows changed no more than it may, or than it does in this dataset.",
    "missing_share_plausible": "The share of observations without a value changed no more than it may.",
    "flag_share_plausible": "The share of flagged observations changed no more than it may.",
    "parquet_intact": "The Parquet file in the store has the sha256 that it had when it was written.",
}
"""Every check by name, and what it says."""
