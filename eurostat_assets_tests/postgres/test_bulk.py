"""Any folder of Parquet files becomes a table: exactly, once, or not at all."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.postgres.bulk import load_parquet
from eurostat_assets.postgres.errors import BulkLoadError, FilesRefused
from eurostat_assets_tests.postgres.conftest import Query

START = dt.datetime(2024, 1, 1)
STORED = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'eurostat_releases'::regnamespace AND relkind = 'r'"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Fifty files of 100 rows with one schema, in two folders."""
    for n in range(50):
        file = tmp_path / "many" / f"{n % 2}" / f"{n:03}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(sheet(n), file)
    return tmp_path / "many"


def sheet(n: int, rows: int = 100) -> pa.Table:
    return pa.table(
        {
            "station": pa.array([f"station {n}"] * rows).dictionary_encode(),
            "message": [f"ünï\t\\N\n{n}-{row}" if row % 7 else None for row in range(rows)],
            "seen": pa.array([START + dt.timedelta(seconds=row) for row in range(rows)], pa.timestamp("us")),
            "count": pa.array(range(rows), pa.uint32()),
        }
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_row_of_every_file_is_loaded_once(mirror: str, query: Query, folder: Path, jobs: int) -> None:
    progress: list[tuple[int, int]] = []
    loaded = load_parquet(
        mirror, [folder], "public.many", jobs=jobs, on_progress=lambda *done: progress.append(done)
    )
    assert (loaded.rows, loaded.files, loaded.skipped) == (5000, 50, 0)
    assert progress[-1] == (5000, 5000)
    facts = "SELECT count(*), count(DISTINCT station), count(message), sum(count), max(seen) FROM public.many"
    assert query(facts) == [(5000, 50, 4250, 50 * 4950, START + dt.timedelta(seconds=99))]
    assert query("SELECT message FROM public.many WHERE station = 'station 3' AND count = 8") == [
        ("ünï\t\\N\n3-8",)
    ]


def test_a_second_load_adds_only_new_files_or_replaces_all(mirror: str, query: Query, folder: Path) -> None:
    load_parquet(mirror, [folder], "public.many")
    with pytest.raises(BulkLoadError, match="exists already"):
        load_parquet(mirror, [folder], "public.many")
    query("CREATE VIEW public.seen AS SELECT count(*) AS rows FROM public.many")
    pq.write_table(sheet(50), folder / "new.parquet")
    added = load_parquet(mirror, [folder], "public.many", mode="append")
    assert (added.rows, added.files, added.skipped) == (100, 1, 50)
    assert query("SELECT rows FROM public.seen") == [(5100,)]
    for file in sorted(folder.rglob("*.parquet"))[10:]:
        file.unlink()
    replaced = load_parquet(mirror, [folder], "public.many", mode="replace", jobs=2)
    assert replaced.rows == 1000
    assert query("SELECT rows FROM public.seen") == [(1000,)]
    assert len(query(STORED)) == 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_of_another_schema_is_refused_by_name_before_anything_is_loaded(
    mirror: str, query: Query, folder: Path, jobs: int
) -> None:
    pq.write_table(sheet(1).drop(["count"]), folder / "1" / "odd.parquet")
    with pytest.raises(FilesRefused, match=r"odd\.parquet") as refusal:
        load_parquet(mirror, [folder], "public.many", jobs=jobs)
    assert [path.name for path in refusal.value.paths] == ["odd.parquet"]
    (folder / "1" / "odd.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(FilesRefused, match=r"odd\.parquet: it cannot be read"):
        load_parquet(mirror, [folder], "public.many", jobs=jobs)
    assert query("SELECT to_regclass('public.many'), (SELECT count(*) FROM eurostat.bulk_loads)") == [
        (None, 0)
    ]


def test_a_value_that_postgres_refuses_leaves_nothing_behind(mirror: str, query: Query, folder: Path) -> None:
    bad = sheet(1).set_column(1, "message", pa.array(["\x00"] * 100))
    pq.write_table(bad, folder / "1" / "bad.parquet")
    with pytest.raises(BulkLoadError, match=r"into public\.many: .*0x00"):
        load_parquet(mirror, [folder], "public.many", jobs=2)
    assert query(STORED) == []
    assert query("SELECT state FROM eurostat.bulk_loads") == [("failed",)]
    (folder / "1" / "bad.parquet").unlink()
    assert load_parquet(mirror, [folder], "public.many", jobs=2).rows == 5000


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_cannot_be_read_to_its_end_is_named(
    mirror: str, query: Query, folder: Path, jobs: int
) -> None:
    damaged, far = folder / "1" / "damaged.parquet", folder / "1" / "far.parquet"
    pq.write_table(sheet(1), damaged)
    content = bytearray(damaged.read_bytes())
    content[4:400] = b"\xff" * 396  # the footer stays whole
    damaged.write_bytes(content)
    with pytest.raises(FilesRefused, match="it cannot be read") as refusal:
        load_parquet(mirror, [folder], "public.many", jobs=jobs)
    assert refusal.value.paths == [damaged]
    damaged.unlink()
    far.symlink_to(folder / "nowhere.parquet")
    with pytest.raises(FilesRefused, match="No such file") as refusal:
        load_parquet(mirror, [folder], "public.many", jobs=jobs)
    assert refusal.value.paths == [far]
    assert query("SELECT to_regclass('public.many')") == [(None,)]
    assert query(STORED) == []


def test_a_file_that_changes_while_it_is_loaded_is_refused(mirror: str, query: Query, folder: Path) -> None:
    last = sorted(folder.rglob("*.parquet"))[-1]

    def rewrite(_done: int, _total: int) -> None:
        last.unlink()
        pq.write_table(sheet(49, rows=90_000), last)

    pq.write_table(sheet(0, rows=200_000), folder / "0" / "000.parquet")
    with pytest.raises(FilesRefused, match="it changed while it was loaded") as refusal:
        load_parquet(mirror, [folder], "public.many", on_progress=rewrite)
    assert refusal.value.paths == [last]
    assert query("SELECT to_regclass('public.many')") == [(None,)]
    assert load_parquet(mirror, [folder], "public.many").rows == 200_000 + 48 * 100 + 90_000


def test_a_moment_finer_than_postgres_keeps_is_refused(mirror: str, query: Query, tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"seen": pa.array([1_714_521_600_123_456_789], pa.timestamp("ns"))}), tmp_path / "ns.parquet"
    )
    with pytest.raises(BulkLoadError, match=r"into public\.moments: a value cannot be stored"):
        load_parquet(mirror, [tmp_path], "public.moments")
    assert query(STORED) == []


