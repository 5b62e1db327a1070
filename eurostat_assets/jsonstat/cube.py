"""The arithmetic of the cube: flat index ↔ storage rank ↔ codes, a block of cells at a time.

JSON-stat numbers a cell by its *flat index*: row-major over the positions of `category.index`, last dimension
fastest. Eurostat writes cells sorted by their tuple of *codes*. The *storage rank* is the same arithmetic over the
codes in sorted order; in it, Eurostat's cells are strictly increasing, which makes merging cheap and proves each cell
unique.

Both directions go through small tables: neighbouring dimensions are taken together as one *group* of at most 65,536
positions, so that eight dimensions cost two divisions and two look-ups per cell rather than eight of each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from eurostat_assets.jsonstat.errors import BadStructure

Integers = npt.NDArray[np.integer]

LARGEST_CUBE = 2**63 - 1
_LARGEST_GROUP = 1 << 16


class Ranking(Protocol):
    """The way from the flat indices of a text's cube, of `size` cells, to storage ranks."""

    @property
    def size(self) -> int: ...
    def ranks(self, index: Integers, /) -> Integers: ...


@dataclass(frozen=True)
class _Group:
    """Some neighbouring dimensions: `stride` cells of the cube per step, `ranks[flat]` their share of the rank (times
    the stride), `flats[rank]` the way back, `positions[d][rank]` the position in each of the dimensions."""

    stride: int
    size: int
    ranks: Integers
    flats: Integers
    positions: list[Integers]


class Cube:
    """A cube of the given `codes` per dimension (in position order)."""

    def __init__(self, codes: list[tuple[str, ...]]) -> None:
        self.size = math.prod(len(one) for one in codes)
        if self.size > LARGEST_CUBE:
            raise BadStructure(f"{self.size} cells are more than a 64-bit index can count", member="size")
        self.index_type = np.dtype(np.uint32 if self.size < 2**32 else np.int64)
        self._groups: list[_Group] = []
        stride = self.size
        for group in _grouped(codes) if self.size else []:
            stride //= math.prod(len(one) for one in group)
            self._groups.append(_group(group, stride, self.index_type))

    def ranks(self, index: Integers) -> Integers:
        """The storage ranks of flat indices, which must lie within the cube."""
        return self._mapped(index, "ranks")

    def indices(self, ranks: Integers) -> Integers:
        """The flat indices of storage ranks: the way back."""
        return self._mapped(ranks, "flats")

    def positions(self, ranks: Integers) -> list[Integers]:
        """For each dimension, the positions (indices into its codes) of the cells with these storage ranks."""
        positions: list[Integers] = []
        for group, within in self._steps(ranks):
            positions += [table[within] for table in group.positions]
        return positions

    def _mapped(self, numbers: Integers, table: str) -> Integers:
        total = np.zeros(len(numbers), self.index_type)
        for group, within in self._steps(numbers):
            total += getattr(group, table)[within]
        return total

    def _steps(self, numbers: Integers) -> list[tuple[_Group, Integers]]:
        """Each group with the numbers' coordinate in it."""
        rest = numbers.astype(self.index_type, copy=False)
        steps: list[tuple[_Group, Integers]] = []
        for group in self._groups[:-1]:
            stride = self.index_type.type(group.stride)
            within = rest // stride
            rest = rest - within * stride  # much faster than a remainder
            steps.append((group, within.astype(np.intp)))
        return [*steps, (self._groups[-1], rest.astype(np.intp))] if self._groups else []


def rank_shares(codes: Sequence[Sequence[str]]) -> list[dict[str, int]]:
    """What each code of each dimension adds to the storage rank of a cell."""
    shares: list[dict[str, int]] = []
    stride = 1
    for one in reversed(codes):
        shares.insert(0, {code: rank * stride for rank, code in enumerate(sorted(one))})
        stride *= len(one)
    return shares


def _grouped(codes: list[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
    groups: list[list[tuple[str, ...]]] = []
    size = 1
    for one in codes:
        if not groups or size * len(one) > _LARGEST_GROUP:
            groups.append([])
            size = 1
        groups[-1].append(one)
        size *= len(one)
    return groups


def _group(codes: list[tuple[str, ...]], stride: int, index_type: np.dtype) -> _Group:
    sizes = [len(one) for one in codes]
    size = math.prod(sizes)
    orders = [np.array(sorted(range(len(one)), key=one.__getitem__)) for one in codes]  # rank → position
    grid = np.unravel_index(np.arange(size), sizes)  # of ranks
    positions = [order[ranks] for order, ranks in zip(orders, grid, strict=True)]
    flats = np.ravel_multi_index(positions, sizes)
    ranks = np.empty(size, np.int64)
    ranks[flats] = np.arange(size)
    return _Group(
        stride,
        size,
        (ranks * stride).astype(index_type),
        (flats * stride).astype(index_type),
        [where.astype(narrowest(n)) for where, n in zip(positions, sizes, strict=True)],
    )


def narrowest(size: int) -> type[np.signedinteger]:
    """The narrowest signed integer for positions below `size`. One less than would fit: a dictionary of 128 codes is more
    than Arrow puts together with its like from another batch when the indices are of one byte."""
    return np.int8 if size < 1 << 7 else np.int16 if size < 1 << 15 else np.int32
