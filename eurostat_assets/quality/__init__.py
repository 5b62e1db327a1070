"""Is this release complete, whole and plausible? A Parquet file is counted in one pass, and judged by what was announced
for it and by the dataset's own history.

Belongs here: the counting, every check and its limits, what becomes of what was not understood. Does not: where a verdict
is shown or kept (no Dagster, no SQL), and what it stops.
"""

from eurostat_assets.quality.announced import Announced
from eurostat_assets.quality.errors import NotObservations, QualityError
from eurostat_assets.quality.intact import Digest, digest, parquet_intact, raw_intact
from eurostat_assets.quality.judging import judge, readable
from eurostat_assets.quality.plausible import Limits
from eurostat_assets.quality.profile import Profile, profile
from eurostat_assets.quality.quarantine import Quarantine
from eurostat_assets.quality.verdict import Verdict

__all__ = [
    "Announced",
    "Digest",
    "Limits",
    "NotObservations",
    "Profile",
    "QualityError",
    "Quarantine",
    "Verdict",
    "digest",
    "judge",
    "parquet_intact",
    "profile",
    "raw_intact",
    "readable",
]
