"""How to ask for a dataset that is too big for one extraction: a pure plan from positions and a limit.

Eurostat counts the cells of the cross product, empty ones included: up to half a million are answered at
once, up to some millions later, more never. Slices are joined by code: each has positions of its own.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, prod

Slice = dict[str, tuple[str, ...]]
"""Codes by dimension; a dimension that is not named is taken whole."""

AT_ONCE = 499_999
"""Cells that Eurostat answers synchronously."""

USUAL_LIMIT = 5_000_000
"""Cells above which Eurostat refuses, where it does not say otherwise."""

_MOST_CODES = 150
"""Codes in one request, lest the address become too long for some appliance on the way."""


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
