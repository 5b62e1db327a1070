"""Dimensions from a line of text, and cut or grown to a size.

A shape lists dimensions as `sex:3` (the first three positions of the code list) or `unit=NR,RT` (these positions); a time
lists runs of periods as `2019-Q1:8` (eight quarters).
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from eurostat_assets.sandbox.codelists import DIMENSION_LABELS, positions
from eurostat_assets.sandbox.datasets import Dimension
from eurostat_assets.sandbox.periods import series

# Dimensions whose length never changes to reach a size.
_RIGID = {"freq", "unit", "sex"}


def shaped(shape: str, time: str) -> list[Dimension]:
    """The dimensions of a shape, and time as the last."""
    return [*map(dimension_of, shape.split()), _time(time)]


def dimension_of(text: str) -> Dimension:
    """The dimension of one word of a shape."""
    name, equals, codes = text.partition("=")
    if not equals:
        name, _, count = text.partition(":")
        codes = ",".join(list(positions(name))[: int(count)])
    chosen = tuple(codes.split(","))
    return Dimension(name, DIMENSION_LABELS[name], chosen, tuple(positions(name)[code] for code in chosen))


def _time(text: str) -> Dimension:
    runs = (run.split(":") for run in text.split())
    codes = tuple(literal for first, count in runs for literal in series(first, int(count)))
    return Dimension("time", DIMENSION_LABELS["time"], codes, codes)


def resized(dimensions: list[Dimension], cells: int) -> list[Dimension]:
    """The dimensions cut or grown evenly to a product of about `cells`; time only loses its oldest periods."""
    lengths = {d.id: len(d) for d in dimensions}
    rigid = _RIGID | ({"time"} if lengths["freq"] > 1 else set())
    limits = {
        d.id: len(d) if d.id == "time" else len(positions(d.id)) for d in dimensions if d.id not in rigid
    }
    for done, name in enumerate(sorted(limits, key=limits.__getitem__)):
        share = (cells / prod(lengths.values())) ** (1 / (len(limits) - done))
        lengths[name] = min(limits[name], max(1, round(lengths[name] * share)))
    return [_cut(dimension, lengths[dimension.id]) for dimension in dimensions]


def _cut(dimension: Dimension, length: int) -> Dimension:
    if dimension.id == "time":
        return replace(dimension, codes=dimension.codes[-length:], labels=dimension.labels[-length:])
    return dimension if length == len(dimension) else dimension_of(f"{dimension.id}:{length}")
