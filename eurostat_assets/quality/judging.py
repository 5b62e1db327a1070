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
