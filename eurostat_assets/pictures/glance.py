"""What a picture of a dataset shows: how many observations each period has, and the line of one total over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

# A line costs all columns; beyond this many rows the bars have to do.
MOST_ROWS_FOR_A_LINE = 2_000_000
ROWS_AT_A_TIME = 1 << 19
# What a person would ask for first, per dimension. Where none is there, the code with the most observations.
TOTALS = {
    "geo": ("EU27_2020", "EU28", "EU"),
    "sex": ("T",),
    "age": ("TOTAL",),
}
TOTAL = ("TOTAL", "T")


class Readable(Protocol):
    """A path, of this machine or of a store."""

    def open(self, mode: Literal["rb"], /) -> IO[bytes]: ...


@dataclass(frozen=True)
class Series:
    """The values of one total, by period; NaN where there is none. `chosen` are the codes it is of, by dimension, the area
    first; without dimensions that have but one code."""

    chosen: dict[str, str]
    periods: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Glance:
    """Observations by period, in order of the periods, and a total over time where there is one to be seen."""

    periods: tuple[str, ...]
    counts: tuple[int, ...]
    series: Series | None


def glance(parquet: Readable) -> Glance:
    """Look at a Parquet file of observations. Memory: half a million rows of one column, or two million of all, as codes."""
    import pyarrow.parquet as pq

    with parquet.open("rb") as opened, pq.ParquetFile(opened) as file:
        counts = _counts(file)
        small = file.metadata.num_rows <= MOST_ROWS_FOR_A_LINE
        series = _series(file) if small and "geo" in file.schema_arrow.names else None
    periods = sorted(counts)
    return Glance(tuple(periods), tuple(counts[period] for period in periods), series)


def _counts(file: pq.ParquetFile) -> dict[str, int]:
    import numpy as np

    counts: dict[str, int] = {}
    for batch in file.iter_batches(ROWS_AT_A_TIME, columns=["time_period"], use_threads=False):
        column = batch.column(0).drop_null()
        found = np.bincount(column.indices.to_numpy(), minlength=len(column.dictionary))
        for period, count in zip(column.dictionary.to_pylist(), found.tolist(), strict=True):
            if count:
                counts[period] = counts.get(period, 0) + count
    return counts


def _series(file: pq.ParquetFile) -> Series | None:
    """The total of the widest area over time; None where no such area is in the dataset or it has fewer than two values."""
    import numpy as np

    names = file.schema_arrow.names
    dimensions = names[: names.index("time_period")]
    table = file.read([*dimensions, "time_period", "obs_value"], use_threads=False).unify_dictionaries()
    left = np.arange(table.num_rows)
    chosen: dict[str, str] = {}
    for name in sorted(
        dimensions, key=lambda name: [*TOTALS, name].index(name)
    ):  # geo, sex and age, then the rest
        codes, places = _coded(table.column(name))
        there = np.bincount(places[left], minlength=len(codes))
        wanted = [code for code in TOTALS.get(name, TOTAL) if code in codes and there[codes.index(code)]]
        if name == "geo" and not wanted:
            return None
        code = wanted[0] if wanted else codes[int(there.argmax())]
        left = left[places[left] == codes.index(code)]
        if len(codes) > 1:
            chosen[name] = code
    periods, places = _coded(table.column("time_period"))
    values = table.column("obs_value").take(left).to_numpy()
    values = table.column("obs_value").to_numpy()[left].tolist()  # NaN for null
    by_period = dict(zip((periods[place] for place in places[left].tolist()), values, strict=True))
    if sum(value == value for value in values) < 2:
        return None
    order = sorted(by_period)
    return Series(chosen, tuple(order), tuple(by_period[period] for period in order))


def _coded(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """The codes of a dictionary column without nulls, and for each row the place of its own."""
    import numpy as np

    if not column.num_chunks:
        return [], np.zeros(0, np.int64)
    places = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
    return column.chunk(0).dictionary.to_pylist(), places
