"""The dimensions of a cube and their codes, in every way JSON-stat has had of writing them.

2.0 as Eurostat writes it; 1.x with `id` and `size` inside `dimension`; sizes as strings; `category.index` as list or
as object in any order; no index at all for a dimension of one position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eurostat_assets.jsonstat.errors import BadStructure, NotADataset
from eurostat_assets.jsonstat.members import check_codes, dig, labels_in, text_or_none
from eurostat_assets.model.numbers import whole_number

MOST_DIMENSIONS = 32
"""Eurostat's datasets have 3 to 12; a coordinate of numpy's has as many, and a table of PostgreSQL 1,600 columns."""


@dataclass(frozen=True)
class Dimension:
    """One dimension of the cube: `codes` in position order, `labels` by code (a code may lack one)."""

    id: str
    label: str | None
    codes: tuple[str, ...]
    labels: dict[str, str]


def dimensions_of(body: dict[str, Any]) -> tuple[Dimension, ...]:
    """The dimensions of a dataset, in the order of `id`. Raises `NotADataset`, `BadStructure`."""
    described = body.get("dimension")
    if not isinstance(described, dict):
        raise NotADataset("it has no dimensions", member="dimension")
    ids = body.get("id", described.get("id"))
    sizes = body.get("size", described.get("size"))
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise BadStructure("not a list of dimension ids", member="id")
    if not isinstance(sizes, list):
        raise BadStructure("not a list of numbers of positions", member="size")
    if len(ids) > MOST_DIMENSIONS:
        raise BadStructure(
            f"{len(ids):,} dimensions, more than the {MOST_DIMENSIONS} that are read", member="id"
        )
    if len(set(ids)) < len(ids):
        raise BadStructure("names a dimension twice", member="id")
    check_codes(ids, "id")
    dimensions = tuple(_dimension(one, described.get(one)) for one in ids)
    _check_sizes([_size(size) for size in sizes], [len(one.codes) for one in dimensions])
    return dimensions


def _check_sizes(sizes: list[int], counts: list[int]) -> None:
    """The sizes must be the numbers of codes. A publisher that leaves out sizes of 1 (the ONS did) leaves no
    doubt about any cell, since a dimension of one position does not move the flat index. A size too many means that
    a dimension is missing from `id`."""
    if sizes == counts:
        return
    if len(sizes) >= len(counts) or [n for n in sizes if n != 1] != [n for n in counts if n != 1]:
        raise BadStructure(f"{sizes}, but the dimensions have {counts} codes", member="size")


def _size(size: Any) -> int:
    number = whole_number(size) if isinstance(size, str) else size
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise BadStructure(f"{size!r} is not a number of positions", member="size")
    return number


def _dimension(id: str, described: Any) -> Dimension:  # noqa: A002 (the format's own word)
    member = f"dimension.{id}"
    category = dig(described, "category")
    if not isinstance(category, dict):
        raise BadStructure("no category, so its codes are not known", member=member)
    labels = labels_in(category.get("label"))
    codes = _codes(category.get("index"), labels, member)
    check_codes(codes, member)
    check_codes(labels, f"{member}.category.label")
    return Dimension(id, text_or_none(described.get("label")), codes, labels)


def _codes(index: Any, labels: dict[str, str], member: str) -> tuple[str, ...]:
    """The codes in position order, of `category.index` as a list, as an object {code: position}, or left out."""
    if index is None and len(labels) == 1:
        return tuple(labels)
    if isinstance(index, list) and all(isinstance(code, str) for code in index):
        if len(set(index)) < len(index):
            raise BadStructure("category.index names a code twice", member=member)
        return tuple(index)
    if isinstance(index, dict):
        positions = list(index.values())
        exact = all(type(position) is int for position in positions)
        if not exact or sorted(positions) != list(range(len(positions))):
            raise BadStructure("category.index is not the positions 0, 1, 2, …, each once", member=member)
        return tuple(sorted(index, key=index.__getitem__))
    raise BadStructure(
        "category.index is neither a list of codes nor an object {code: position}", member=member
    )
