"""A JSON-stat text to a Parquet file that appears under its name only when it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eurostat_assets.jsonstat.header import Header
from eurostat_assets.jsonstat.observations import Observations, read
from eurostat_assets.jsonstat.order import OutOfOrder
from eurostat_assets.jsonstat.schema import observation_schema
from eurostat_assets.jsonstat.source import Source

ROWS_PER_GROUP = 1 << 19


@dataclass(frozen=True)
class ParquetFile:
    """A finished Parquet file of observations: where, how many rows and bytes, and what it says about
    itself."""

    path: Any
    rows: int
    bytes: int
    header: Header


def write_parquet(
    source: Source,
    target: Path,
    *,
    dataset: str | None = None,
    provenance: dict[str, Any] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ParquetFile:
    """Read the dataset in `source` and write its observations to `target`, replacing what is there at the
    end.

    Rows, order, schema and errors are those of `read`; `provenance` is kept in the schema metadata as given.
    `on_progress(done, total)` is told the bytes of the raw file gone through. Nothing is left under `target`
    when it fails, and nothing of what was there is touched before.
    """
    observations = read(source, dataset=dataset)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    os.close(handle)
    partial = Path(name)
    try:
        try:
            rows = _write(observations, partial, provenance, on_progress, sort=False)
        except OutOfOrder:
            rows = _write(observations, partial, provenance, on_progress, sort=True)
        partial.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            partial.unlink()
        raise
    return ParquetFile(target, rows, target.stat().st_size, observations.header)


def _write(
    observations: Observations,
    partial: Path,
    provenance: dict[str, Any] | None,
    on_progress: Callable[[int, int], None] | None,
    *,
    sort: bool,
) -> int:
    schema = observation_schema(observations.header, provenance)
    rows = 0
    with pq.ParquetWriter(partial, schema, compression="zstd", compression_level=1) as writer:
        for batch in observations.batches(sort=sort, scratch=partial.parent, on_progress=on_progress):
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema), ROWS_PER_GROUP)
            rows += batch.num_rows
    return rows
