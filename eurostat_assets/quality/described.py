"""The checks of a release against its own description: as many rows, such codes, that span."""

from __future__ import annotations

from datetime import timedelta

from eurostat_assets.quality.announced import Announced
from eurostat_assets.quality.profile import Profile
from eurostat_assets.quality.verdict import Verdict

LISTED = 10
# With periods of several lengths, the last one announced (2023-Q2) may end before the last one observed (2023).
LENGTH_OF_A_PERIOD = timedelta(days=366)


def complete(profile: Profile, read: int, announced: Announced) -> Verdict:
    """Rows are neither lost nor invented on the way, and none was missing when it began."""
    numbers = {"announced": announced.rows, "cells read": read, "rows": profile.rows}
    if profile.rows != read:
        story = f"{read:,} observations were read, but the Parquet file has {profile.rows:,} rows"
    elif announced.rows is None:
        story = f"{read:,} observations were read; Eurostat does not say how many there are"
    elif announced.rows != read:
        story = (
            f"{read:,} observations were received, but Eurostat says it has {announced.rows:,} (OBS_COUNT)"
        )
    else:
        story = f"{read:,} observations announced, read and written"
    return Verdict("complete", profile.rows == read == (announced.rows or read), story, numbers)


def within_cube(profile: Profile, announced: Announced) -> Verdict:
    """The rows can be cells of the cube that the dimensions span."""
    strangers = sorted(profile.codes.keys() ^ announced.codes.keys())
    numbers = {"rows": profile.rows, "cells": announced.cells, "rows without a code": profile.nulls}
    if strangers:
        story = f"the columns are not the dimensions; they differ in {', '.join(strangers)}"
    elif profile.nulls:
        story = f"{profile.nulls:,} codes are missing in the rows"
    else:
        filled = profile.rows / announced.cells if announced.cells else 0.0
        story = f"{profile.rows:,} rows in a cube of {announced.cells:,} cells ({filled:.1%})"
    return Verdict(
        "within_cube", not strangers and not profile.nulls and profile.rows <= announced.cells, story, numbers
    )


def unique_keys(profile: Profile) -> Verdict:
    """The reader writes its rows in strict order, so whatever is out of order was not written by it."""
    numbers = {"rows": profile.rows, "repeated": profile.repeated, "out of order": profile.disordered}
    if profile.repeated or profile.disordered:
        story = (
            f"{profile.repeated:,} rows repeat the codes of the row before and {profile.disordered:,} are out of order,"
            " so that no two rows can be proven different"
        )
        return Verdict("unique_keys", False, story, numbers)
    return Verdict("unique_keys", True, f"the codes of {profile.rows:,} rows strictly increase", numbers)


def known_codes(profile: Profile, announced: Announced) -> Verdict:
    """No code comes out of nowhere."""
    unknown = {
        column: strange
        for column, codes in profile.codes.items()
        if (strange := sorted(set(codes) - set(announced.codes.get(column, ()))))
    }
    numbers = {
        f"{column}: codes that occur, of": [len(codes), len(announced.codes.get(column, ()))]
        for column, codes in profile.codes.items()
    } | {f"{column}: unknown": strange[:LISTED] for column, strange in unknown.items()}
    if unknown:
        listed = "; ".join(f"{column} {', '.join(strange[:LISTED])}" for column, strange in unknown.items())
        return Verdict("known_codes", False, f"codes that the dataset does not list: {listed}", numbers)
    occurring = sum(len(codes) for codes in profile.codes.values())
    return Verdict("known_codes", True, f"all {occurring:,} codes that occur are listed", numbers)


def periods_parse(profile: Profile, tolerated: float) -> Verdict:
    """Periods such as `2020-W99`, an unknown week, are Eurostat's own: some of them only warn. A range such as `2014-2016`
    only warns, however many rows have one: its days are known.
    """
    odd, ranged = sum(profile.odd_periods.values()), sum(profile.ranges.values())
    share = odd / profile.rows if profile.rows else 0.0
    numbers = {
        "periods": len(profile.periods), "rows of other periods": odd, "their share": round(share, 6),
        "blocks beyond a share of": tolerated, "rows of ranges": ranged,
    }  # fmt: skip
    ranges = ", ".join(list(profile.ranges)[:LISTED])
    about_ranges = (
        f"{ranged:,} rows have a range of years for a period: {ranges}. Their period_start and period_end are its first and"
        " last day"
    )
    if not odd and ranged:
        return Verdict("periods_parse", False, about_ranges, numbers, "warn")
    if not odd:
        return Verdict("periods_parse", True, f"all {len(profile.periods):,} periods are understood", numbers)
    listed = ", ".join(list(profile.odd_periods)[:LISTED])
    story = (
        f"{odd:,} rows ({share:.2%}) have a period that is none, or that its label contradicts: {listed}."
        " They have no period_start and period_end"
    )
    if ranged:
        story += f". {about_ranges}"
    return Verdict("periods_parse", False, story, numbers, "warn" if share <= tolerated else "block")


def span_as_announced(profile: Profile, announced: Announced) -> Verdict:
    """What lies outside the announced span, by more than a period, should not be there. Less than it: a warning."""
    first, last = min(profile.periods, default=None), max(profile.periods, default=None)
    numbers = {
        "oldest": first, "announced oldest": announced.oldest,
        "latest": last, "announced latest": announced.latest,
    }  # fmt: skip
    if announced.oldest is None or announced.latest is None or not profile.span:
        return Verdict("span_as_announced", True, "no span of periods to compare", numbers)
    story = f"{first} to {last}; announced were {announced.oldest} to {announced.latest}"
    if announced.span is None:
        return Verdict("span_as_announced", False, f"{story}, which are no periods", numbers, "warn")
    (start, end), (from_, to) = profile.span, announced.span
    if (start, end) == (from_, to):
        return Verdict("span_as_announced", True, f"{first} to {last}, as announced", numbers)
    outside = start < from_ - LENGTH_OF_A_PERIOD or end > to + LENGTH_OF_A_PERIOD
    return Verdict("span_as_announced", False, story, numbers, "block" if outside else "warn")
