"""Any folder of Parquet files becomes a table: exactly, once, or not at all."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.postgres.bulk import load_parquet
from eurostat_assets.postgres.errors import BulkLoadError, FilesRefused, NotObservations
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
    with pytest.raises(NotObservations, match=r"odd\.parquet"):
        load_parquet(mirror, [folder], "public.many", jobs=jobs)
    assert query("SELECT to_regclass('public.many'), (SELECT count(*) FROM eurostat.bulk_loads)") == [
        (None, 0)
    ]


def test_a_value_that_postgres_refuses_leaves_nothing_behind(mirror: str, query: Query, folder: Path) -> None:
    bad = sheet(1).set_column(1, "message", pa.array(["\x00"] * 100))
    pq.write_table(bad, folder / "1" / "bad.parquet")
    with pytest.raises(BulkLoadError, match="0x00"):
        load_parquet(mirror, [folder], "public.many", jobs=2)
    assert query(STORED) == []
    assert query("SELECT state FROM eurostat.bulk_loads") == [("failed",)]
    (folder / "1" / "bad.parquet").unlink()
    assert load_parquet(mirror, [folder], "public.many", jobs=2).rows == 5000


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
