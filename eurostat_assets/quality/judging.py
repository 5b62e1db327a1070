"""All checks of a release: their names, and the judgement of one release by all of them.

The checks themselves are in `described.py` (against what was announced for the release), `plausible.py` (against the
dataset's own history) and `intact.py` (against the digests of what was written).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from eurostat_assets.quality import described, plausible
from eurostat_assets.quality.announced import Announced
from eurostat_assets.quality.plausible import Limits
from eurostat_assets.quality.profile import Profile
from eurostat_assets.quality.verdict import Verdict

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
NEVER_FORGIVEN = frozenset({"raw_intact", "readable", "parquet_intact"})
"""Not questions of judgement: nobody can accept a damaged file."""


def judge(
    profile: Profile,
    read: int,
    announced: Announced,
    history: Sequence[Mapping[str, Any]],
    limits: Limits,
    relaxed: Collection[str] = (),
) -> list[Verdict]:
    """The verdicts on a release of which the reader read `read` cells and whose file has that `profile`.

    `history`: `Profile.numbers()` of the releases published before, oldest first. `relaxed`: checks (`*`: all) that may only
    warn.
    """
    verdicts = [
        described.complete(profile, read, announced),
        described.within_cube(profile, announced),
        described.unique_keys(profile),
        described.known_codes(profile, announced),
        described.periods_parse(profile, limits.odd_periods),
        described.span_as_announced(profile, announced),
        plausible.dimensions_as_before(profile, history),
        plausible.row_count(profile, history, limits),
        plausible.share("missing", "missing_share_plausible", profile, history, limits),
        plausible.share("flagged", "flag_share_plausible", profile, history, limits),
    ]
    return [one.relaxed() if one.check in relaxed or "*" in relaxed else one for one in verdicts]


def readable(error: Exception | None = None, **place: str | int | None) -> Verdict:
    """Whether the reader understood everything; else its error, and the `place` (member, position) in the body."""
    if error is None:
        return Verdict("readable", True, "every cell was understood")
    numbers = {name: value for name, value in place.items() if value is not None}
    return Verdict("readable", False, str(error), {"error": type(error).__name__, **numbers})