@pytest.mark.parametrize("name", ["#file", "xmin", "", "é" * 32])
def test_a_column_that_no_table_can_have_is_named_before_anything_is_loaded(
    mirror: str, query: Query, tmp_path: Path, name: str
) -> None:
    pq.write_table(pa.table({name: [1], "twin": [2]}), tmp_path / "odd.parquet")
    with pytest.raises(FilesRefused, match="names no table can have") as refusal:
        load_parquet(mirror, [tmp_path], "public.odd")
    assert repr(name) in str(refusal.value)
    assert query("SELECT count(*) FROM eurostat.bulk_loads") == [(0,)]


def test_a_column_that_is_there_twice_is_named(mirror: str, tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["twin", "twin"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    with pytest.raises(FilesRefused, match="names no table can have: 'twin'"):
        load_parquet(mirror, [tmp_path], "public.odd")


@pytest.mark.parametrize(
    "table", ["eurostat_releases.mine", "information_schema.mine", "pg_mine.mine", "public." + "y" * 64]
)
def test_a_table_is_not_made_among_those_of_the_mirror_or_the_server(
    mirror: str, query: Query, folder: Path, table: str
) -> None:
    with pytest.raises(BulkLoadError, match=r"not for tables of users|at most 63 bytes"):
        load_parquet(mirror, [folder], table)
    assert query("SELECT count(*) FROM eurostat.bulk_loads") == [(0,)]


def test_a_load_killed_midway_has_loaded_nothing_and_is_simply_run_again(
    mirror: str, query: Query, tmp_path: Path
) -> None:
    for n in range(4):
        pq.write_table(sheet(n, rows=200_000), tmp_path / f"{n}.parquet")
    program = (
        "import sys; from pathlib import Path; from eurostat_assets.postgres.bulk import load_parquet\n"
        "if __name__ == '__main__': load_parquet(sys.argv[1], [Path(sys.argv[2])], 'public.many', jobs=2)"
    )
    script = tmp_path / "load.py"
    script.write_text(program)
    for begun, delay in enumerate((0.0, 0.3, 0.6)):
        process = subprocess.Popen([sys.executable, str(script), mirror, str(tmp_path)])
        while query("SELECT count(*) FROM eurostat.bulk_loads") == [(begun,)]:
            time.sleep(0.01)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert query("SELECT to_regclass('public.many')") == [(None,)]
    assert load_parquet(mirror, [tmp_path], "public.many").rows == 800_000
    assert query("SELECT count(*) FROM public.many") == [(800_000,)]
    assert query("SELECT state FROM eurostat.bulk_loads ORDER BY id") == [
        *[("interrupted",)] * 3,
        ("loaded",),
    ]
    assert len(query(STORED)) == 1


def test_more_rows_than_there_is_room_for_are_refused(mirror: str, query: Query, folder: Path) -> None:
    with pytest.raises(BulkLoadError, match=r"5,000 rows, which take 0 MB at least.* room for 0 MB"):
        load_parquet(mirror, [folder], "public.many", room=100_000)
    assert query("SELECT to_regclass('public.many')") == [(None,)]
    load_parquet(mirror, [folder], "public.many", room=200_000)
    # What is in the table already needs no room.
    assert load_parquet(mirror, [folder], "public.many", mode="append", room=0).rows == 0


def test_a_file_whose_pages_would_fill_the_memory_is_refused(
    mirror: str, query: Query, tmp_path: Path
) -> None:
    zeros = pa.table({"n": np.zeros(34_000_000), "m": np.zeros(34_000_000, np.int8)})
    swelling, small = tmp_path / "swelling.parquet", tmp_path / "small.parquet"
    pq.write_table(zeros, swelling, compression="zstd", use_dictionary=False, row_group_size=len(zeros))
    pq.write_table(zeros[:10], small)
    with pytest.raises(FilesRefused, match=r"swelling\.parquet: its column n swells from"):
        load_parquet(mirror, [small, swelling], "public.many")
    assert query("SELECT to_regclass('public.many')") == [(None,)]
