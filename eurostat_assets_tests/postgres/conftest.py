"""Releases of invented datasets as Parquet files, the way the reader writes them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.postgres.migrations import migrate

GEO = ("AT", "BE", "BG", "CY", "CZ", "DE", "EU27_2020")
Query = Callable[..., list[tuple[Any, ...]]]
Write = Callable[..., Path]


@pytest.fixture
def mirror(database: str) -> str:
    """A database with the project's own tables."""
    migrate(database)
    return database


@pytest.fixture
def query(mirror: str) -> Iterator[Query]:
    """Run SQL as a reader would, over one connection in autocommit mode."""
    connection = psycopg2.connect(mirror)
    connection.autocommit = True

    def run(sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return cursor.fetchall() if cursor.description else []

    yield run
    connection.close()


@pytest.fixture
def release(tmp_path: Path) -> Write:
    """Write a release: `release(rows=…, day=…, dimensions=…)`; every value of release `day` is `day`."""

    def write(
        dataset: str = "HLTH_TEST",
        rows: int = 1000,
        day: int = 1,
        dimensions: tuple[str, ...] = ("freq", "geo"),
        title: str = "An invented dataset",
    ) -> Path:
        path = tmp_path / f"{dataset.lower()}-{day}-{rows}.parquet"
        pq.write_table(observations(dataset, rows, day, dimensions, title), path, row_group_size=500_000)
        return path

    return write


def _about(name: str, column: pa.Array) -> dict[str, str]:
    labels = {}
    if isinstance(column, pa.DictionaryArray):
        labels = {code: f"Label of {code}" for code in column.dictionary.to_pylist()}
    return {"label": f"The {name}", "labels": json.dumps(labels)}


def observations(
    dataset: str, rows: int, day: int, dimensions: tuple[str, ...] = ("freq", "geo"), title: str = "Invented"
) -> pa.Table:
    """`rows` observations with the observation schema; one value in ten is null with a flag."""

    def coded(values: list[str], step: int) -> pa.DictionaryArray:
        indices = (np.arange(rows) // step % len(values)).astype(np.int16)
        return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(values))

    missing = np.arange(rows) % 10 == 9
    flags = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, np.int8), mask=~missing), pa.array(["b"], pa.string())
    )
    years = [str(year) for year in range(1960, 2025)]
    starts = pa.array(np.array([f"{year}-01-01" for year in years], "datetime64[D]")[np.arange(rows) % 65])
    ends = pa.array(np.array([f"{year}-12-31" for year in years], "datetime64[D]")[np.arange(rows) % 65])
    columns: dict[str, pa.Array] = {
        name: coded(list(GEO) if name == "geo" else ["A", "Q", f"{name}_é"], 65) for name in dimensions
    }
    columns |= {
        "time_period": coded(years, 1),
        "period_start": starts,
        "period_end": ends,
        "obs_value": pa.array(np.full(rows, float(day)), mask=missing),
        "obs_flag": flags,
        "conf_status": pa.DictionaryArray.from_arrays(
            pa.nulls(rows, pa.int8()), pa.array(["C"], pa.string())
        ),
    }
    nullable = {"period_start", "period_end", "obs_value", "obs_flag", "conf_status"}
    fields = [
        pa.field(name, column.type, name in nullable, _about(name, column))
        for name, column in columns.items()
    ]
    about = {
        "dataset": dataset,
        "title": title,
        "updated": f"2026-01-{day:02}T23:00:00+0100",
        "update_data": f"2026-01-{day:02}T23:00:00+0100",
        "update_structure": "2025-06-01T11:00:00+0200",
        "dimensions": [*dimensions, "time"],
    }
    provenance = {
        "url": "http://localhost/x",
        "sha256": f"{day:064}",
        "fetched_at": "2026-02-01T00:00:00+00:00",
    }
    metadata = {"jsonstat": json.dumps(about), "provenance": json.dumps(provenance)}
    return pa.table(list(columns.values()), schema=pa.schema(fields, metadata))
