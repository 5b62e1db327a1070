"""The hash behind every cell of an invented dataset, from (seed, dataset, codes, release), and what its bits mean.

Numbers only. Which cells there are and in what order they come is said in cube.py.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from eurostat_assets.sandbox.datasets import Dataset

Hashes = npt.NDArray[np.uint64]
# One release revises one cell in 32; small datasets more, so that a release of a single cell revises that cell.
_PHASES = 32


class Draw:
    """What one release makes of the cells' hashes.

    Release r revises the cells whose phase is r modulo the number of phases, so how often a cell was revised follows
    from its phase, without replaying the releases before.
    """

    def __init__(self, dataset: Dataset, release: int) -> None:
        phases = 1
        while phases < _PHASES and phases * 8 <= dataset.size:
            phases *= 2
        self._mask = np.uint64(phases - 1)
        phase = np.arange(phases)
        turns = ((release - phase) // phases + (phase > 0)).astype(np.uint64)
        self._salts = mix(turns.copy()) | np.uint64(1)
        self._parity = (turns & np.uint64(1)) << np.uint64(2)
        self._dataset = dataset
        self.full = dataset.fill >= 1
        self._fill = np.uint32(min(round(dataset.fill * 2**32), 2**32 - 1))
        shares = np.array([1 - sum(dataset.flags.values()), *dataset.flags.values()])
        self._kinds = np.searchsorted(np.cumsum(shares), (np.arange(1024) + 0.5) / 1024).astype(np.uint8)

    def filled(self, stable: Hashes) -> npt.NDArray[np.bool_]:
        """Which cells are observations, but for the few that a revision has hidden."""
        return np.ones(len(stable), bool) if self.full else stable.view("<u4")[::2] < self._fill

    def revised(self, stable: Hashes) -> Hashes:
        """A hash that changes when the cell is revised."""
        return mix(stable + self._salts[self._phase(stable)])

    def kept(self, revised: Hashes) -> npt.NDArray[np.bool_]:
        """A revision makes an observation vanish now and then, and a later one brings it back."""
        return revised & np.uint64(63) != 63

    def kind(self, revised: Hashes) -> npt.NDArray[np.uint8]:
        """Which of the dataset's statuses, by their shares."""
        return self._kinds[revised >> np.uint64(54)]

    def number(self, stable: Hashes, revised: Hashes) -> npt.NDArray[np.int64]:
        """Values in units of the last decimal: many small ones, up to about the dataset's maximum."""
        draw = (stable >> np.uint64(36)) & np.uint64(0xFFFFF)
        base = (draw * draw * np.uint64(self._dataset.maximum)) >> np.uint64(40)
        # The parity of the number of revisions makes each revision differ from the one before.
        revision = ((revised >> np.uint64(8)) & np.uint64(3)) + self._parity[self._phase(stable)]
        number = (base + revision).astype(np.int64)
        return np.where(stable & np.uint64(1), -number, number) if self._dataset.signed else number

    def _phase(self, stable: Hashes) -> Hashes:
        return (stable >> np.uint64(59)) & self._mask


def code_hash(*parts: object) -> int:
    """64 bits that depend on the texts of the parts alone."""
    return int.from_bytes(blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest(), "little")


def mix(x: Hashes) -> Hashes:
    """The finaliser of splitmix64, in place."""
    shifted = x >> np.uint64(30)
    x ^= shifted
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= np.right_shift(x, np.uint64(27), out=shifted)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= np.right_shift(x, np.uint64(31), out=shifted)
    return x
