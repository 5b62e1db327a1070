"""The checks of a release against those published before: does it look like the same dataset, a little later?

How much a dataset may change is what the settings say, or more where its own history is livelier: the median of its past
changes and a number of (normalised) median absolute deviations, so that one odd release does not teach the wrong thing.
The first release has nothing to be compared with, and passes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from eurostat_assets.quality.profile import Profile
from eurostat_assets.quality.verdict import Verdict

History = Sequence[Mapping[str, Any]]

FEW_ROWS = 20
"""A change of fewer rows than that is never held against a dataset."""
ENOUGH = 4
"""So many changes are needed before a dataset's history teaches anything."""
WARN_DEVIATIONS, BLOCK_DEVIATIONS = 4.0, 10.0
NORMAL = 1.4826  # makes a median absolute deviation comparable with a standard deviation


@dataclass(frozen=True)
class Limits:
    """What is allowed before a history teaches more.

    `rows_may_shrink`: the share of the rows that may vanish, 0 to 1; `rows_may_grow`: how many times as many there may be;
    `share_may_change`: of missing or flagged observations, 0 to 1; `notable`: the change, as a share, that is worth a
    warning; `odd_periods`: the share of rows whose period may be none.
    """

    rows_may_shrink: float = 0.5
    rows_may_grow: float = 5.0
    share_may_change: float = 0.25
    notable: float = 0.2
    odd_periods: float = 0.05


def dimensions_as_before(profile: Profile, history: History) -> Verdict:
    """A release may have other dimensions, but somebody's query may have to change with it."""
    name = "dimensions_as_before"
    before = next((one["dimensions"] for one in reversed(history) if "dimensions" in one), None)
    if before is None:
        return Verdict(name, True, "the first release: nothing to compare with", severity="warn")
    gone, new = sorted(before.keys() - profile.codes.keys()), sorted(profile.codes.keys() - before.keys())
    numbers = {"dimensions": len(profile.codes), "gone": gone, "new": new}
    if not gone and not new:
        return Verdict(
            name, True, f"the {len(before)} dimensions of the previous release", numbers, severity="warn"
        )
    changes = [f"{', '.join(names)} {what}" for names, what in ((gone, "gone"), (new, "new")) if names]
    return Verdict(name, False, f"restructured: {'; '.join(changes)}", numbers, severity="warn")


def row_count(profile: Profile, history: History, limits: Limits) -> Verdict:
    """On a logarithmic scale, on which halving and doubling are as far from each other as from no change."""
    name = "row_count_plausible"
    counts = [one["rows"] for one in history if one.get("rows")]
    if not counts:
        return Verdict(name, True, f"{profile.rows:,} rows; nothing to compare with", {"rows": profile.rows})
    before = counts[-1]
    change = math.log(max(profile.rows, 0.5) / before)
    floor = math.log(limits.rows_may_grow) if change > 0 else -math.log(max(1 - limits.rows_may_shrink, 1e-9))
    warn, block = _learned(
        [abs(math.log(b / a)) for a, b in pairwise(counts)], math.log1p(limits.notable), floor
    )
    sign = 1 if change > 0 else -1
    numbers = {
        "rows": profile.rows, "rows before": before, "change": round(profile.rows / before - 1, 4),
        "warns beyond": round(math.expm1(sign * warn), 4), "blocks beyond": round(math.expm1(sign * block), 4),
        "releases compared": len(counts),
    }  # fmt: skip
    story = f"{profile.rows:,} rows, {profile.rows / before - 1:+.1%} of the {before:,} before"
    if abs(change) <= warn or abs(profile.rows - before) < FEW_ROWS:
        return Verdict(name, True, story, numbers)
    blocks = abs(change) > block
    expected = f"; a change beyond {math.expm1(sign * (block if blocks else warn)):+.0%} is not expected"
    return Verdict(name, False, story + expected, numbers, "block" if blocks else "warn")


def share(of: str, name: str, profile: Profile, history: History, limits: Limits) -> Verdict:
    """Of the observations, those that are `of` a kind: `missing` or `flagged`."""
    now = getattr(profile, of) / profile.rows if profile.rows else 0.0
    shares = [one[of] / one["rows"] for one in history if one.get("rows") and of in one]
    if not shares:
        return Verdict(name, True, f"{now:.1%} {of}; nothing to compare with", {f"share {of}": round(now, 6)})
    before = shares[-1]
    # In a small dataset, a few cells are a large share.
    noise = 1 / math.sqrt(max(profile.rows, 1))
    warn, block = _learned(
        [abs(b - a) for a, b in pairwise(shares)], limits.notable / 2 + noise, limits.share_may_change + noise
    )
    numbers = {
        f"share {of}": round(now, 6), "share before": round(before, 6), "change": round(now - before, 6),
        "warns beyond": round(warn, 6), "blocks beyond": round(block, 6), "releases compared": len(shares),
    }  # fmt: skip
    story = f"{now:.1%} of the observations are {of}, {before:.1%} before"
    if abs(now - before) <= warn:
        return Verdict(name, True, story, numbers)
    blocks = abs(now - before) > block
    story += f"; a change beyond {100 * (block if blocks else warn):.0f} percentage points is not expected"
    return Verdict(name, False, story, numbers, "block" if blocks else "warn")


def _learned(changes: Sequence[float], warn: float, block: float) -> tuple[float, float]:
    """The limits after such `changes` in the past: never tighter than those given."""
    if len(changes) < ENOUGH:
        return warn, max(warn, block)
    middle = median(changes)
    spread = NORMAL * median(abs(change - middle) for change in changes)
    warn = max(warn, middle + WARN_DEVIATIONS * spread)
    return warn, max(warn, block, middle + BLOCK_DEVIATIONS * spread)
