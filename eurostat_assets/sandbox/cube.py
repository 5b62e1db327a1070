"""The cells of an invented dataset in an order of one's choice: computed, not stored, block by block.

Nothing grows with the dataset. A cell depends on the *codes* of its tuple (draw.py), never on positions, so filters and
re-ordered code lists show the same cell. Knows neither JSON nor HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eurostat_assets.sandbox.datasets import Dataset
from eurostat_assets.sandbox.draw import Draw, Hashes, code_hash, mix
from eurostat_assets.sandbox.flags import hides_value
from eurostat_assets.sandbox.periods import FREQUENCIES, parse

BLOCK = 1 << 16


@dataclass(frozen=True)
class Block:
    """The observations among up to BLOCK consecutive cells of a walk; whatever is asked of them is computed then."""

    dataset: Dataset
    first: int  # place of the block's first cell in the walk
    present: npt.NDArray[np.int64]  # place of each observation in the block
    _offsets: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    _draw: Draw
    _stable: Hashes
    _revised: Hashes

    @property
    def cells(self) -> npt.NDArray[np.int64]:
        """Place of each observation in the walk, from 0."""
        return self.first + self.present

    @cached_property
    def index(self) -> npt.NDArray[np.int64]:
        """Flat JSON-stat index of each observation within the slice."""
        outer, inner = self._offsets
        return (outer[:, None] + inner).ravel()[self.present]

    @cached_property
    def kind(self) -> npt.NDArray[np.uint8]:
        """Which of dataset.statuses each observation has."""
        return self._draw.kind(self._revised)

    @cached_property
    def number(self) -> npt.NDArray[np.int64]:
        """Value in units of the last decimal, also for observations whose kind hides it."""
        return self._draw.number(self._stable, self._revised)

    @property
    def whole_as_float(self) -> npt.NDArray[np.bool_]:
        """Whether a value without decimals is written `4.0` (else `4`), as stored decimals make it in reality."""
        return (self._stable & np.uint64(2)).astype(bool)

    @property
    def value(self) -> npt.NDArray[np.float64]:
        return self.number / 10.0**self.dataset.decimals


@dataclass(frozen=True)
class Walk:
    """A way through the cells of a slice: for each dimension the positions it visits, in the order it visits them.

    `selection` holds, per dimension, the kept positions in ascending order; `order` is `code` (as Eurostat stores: sorted
    by the tuple of codes), `index` (row-major by position) or `shuffled` (neither, for readers that must cope).
    """

    dataset: Dataset
    selection: tuple[tuple[int, ...], ...]
    order: str = "code"

    @cached_property
    def positions(self) -> tuple[tuple[int, ...], ...]:
        """Per dimension the positions *within the slice*, in the order of travel."""
        ways = []
        for dimension, kept in zip(self.dataset.dimensions, self.selection, strict=True):
            codes = [dimension.codes[position] for position in kept]
            places = range(len(codes))
            if self.order == "code":
                ways.append(tuple(sorted(places, key=codes.__getitem__)))
            elif self.order == "index":
                ways.append(tuple(places))
            else:
                ways.append(tuple(sorted(places, key=lambda place: code_hash("shuffle", codes[place]))))
        return tuple(ways)

    def codes(self, axis: int) -> list[str]:
        """The codes of one dimension in the order of travel."""
        dimension, kept = self.dataset.dimensions[axis], self.selection[axis]
        return [dimension.codes[kept[place]] for place in self.positions[axis]]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(map(len, self.positions))

    def blocks(self, release: int) -> Iterator[Block]:
        """The slice's observations at a data release, block by block in the order of travel."""
        if not prod(self.shape):
            return
        draw = Draw(self.dataset, release)
        axes = [self._axis(axis) for axis in range(len(self.shape))]
        split = self._split()
        outer, inner = _cross(axes[:split]), _cross(axes[split:])
        width = len(inner.offsets)
        height = max(1, BLOCK // width)
        uneven = bool((outer.frequencies != 0xFF).any() or (inner.frequencies != 0xFF).any())
        rng = np.random.default_rng(0) if self.order == "shuffled" else None
        for top in range(0, len(outer.offsets), height):
            rows = slice(top, top + height)
            stable = mix((outer.hashes[rows, None] + inner.hashes).ravel())
            filled = draw.filled(stable)
            if uneven:
                filled &= (outer.frequencies[rows, None] & inner.frequencies).ravel() != 0
            present = np.flatnonzero(filled)
            if rng is not None:
                rng.shuffle(present)
            stable = stable[present]
            revised = draw.revised(stable)
            if not draw.full:
                kept = np.flatnonzero(draw.kept(revised))
                present, stable, revised = present[kept], stable[kept], revised[kept]
            offsets = outer.offsets[rows], inner.offsets
            yield Block(self.dataset, top * width, present, offsets, draw, stable, revised)

    def count(self, release: int) -> int:
        """Observations of the slice: its OBS_COUNT when the slice is everything."""
        return sum(len(block.present) for block in self.blocks(release))

    def _split(self) -> int:
        """The first of the inner dimensions: the longest tail whose product fits a block."""
        split = len(self.shape)
        while split and prod(self.shape[split - 1 :]) <= BLOCK:
            split -= 1
        return split

    def _axis(self, axis: int) -> _Axis:
        dimension = self.dataset.dimensions[axis]
        stride = prod(self.shape[axis + 1 :])
        codes = self.codes(axis)
        return _Axis(
            np.array(
                [code_hash(self.dataset.seed, self.dataset.code, dimension.id, code) for code in codes],
                np.uint64,
            ),
            np.array([place * stride for place in self.positions[axis]], np.int64),
            np.array([self._frequencies(dimension.id, code) for code in codes], np.uint8),
        )

    def _frequencies(self, dimension: str, code: str) -> int:
        """Bits of the frequencies this position can hold, so that monthly cells have months; 0 for an empty position."""
        if (dimension, code) in self.dataset.empty:
            return 0
        letter = code if dimension == "freq" else parse(code).frequency if dimension == "time" else ""
        return 1 << FREQUENCIES.index(letter) if letter else 0xFF


def whole(dataset: Dataset, order: str = "code") -> Walk:
    """The walk over everything."""
    return Walk(dataset, tuple(tuple(range(len(dimension))) for dimension in dataset.dimensions), order)


def observations(dataset: Dataset, release: int) -> Iterator[pa.RecordBatch]:
    """The dataset's observations as record batches, made without any JSON: the truth that tests compare with.

    Columns: the dimensions but time, `time_period`, `obs_value`, `obs_flag`, `conf_status`, in the order of the codes.
    """
    walk = whole(dataset)
    statuses = dataset.statuses
    hidden = np.array([hides_value(status) for status in statuses])
    flags = pa.array([status.partition("|")[0] or None for status in statuses])
    confidential = pa.array([status.partition("|")[2] or None for status in statuses])
    dictionaries = [pa.array(walk.codes(axis)) for axis in range(len(walk.shape))]
    names = ["time_period" if dimension.id == "time" else dimension.id for dimension in dataset.dimensions]
    names += ["obs_value", "obs_flag", "conf_status"]
    for block in walk.blocks(release):
        places = np.unravel_index(block.cells, walk.shape)
        columns: list[pa.Array] = [
            pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), codes)
            for place, codes in zip(places, dictionaries, strict=True)
        ]
        columns += [
            pa.array(block.value, mask=hidden[block.kind]),
            flags.take(pa.array(block.kind)).dictionary_encode(),
            confidential.take(pa.array(block.kind)).dictionary_encode(),
        ]
        yield pa.record_batch(columns, names)


@dataclass(frozen=True)
class _Axis:
    hashes: Hashes
    offsets: npt.NDArray[np.int64]
    frequencies: npt.NDArray[np.uint8]


def _cross(axes: Sequence[_Axis]) -> _Axis:
    """Several axes as one: hashes and offsets add up, frequencies must all agree."""
    hashes, offsets, frequencies = np.zeros(1, np.uint64), np.zeros(1, np.int64), np.full(1, 0xFF, np.uint8)
    for axis in axes:
        hashes = (hashes[:, None] + axis.hashes).ravel()
        offsets = (offsets[:, None] + axis.offsets).ravel()
        frequencies = (frequencies[:, None] & axis.frequencies).ravel()
    return _Axis(hashes, offsets, frequencies)
