"""Releases of an invented dataset as Parquet files of any size, the way the reader writes them.

Eight dimensions as in the causes of death, 15 % of the rows flagged, 2 % without a value.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CODES = {
    "freq": ["A"],
    "unit": ["NR", "RT"],
    "sex": ["F", "M", "T"],
    "age": ["TOTAL", *(f"Y{first}-{first + 4}" for first in range(0, 55, 5))],
    "icd10": [f"{chapter}{code:02d}" for chapter in "ABCDEFGH" for code in range(0, 100, 10)],
    "resid": ["TOT_IN", "TOT_RESID"],
    "geo": [f"DE{region:02d}" if region % 2 else f"EU27_{region:02d}" for region in range(45)],
    "time_period": [str(year) for year in range(1995, 2025)],
}
NULLABLE = {"period_start", "period_end", "obs_value", "obs_flag", "conf_status"}
PER_GROUP = 500_000


def generate(target: Path, dataset: str, rows: int, value: float | None = None) -> Path:
    """Write `rows` rows to `target`, sorted by code; all with `value`, or else each with another one."""
    about = {"dataset": dataset, "title": "Invented causes of death", "updated": "2026-02-06T23:00:00+0100"}
    writer: pq.ParquetWriter | None = None
    for first in range(0, rows, PER_GROUP):
        columns = _columns(np.arange(first, min(rows, first + PER_GROUP)), rows, value)
        fields = [_field(name, column) for name, column in columns.items()]
        schema = pa.schema(fields, {"jsonstat": json.dumps(about)})
        writer = writer or pq.ParquetWriter(target, schema, compression="zstd", compression_level=1)
        writer.write_table(pa.table(list(columns.values()), schema=schema))
    if writer:
        writer.close()
    return target


def _field(name: str, column: pa.Array) -> pa.Field:
    labels = {code: f"Label of {code}" for code in CODES.get(name, ())}
    return pa.field(name, column.type, name in NULLABLE, {"labels": json.dumps(labels)})


def _columns(numbers: np.ndarray, rows: int, value: float | None) -> dict[str, pa.Array]:
    """The rows of these numbers: cells of the cube at even distances."""
    cells = int(np.prod([len(codes) for codes in CODES.values()]))
    cell = numbers * cells // rows if rows <= cells else numbers % cells
    random = np.random.default_rng(int(numbers[0]))
    columns: dict[str, pa.Array] = {}
    stride = cells
    position = cell
    for name, codes in CODES.items():
        stride //= len(codes)
        position = cell // stride % len(codes)
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(position.astype(np.int16)), pa.array(codes))
    years = np.array(CODES["time_period"], "datetime64[Y]")[position]
    columns["period_start"] = pa.array(years.astype("datetime64[D]"))
    columns["period_end"] = pa.array((years + 1).astype("datetime64[D]") - 1)
    values = (
        np.round(random.random(len(numbers)) * 1000, 1) if value is None else np.full(len(numbers), value)
    )
    columns["obs_value"] = pa.array(
        values, mask=random.random(len(numbers)) < 0.02 if value is None else None
    )
    columns["obs_flag"] = _sparse(random, len(numbers), 0.15, ["b", "e", "p"])
    columns["conf_status"] = _sparse(random, len(numbers), 0.01, ["C"])
    return columns


def _sparse(random: np.random.Generator, rows: int, share: float, codes: list[str]) -> pa.DictionaryArray:
    indices = random.integers(0, len(codes), rows).astype(np.int8)
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, mask=random.random(rows) >= share), pa.array(codes)
    )
