"""When a body is given up: beyond what is announced of it, when it swells, and before it fills the disk.

A body is believed up to a size that no real one had in 2026 (model/bounds.py). What goes on beyond must have been
announced: the dataset's outline is asked for OBS_COUNT then, and only then. Knows sizes, no formats.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eurostat_assets.eurostat.errors import DiskFull, TooLarge
from eurostat_assets.model.bounds import RATIO, UNANNOUNCED, inflates

_RESERVE = 256 << 20
_LOOK_AGAIN = 64 << 20
"""Bytes: so often a body looks at the disk, whose last 256 MiB it leaves to others."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Bytes of uncompressed text: `unannounced` for any body, and `per_observation` for each that is announced.

    A cell of JSON-stat takes 11 bytes on average, 75 with the longest key, value and status there are; a row of SDMX-CSV
    60 to 200. That a cell without a value may not be counted, and that counts are a release behind, is in the 512.
    """

    unannounced: int = UNANNOUNCED
    per_observation: int = 512


class Measure:
    """Of one body of `dataset` on its way to `folder`. `announced` is asked for the number of observations, once at most."""

    def __init__(
        self, allowance: Allowance, announced: Callable[[], int | None], dataset: str, folder: Path
    ) -> None:
        self._allowance = allowance
        self._announced = announced
        self._dataset = dataset
        self._folder = folder
        self._allowed = allowance.unannounced
        self._why = ""
        self._looked_at = 0

    def check(self, text: int, compressed: int) -> None:
        """`text` bytes, which take `compressed` on the wire or on disk, are here. Raises TooLarge, DiskFull."""
        size = max(text, compressed)
        if size > self._allowed:
            self._ask(size)
        if inflates(text, compressed):
            why = f"it swells to more than {RATIO} times its {compressed:,} compressed bytes"
            raise TooLarge(why, text, max(RATIO * compressed, UNANNOUNCED), dataset=self._dataset)
        if compressed > self._looked_at + _LOOK_AGAIN:
            self._looked_at = compressed
            self._check_room(compressed, 0)

    def check_length(self, length: int | None) -> None:
        """The answer says that so many bytes will come. Raises TooLarge, DiskFull."""
        if length is None or length <= _LOOK_AGAIN:
            return
        if length > self._allowed:
            self._ask(0, length)
        self._check_room(0, length)

    def _ask(self, received: int, expected: int = 0) -> None:
        if not self._why:
            count = self._announced()
            self._why = (
                "no number of observations is announced"
                if count is None
                else f"{count:,} observations are announced"
            )
            self._allowed = max(self._allowed, (count or 0) * self._allowance.per_observation)
        if max(received, expected) > self._allowed:
            why = f"it says it has {expected:,}, and {self._why}" if expected else self._why
            raise TooLarge(why, received, self._allowed, dataset=self._dataset)

    def _check_room(self, written: int, needed: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < needed + _RESERVE:
            raise DiskFull(self._dataset, self._folder, written + needed + _RESERVE, free)
