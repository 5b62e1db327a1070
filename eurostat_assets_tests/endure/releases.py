"""Releases of which every row says what it belongs to, and how a reader sees whether a table is one of them, whole.

The value and the flag of a cell are functions of its key and of the release's number; how many rows a release has follows
from its number. So a row that is lost, there twice, or of another release shows in one query.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eurostat_assets_tests.postgres.conftest import observations

MOST = 10_000
"""Releases of one table, at most."""
YEARS = 65
FLAGS = 26
SCHEMA = "endured"
PARTS = 3

Group = tuple[int, int, int, int, int]
"""Part, number of the release, rows, sum of their keys, and rows of which the flag is not that of key and release."""


@dataclass(frozen=True)
class Watched:
    """A table that is killed at. `holds`: one release for each part, or every release ever loaded."""

    name: str
    parts: int = 1
    holds: Literal["newest", "all"] = "newest"
    observations: bool = False

    @property
    def cells(self) -> str:
        """A query for part, key, release and whether the flag is wrong, of every row."""
        if not self.observations:
            return f"SELECT part, key, release, flag <> {_flag('key', 'release')} AS wrong FROM {self.name}"
        key = f"substr(item, 2)::bigint * {YEARS} + time_period::int - 1960"
        return (
            f"SELECT 0 AS part, key, release, obs_flag IS DISTINCT FROM {_flag('key', 'release')} AS wrong"
            f" FROM (SELECT {key} AS key, obs_value::bigint - ({key}) * {MOST} AS release, obs_flag FROM {self.name}) AS o"
        )

    @property
    def view(self) -> str:
        """The name of a view of its cells."""
        return f"{SCHEMA}.{self.name.replace('.', '_')}_cells"

    def problems(self, groups: Iterable[Group]) -> list[str]:
        """Whatever is not as it must be at any moment."""
        found, releases = [], dict[int, list[int]]()
        for part, number, rows, keys, wrong in groups:
            whole = rows_of(number)
            if (rows, keys, wrong) != (whole, whole * (whole - 1) // 2, 0):
                found.append(
                    f"{self.name}: part {part} has {rows} rows of release {number}, which has {whole}; the keys' sum is"
                    f" {keys}, {wrong} flags are wrong"
                )
            releases.setdefault(part, []).append(number)
        if self.holds == "newest":
            found += [
                f"{self.name}: part {part} mixes the releases {sorted(numbers)}"
                for part, numbers in releases.items()
                if len(numbers) > 1
            ]
        return found


TEXTS = Watched("eurostat.hlth_endure_text", observations=True)
CODED = Watched("eurostat.hlth_endure_coded", observations=True)
REPLACED = Watched(f"{SCHEMA}.replaced")
SCOPED = Watched(f"{SCHEMA}.scoped", parts=PARTS)
APPENDED = Watched(f"{SCHEMA}.appended", holds="all")
WATCHED = (TEXTS, CODED, REPLACED, SCOPED, APPENDED)


def rows_of(number: int) -> int:
    """How many rows the release of this number has."""
    return 1_500 + number * 7919 % 11 * 1_200


def groups_of(cells: str) -> str:
    """A query for the groups in which a table's rows lie."""
    return (
        "SELECT part, release, count(*), sum(key)::bigint, count(*) FILTER (WHERE wrong)"
        f" FROM ({cells}) AS c GROUP BY part, release"
    )


def write_release(folder: Path, table: Watched, number: int, part: int = 0) -> Path:
    """Write the release as a Parquet file, of observations or of plain rows."""
    path = folder / f"{table.name.rpartition('.')[2]}-{part}-{number}.parquet"
    rows = rows_of(number)
    keys = np.arange(rows)
    flags = pa.array([chr(97 + int(code)) for code in (keys + number) % FLAGS])
    if table.observations:
        pq.write_table(_observations(code_of(table), keys, number, flags), path)
    else:
        columns = {"part": np.full(rows, part), "key": keys, "release": np.full(rows, number), "flag": flags}
        pq.write_table(pa.table(columns), path)
    return path


def code_of(table: Watched) -> str:
    """The code of the dataset that is published as this table."""
    return table.name.rpartition(".")[2].upper()


def _observations(code: str, keys: np.ndarray, number: int, flags: pa.Array) -> pa.Table:
    table = observations(code, len(keys), 1, ("item",))
    for name, values in {
        "item": pa.array([f"I{item:05d}" for item in keys // YEARS]).dictionary_encode(),
        "obs_value": pa.array((keys * MOST + number).astype(float)),
        "obs_flag": flags.dictionary_encode(),
    }.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place).with_type(values.type), values)
    about = json.loads(table.schema.metadata[b"jsonstat"])
    updated = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    about |= {"updated": updated.isoformat(), "update_data": updated.isoformat()}
    return table.replace_schema_metadata(table.schema.metadata | {b"jsonstat": json.dumps(about).encode()})


def _flag(key: str, release: str) -> str:
    return f"chr(97 + (({key} + {release}) % {FLAGS})::int)"
