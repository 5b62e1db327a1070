"""What the publisher says of a release, to hold the cells against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Announced:
    """The description that came with the cells.

    `rows`: observations in all (`OBS_COUNT`), None where it is not said; `codes`: the code list of every dimension, by
    column; `oldest`, `latest`: the first and last period with observations (`OBS_PERIOD_OVERALL_OLDEST`, `…_LATEST`);
    `span`: the days from the one to the other, None where they are no periods.
    """

    rows: int | None
    codes: Mapping[str, Sequence[str]]
    oldest: str | None = None
    latest: str | None = None
    span: tuple[date, date] | None = None

    @property
    def cells(self) -> int:
        """Of the cube."""
        cells = 1
        for codes in self.codes.values():
            cells *= len(codes)
        return cells
