"""What is in a Parquet file of observations, counted in one pass in bounded memory.

Each code column is a dictionary and some small numbers into it, so nothing here looks at a text more than once per row
group: counting is `bincount`, and a row's key is the sum of what its codes contribute to one 64-bit number in which the
sort order of the file is the order of numbers. Keys that strictly increase are unique: no set of keys is ever held.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eurostat_assets.quality.errors import NotObservations

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

ROWS_PER_BATCH = 1 << 18
TIME = "time_period"
START = "period_start"
CELL = ("obs_value", "obs_flag", "conf_status")
LARGEST_KEY = 2**63 - 1

PeriodDays = Callable[[str], "tuple[date, date] | None"]
IsRange = Callable[[str], bool]


class Readable(Protocol):
    """A file somewhere: pathlib.Path, UPath or the like."""

    @property
    def name(self) -> str: ...
    def open(self, mode: str, /) -> Any: ...


@dataclass(frozen=True)
class Profile:
    """The numbers of one file of observations.

    `rows`; of these `missing` have no value, `flagged` an observation flag, `confidential` a confidentiality status;
    `nulls` lack a code. `codes`: those that occur, by column in sort order. `periods`: observations of each period that
    occurs, by its literal in text order; `odd_periods`: those of them that are no period of the calendar, and those whose
    rows have no first day, since the label says otherwise (rows without it); `ranges`: those
    that are ranges of years. `repeated` rows have the key of the row before, `disordered` ones a smaller key.
    """

    rows: int
    missing: int
    flagged: int
    confidential: int
    nulls: int
    repeated: int
    disordered: int
    codes: Mapping[str, tuple[str, ...]]
    periods: Mapping[str, int]
    odd_periods: Mapping[str, int]
    span: tuple[date, date] | None
    ranges: Mapping[str, int] = field(default_factory=dict)

    def numbers(self) -> dict[str, Any]:
        """What is worth keeping of a published release, as a JSON object: later ones are compared with it."""
        return {
            "rows": self.rows,
            "missing": self.missing,
            "flagged": self.flagged,
            "confidential": self.confidential,
            "dimensions": {column: len(codes) for column, codes in self.codes.items()},
            "periods": dict(self.periods),
            "odd periods": sum(self.odd_periods.values()),
        }


def profile(parquet: Readable, period_days: PeriodDays, is_range: IsRange = lambda _: False) -> Profile:
    """Count what is in `parquet`; `period_days` gives the first and last day of a period's literal, None for what is none,
    and `is_range` tells a range such as `2014-2016`, which has days, from a period.

    Raises NotObservations for a file that cannot be read or is of another kind, OSError where it cannot be opened.
    """
    with _opened(parquet) as file:
        order = _sort_order(parquet, file.schema_arrow)
        dates = [START] if TIME in order and START in file.schema_arrow.names else []
        counts = _Counts({name: _Codes(name) for name in order})
        for batch in file.iter_batches(ROWS_PER_BATCH, columns=[*order, *CELL, *dates], use_threads=False):
            counts.add(parquet, batch)
    return counts.profile(period_days, is_range)


@dataclass
class _Codes:
    """One code column: the codes of the batch's dictionary, and how often each code was met so far."""

    name: str
    met: dict[str, int] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    _dictionary: pa.Array | None = None
    _ranks: np.ndarray | None = None

    def ranks(self, dictionary: pa.Array) -> np.ndarray:
        """The place of each code of the dictionary in text order; remembered, as neighbouring batches mostly share one."""
        import numpy as np

        if self._ranks is None or self._dictionary is None or not self._dictionary.equals(dictionary):
            self._dictionary, self.codes = dictionary, dictionary.to_pylist()
            # A code twice in one dictionary is one code, and has one place.
            places = {code: place for place, code in enumerate(sorted(set(self.codes)))}
            self._ranks = np.array([places[code] for code in self.codes], np.int64)
        return self._ranks

    def count(self, numbers: np.ndarray) -> bool:
        """Count a batch's codes; returns whether there are different ones, which few columns of a sorted file have."""
        import numpy as np

        found = {int(numbers[0]): len(numbers)}
        if (numbers != numbers[0]).any():
            counts = np.bincount(numbers)
            found = {place: int(counts[place]) for place in np.flatnonzero(counts).tolist()}
        for place, count in found.items():
            code = self.codes[place]
            self.met[code] = self.met.get(code, 0) + count
        return len(found) > 1


