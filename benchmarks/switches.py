"""What readers notice of a new release: our switch as they see it, and ways of switching against each other."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.releases import generate
from benchmarks.report import Table
from eurostat_assets.postgres import publish

TABLE = (
    "CREATE TABLE switched.t (geo text, obs_value float8, source text NOT NULL) PARTITION BY LIST (source)"
)
NEW = (
    "CREATE TABLE switched.{new} AS SELECT 'DE' || n % 50 AS geo, n::float8 AS obs_value"
    " FROM generate_series(1, {rows}) AS n;"
    "ALTER TABLE switched.{new} ADD COLUMN source text NOT NULL DEFAULT 'X'"
)
LOCK = "LOCK TABLE ONLY switched.t IN ACCESS EXCLUSIVE MODE;"
DETACH = "ALTER TABLE switched.t DETACH PARTITION switched.{old};"
ATTACH = "ALTER TABLE switched.t ATTACH PARTITION switched.{new} "
WAYS = {
    "attach as DEFAULT (ours)": (TABLE, LOCK + DETACH + ATTACH + "DEFAULT"),
    "attach for its value, with a scan": (TABLE, LOCK + DETACH + ATTACH + "FOR VALUES IN ('X')"),
    "rename": ("", "ALTER TABLE switched.t RENAME TO {old};ALTER TABLE switched.{new} RENAME TO t"),
    "truncate and insert": ("", "TRUNCATE switched.t;INSERT INTO switched.t SELECT * FROM switched.{new}"),
}


def seen_by_readers(url: str, folder: Path, switches: int) -> Table:
    """Readers of one small table, whose queries take no time of their own, while releases are published."""
    columns = ["while", "releases", "queries", "errors", "mixed", "p50 ms", "p99 ms", "worst ms"]
    table = Table("Switching, seen by two readers in a loop", columns)
    files = [generate(folder / f"release-{n}.parquet", "HLTH_SWITCH", 1000, float(n)) for n in range(2)]
    publish(url, files[0])
    for name, releases in (("nothing happens", 0), ("releases are published", switches)):
        with _readers(url, 2) as collect:
            began = time.monotonic()
            for n in range(releases):
                publish(url, files[n % 2])
            time.sleep(max(0, 5 - (time.monotonic() - began)))
        waits, errors, mixed = collect()
        table.rows.append((name, releases, len(waits), errors, mixed, *_spread(waits)))
    worst: list[float] = []
    for n in range(switches):
        with _readers(url, 1) as collect:
            publish(url, files[n % 2])
        worst.append(max(collect()[0]))
    table.rows.append(("worst query of each release", switches, len(worst), "", "", *_spread(worst)))
    table.note = (
        "A query is `SELECT count(*), min(obs_value), max(obs_value)`; mixed: it saw rows of two releases or of none. "
        "The last line takes of each release the one query that took longest."
    )
    return table


def ways(url: str, rows: int = 1_000_000, times: int = 10) -> Table:
    """How long each way of switching to a loaded table of `rows` rows keeps readers out."""
    columns = ["way", "p50 ms", "worst ms", "identity kept"]
    table = Table(f"Ways of switching to {rows:,} rows that are loaded already", columns)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        for name, (create, switch) in WAYS.items():
            cursor.execute("CREATE SCHEMA switched")
            cursor.execute(NEW.format(new="r0" if create else "t", rows=rows))
            if create:
                cursor.execute(create)
                values = "DEFAULT" if "DEFAULT" in switch else "FOR VALUES IN ('X')"
                cursor.execute(f"ALTER TABLE switched.t ATTACH PARTITION switched.r0 {values}")
            connection.commit()
            cursor.execute("SELECT 'switched.t'::regclass::oid")
            before = cursor.fetchone()
            held: list[float] = []
            for n in range(times):
                cursor.execute(NEW.format(new=f"r{n + 1}", rows=rows))
                connection.commit()
                began = time.monotonic()
                cursor.execute(switch.format(old=f"r{n}" if create else f"old{n}", new=f"r{n + 1}"))
                connection.commit()
                held.append(time.monotonic() - began)
            cursor.execute("SELECT 'switched.t'::regclass::oid")
            kept = "yes" if cursor.fetchone() == before else "no"
            table.rows.append((name, statistics.median(held) * 1000, max(held) * 1000, kept))
            cursor.execute("DROP SCHEMA switched CASCADE")
            connection.commit()
    table.note = (
        "From the first statement that locks readers out to the end of the commit; no reader in the way."
    )
    return table


def _spread(seconds: list[float]) -> tuple[float, float, float]:
    quantiles = statistics.quantiles(seconds, n=100, method="inclusive")
    return quantiles[49] * 1000, quantiles[98] * 1000, max(seconds) * 1000


@contextmanager
def _readers(url: str, count: int) -> Iterator[Callable[[], tuple[list[float], int, int]]]:
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
