"""A JSON-stat text to a Parquet file that appears under its name only when it is whole.

The file is made for others to read: zstd, row groups of half a million rows, dictionaries for all codes, the sort
order declared, page index and statistics on the columns where they let a reader skip pages. The encoder is nearly
half of the work, so it has a thread of its own (it needs no interpreter) and is one row group behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.source import Source
from eurostat_assets.jsonstat.whole import whole_or_nothing

if TYPE_CHECKING:  # whoever only names a ParquetFile need not wait for pyarrow
    import pyarrow as pa
    import pyarrow.parquet as pq

    from eurostat_assets.jsonstat.stream import ObservationStream

ROWS_PER_GROUP = 1 << 19
ROWS_PER_PAGE = 20_000

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ParquetFile:
    """A finished Parquet file of observations: where, how many rows and bytes, what it says about itself, and the seconds
    that reading and writing took."""

    path: Path
    rows: int
    bytes: int
    header: Header
    seconds: float


def write_parquet(
    source: Source | Sequence[Source],
    target: Path,
    *,
    dataset: str | None = None,
    provenance: dict[str, Any] | None = None,
    on_progress: OnProgress | None = None,
) -> ParquetFile:
    """Read the dataset in `source` and write its observations to `target`, which is replaced at the very end.

    Parts, rows, order, schema and errors are those of `read`; `provenance` is kept in the schema metadata as
    given. When it fails nothing is left under `target`, or what was there before.

    `on_progress(done, total)` is told the bytes of the raw file gone through; should the cells turn out not to be in
    Eurostat's order, it begins anew once. Memory: as `read`, and two row groups of half a million rows.
    """
    from eurostat_assets.jsonstat.observations import read
    from eurostat_assets.jsonstat.order import OutOfOrder
    from eurostat_assets.jsonstat.schema import observation_schema

    started = time.monotonic()
    observations = read(source, dataset=dataset)
    schema = observation_schema(observations.header, provenance)
    with whole_or_nothing(target) as partial:
        try:
            rows = _write(observations, schema, partial, on_progress, sort=False)
        except OutOfOrder:
            rows = _write(observations, schema, partial, on_progress, sort=True)
        size = partial.stat().st_size
    return ParquetFile(target, rows, size, observations.header, time.monotonic() - started)


def _write(
    observations: ObservationStream,
    schema: pa.Schema,
    partial: Path,
    on_progress: OnProgress | None,
    *,
    sort: bool,
) -> int:
    batches = observations.batches(sort=sort, scratch=partial.parent, on_progress=on_progress)
    rows = 0
    encoding: Future[None] | None = None
    with _writer(observations, schema, partial) as writer, ThreadPoolExecutor(1, "parquet") as encoder:
        for group in _row_groups(batches, schema):
            if encoding is not None:
                encoding.result()
            encoding = encoder.submit(_encode, writer, group)
            rows += group.num_rows
        if encoding is not None:
            encoding.result()
    return rows


def _encode(writer: pq.ParquetWriter, group: pa.Table) -> None:
    writer.write_table(group.combine_chunks(), group.num_rows)  # in one piece: a sixth less work


def _row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= ROWS_PER_GROUP:
            yield _table(held, schema)
            held = []
    if held:
        yield _table(held, schema)


def _table(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_batches(batches).unify_dictionaries().replace_schema_metadata(schema.metadata)


def _writer(observations: ObservationStream, schema: pa.Schema, partial: Path) -> pq.ParquetWriter:
    import pyarrow.parquet as pq

    header = observations.header
    columns = ["time_period" if one.id == header.time else one.id.lower() for one in header.dimensions]
    return pq.ParquetWriter(
        partial,
        schema,
        compression="zstd",
        compression_level=1,
        write_statistics=_pruning(observations, columns),
        write_page_index=True,
        max_rows_per_page=ROWS_PER_PAGE,
        sorting_columns=[pq.SortingColumn(schema.get_field_index(name)) for name in columns],
    )


def _pruning(
    observations: ObservationStream, columns: list[str]
) -> Any:  # list[str] | bool, as the writer takes it
    """The columns whose value lasts for pages on end: the first of the sort order. In a small file, all."""
    cells = observations.cube.size
    if cells <= ROWS_PER_GROUP:
        return True
    pruning = []
    for name, dimension in zip(columns, observations.header.dimensions, strict=True):
        cells //= len(dimension.codes)
        if len(dimension.codes) > 1 and cells >= ROWS_PER_PAGE:
            pruning.append(name)
    return pruning
