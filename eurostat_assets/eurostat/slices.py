"""How to ask for a dataset that is too big for one extraction: a pure plan from positions and a limit.

Eurostat counts the cells of the cross product, empty ones included: up to half a million are answered at
once, up to some millions later, more never. Slices are joined by code: each has positions of its own.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, prod

from eurostat_assets.eurostat.errors import ExtractionTooBig
from eurostat_assets.eurostat.facts import Outline

Slice = dict[str, tuple[str, ...]]
"""Codes by dimension; a dimension that is not named is taken whole."""

AT_ONCE = 499_999
"""Cells that Eurostat answers synchronously."""

USUAL_LIMIT = 5_000_000
"""Cells above which Eurostat refuses, where it does not say otherwise."""

NO_CELLS: Slice = {"sinceTimePeriod": ("2999",)}
"""The slice that is empty in every dataset, and so costs Eurostat nothing: time is the one dimension that every
dataset has, and no period lies in the year 2999."""

_MOST_CODES = 150
"""Codes in one request, lest the address become too long for some appliance on the way."""

_MANY_SLICES = 100
_MOST_SLICES = 400


def slices_of(too_big: ExtractionTooBig, outline: Outline, finer: int = 1) -> list[Slice]:
    """Slices of what was refused as `too_big` that are answered at once; where that would be very many,
    slices as big as allowed. `finer`: how many times smaller than that.

    Raises `too_big` where slices do not help.
    """
    limit = too_big.limit or USUAL_LIMIT
    # Time is not in the outline, but the refused estimate counts it.
    per_period = prod(len(codes) for codes in outline.positions.values()) or 1
    periods = ceil(max(too_big.estimate or 0, limit + 1) / per_period)
    try:
        slices = plan(outline.positions, periods, min(limit, AT_ONCE) // finer)
        if len(slices) > _MANY_SLICES:
            slices = plan(outline.positions, periods, limit // finer)
    except ValueError:
        raise too_big from None
    if len(slices) > _MOST_SLICES:
        raise too_big
    return slices


def plan(positions: Mapping[str, Sequence[str]], periods: int, limit: int) -> list[Slice]:
    """Slices of at most `limit` cells each that together hold every cell once; as few as a single dimension
    allows, and by several dimensions only where none suffices.

    `positions`: the codes of every dimension but time, which is never split, its number of positions being
    `periods`. Raises ValueError when even single codes are too big.
    """
    cells = periods * prod(len(codes) for codes in positions.values())
    if cells <= limit:
        return [{}]
    # By dimension: how many of its codes make a slice.
    wide = {
        name: min(limit * len(codes) // cells, _MOST_CODES)
        for name, codes in positions.items()
        if len(codes) > 1
    }
    if not wide:
        raise ValueError(f"{cells:,} cells in one combination of codes")
    counts = {name: ceil(len(positions[name]) / codes) for name, codes in wide.items() if codes}
    if counts:
        best = min(counts, key=lambda name: counts[name])
        return [{best: codes} for codes in _evenly(positions[best], counts[best])]
    best = max(wide, key=lambda name: len(positions[name]))
    return [
        {best: (code,), **rest}
        for code in positions[best]
        for rest in plan({**positions, best: (code,)}, periods, limit)
    ]


def _evenly(codes: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """`count` runs of neighbours whose lengths differ by one at most."""
    bounds = [len(codes) * number // count for number in range(count + 1)]
    return [tuple(codes[start:end]) for start, end in pairwise(bounds)]