@dataclass
class _Counts:
    columns: dict[str, _Codes]
    rows: int = 0
    nulls: int = 0
    repeated: int = 0
    disordered: int = 0
    dateless: dict[str, int] = field(default_factory=dict)
    without: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CELL, 0))
    last: tuple[str, ...] | None = None

    def add(self, parquet: Readable, batch: pa.RecordBatch) -> None:
        import numpy as np

        if not batch.num_rows:
            return
        self.rows += batch.num_rows
        for name in CELL:
            self.without[name] += batch.column(name).null_count
        keys = np.zeros(batch.num_rows, np.int64)
        ranks = {name: codes.ranks(batch.column(name).dictionary) for name, codes in self.columns.items()}
        stride = math.prod(max(1, len(one)) for one in ranks.values())
        if stride > LARGEST_KEY:
            raise NotObservations(parquet.name, f"{stride} combinations of codes do not fit 64 bits")
        ends: list[tuple[str, str]] = []
        for name, codes in self.columns.items():
            column = batch.column(name).indices
            self.nulls += column.null_count
            numbers = _numbers(column.fill_null(0) if column.null_count else column)
            stride //= max(1, len(ranks[name]))
            if not codes.codes:
                continue
            if name == TIME:
                self._count_dateless(batch, numbers, codes.codes)
            ends.append((codes.codes[numbers[0]], codes.codes[numbers[-1]]))
            if codes.count(numbers):  # else the column makes no difference between two rows of the batch
                keys += (ranks[name] * stride)[numbers]
        self._compare(keys, ends)

    def _count_dateless(self, batch: pa.RecordBatch, numbers: np.ndarray, literals: list[str]) -> None:
        import numpy as np

        if START not in batch.schema.names or not batch.column(START).null_count:
            return
        rows = np.array(batch.column(START).is_null().to_pylist(), bool)
        counts = np.bincount(numbers[rows])
        for place in np.flatnonzero(counts).tolist():
            literal = literals[place]
            self.dateless[literal] = self.dateless.get(literal, 0) + int(counts[place])

    def _compare(self, keys: np.ndarray, ends: list[tuple[str, str]]) -> None:
        """With the row before each, also over the border of two batches, whose dictionaries may differ."""
        import numpy as np

        first, last = tuple(end[0] for end in ends), tuple(end[1] for end in ends)
        if self.last is not None:
            self.repeated += first == self.last
            self.disordered += first < self.last
        self.last = last
        if not (keys[1:] > keys[:-1]).all():
            self.repeated += int(np.count_nonzero(keys[1:] == keys[:-1]))
            self.disordered += int(np.count_nonzero(keys[1:] < keys[:-1]))

    def profile(self, period_days: PeriodDays, is_range: IsRange) -> Profile:
        periods = dict(sorted(self.columns[TIME].met.items())) if TIME in self.columns else {}
        days = {literal: period_days(literal) for literal in periods}
        known = [pair for pair in days.values() if pair]
        return Profile(
            rows=self.rows,
            missing=self.without["obs_value"],
            flagged=self.rows - self.without["obs_flag"],
            confidential=self.rows - self.without["conf_status"],
            nulls=self.nulls,
            repeated=self.repeated,
            disordered=self.disordered,
            codes={name: tuple(sorted(codes.met)) for name, codes in self.columns.items()},
            periods=periods,
            odd_periods={
                literal: odd
                for literal, count in periods.items()
                if (odd := self.dateless.get(literal, 0) if days[literal] else count)
            },
            ranges={
                literal: count for literal, count in periods.items() if days[literal] and is_range(literal)
            },
            span=(min(pair[0] for pair in known), max(pair[1] for pair in known)) if known else None,
        )


def _numbers(indices: pa.Array) -> np.ndarray:
    """The indices as they lie in memory. pyarrow's own `to_numpy` imports pandas, where there is one, for half a second."""
    import numpy as np

    kind = np.dtype(str(indices.type))
    return np.frombuffer(indices.buffers()[1], kind, len(indices), indices.offset * kind.itemsize)


def _sort_order(parquet: Readable, schema: pa.Schema) -> list[str]:
    """The code columns as the rows are sorted by them: the order of the dataset's own dimensions."""
    about = (schema.metadata or {}).get(b"jsonstat")
    if about is None or not set(CELL) <= set(schema.names):
        raise NotObservations(parquet.name, "it is no file of observations")
    order: list[str] = []
    for dimension in json.loads(about)["dimensions"]:
        column = dimension.lower() if dimension.lower() in schema.names else TIME
        if column in order or column not in schema.names:
            raise NotObservations(parquet.name, f"dimension {dimension} has no column of its own")
        order.append(column)
    return order


@contextmanager
def _opened(parquet: Readable) -> Iterator[Any]:
    """The open Parquet file; Arrow reads a local one by itself."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = nullcontext(str(parquet)) if isinstance(parquet, Path) else parquet.open("rb")
    try:
        with source as opened, closing(pq.ParquetFile(opened, pre_buffer=False)) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # about the file's place, not about what is in it
        raise NotObservations(parquet.name, f"it cannot be read as Parquet ({error})") from error
