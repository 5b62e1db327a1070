"""Rows leave sorted by code, whatever order the cells came in, in bounded memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eurostat_assets.jsonstat import DuplicateCell, read, write_parquet
from eurostat_assets.jsonstat import sort as external
from eurostat_assets.jsonstat.cube import Cube
from eurostat_assets.jsonstat.order import Ranked
from eurostat_assets_tests.jsonstat.documents import Held, eurostat_like


def table(dataset: dict[str, Any]) -> pa.Table:
    return pa.Table.from_batches(read(Held(json.dumps(dataset).encode()), piece_size=2000)).combine_chunks()


def reordered(dataset: dict[str, Any], order: str) -> dict[str, Any]:
    def cells(member: dict[str, Any]) -> dict[str, Any]:
        keys = sorted(member, key=int)
        if order == "shuffled":
            random.Random(1).shuffle(keys)
        return {key: member[key] for key in keys}

    return {**dataset, "value": cells(dataset["value"]), "status": cells(dataset["status"])}


@pytest.mark.parametrize("order", ["index", "shuffled"])
def test_cells_in_any_order_give_the_same_rows(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "CELLS_PER_RUN", 700)
    monkeypatch.setattr(external, "CELLS_IN_MERGE", 4000)
    dataset = eurostat_like(10_000)
    expected = table(dataset)
    assert table(reordered(dataset, order)).to_pylist() == expected.to_pylist()
    codes = list(
        zip(*(expected[name].to_pylist() for name in ("freq", "sex", "geo", "time_period")), strict=True)
    )
    assert codes == sorted(codes)


def test_both_orders_make_the_same_parquet_rows_and_no_temporary_file_stays(tmp_path: Path) -> None:
    dataset = eurostat_like(5000)
    written = []
    for name, one in (("code", dataset), ("shuffled", reordered(dataset, "shuffled"))):
        source = tmp_path / f"{name}.json"
        source.write_text(json.dumps(one))
        written.append(write_parquet(source, tmp_path / f"{name}.parquet"))
    assert pq.read_table(written[0].path).to_pylist() == pq.read_table(written[1].path).to_pylist()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_cell_that_occurs_twice_far_apart_is_found() -> None:
    text = json.dumps(eurostat_like(5000), separators=(",", ":"))
    first = text.index('"value":{') + 9
    cell = text[first : text.index(",", first)]
    twice = text.replace('},"status":{', f',{cell}}},"status":{{', 1)
    with pytest.raises(DuplicateCell):
        list(read(Held(twice.encode()), piece_size=500))


@given(st.lists(st.lists(st.integers(0, 5000), max_size=60)), st.integers(1, 100), st.integers(1, 3000))
@settings(max_examples=100, deadline=None)
def test_the_external_sort_sorts_and_keeps_every_cell(
    blocks: list[list[int]], cells_per_run: int, cells_in_merge: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external, "CELLS_PER_RUN", cells_per_run)
        patch.setattr(external, "CELLS_IN_MERGE", cells_in_merge)
        given_ = [Ranked(np.array(ranks, np.uint32), np.array(ranks, np.float64) * 2) for ranks in blocks]
        found = list(external.sorted_on_disk(given_))
    ranks = [int(rank) for block in found for rank in block.ranks]
    assert ranks == sorted(rank for block in blocks for rank in block)
    assert [float(one) for block in found for one in block.payload] == [2.0 * rank for rank in ranks]


@given(
    st.lists(
        st.lists(st.text("abXY09", min_size=1, max_size=3), unique=True, min_size=1, max_size=9), max_size=5
    )
)
@settings(max_examples=200, deadline=None)
def test_storage_rank_is_the_order_of_the_codes_and_back(codes: list[list[str]]) -> None:
    cube = Cube([tuple(one) for one in codes])
    indices = np.arange(cube.size, dtype=np.int64)
    ranks = cube.ranks(indices)
    assert cube.indices(ranks).tolist() == indices.tolist()
    by_rank = cube.positions(np.arange(cube.size).astype(cube.index_type))
    cells = list(
        zip(*([one[p] for p in where] for one, where in zip(codes, by_rank, strict=True)), strict=True)
    )
    assert cells == sorted(cells)


PEAK = """
import sys
from pathlib import Path
from eurostat_assets.jsonstat import write_parquet
rows = write_parquet(Path(sys.argv[1]), Path(sys.argv[1]).with_suffix(".parquet")).rows
# Not ru_maxrss: a process inherits that one from whoever started it.
print(rows, int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux' /proc")
@pytest.mark.parametrize("order", ["code", "backwards"])
def test_memory_does_not_grow_with_the_length_of_the_response(tmp_path: Path, order: str) -> None:
    peaks = []
    for years in (200, 800):  # 1.3 and 5.2 million cells
        source = tmp_path / f"{years}.json"
        long_response(source, years, backwards=order == "backwards")
        run = subprocess.run([sys.executable, "-c", PEAK, source], capture_output=True, text=True, check=True)
        rows, megabytes = map(int, run.stdout.split())
        assert rows == years * 6500
        peaks.append(megabytes)
    assert peaks[1] < 250
    assert peaks[1] - peaks[0] < 30


def long_response(target: Path, years: int, *, backwards: bool) -> None:
    """A dense response of 6500 cells a year, written year by year: in code order, or the last year first."""
    geo = {f"G{n:04d}": n for n in range(6500)}
    time = {str(1000 + n): n for n in range(years)}
    description = {
        "id": ["time", "geo"],
        "size": [years, 6500],
        "dimension": {"geo": {"category": {"index": geo}}, "time": {"category": {"index": time}}},
    }
    ordered = list(range(years - 1, -1, -1) if backwards else range(years))
    with target.open("w") as file:
        file.write('{"value":{')
        for year in ordered:
            cells = ",".join(f'"{n}":{n % 977}.5' for n in range(year * 6500, (year + 1) * 6500))
            file.write(cells + ("," if year != ordered[-1] else ""))
        file.write("}," + json.dumps(description)[1:])
