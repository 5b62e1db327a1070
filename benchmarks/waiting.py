"""What a publication and its readers cost each other while nobody pauses: `python -m benchmarks.waiting [--releases N]`.

Sixteen sessions of eurostat_reader read one table, each beginning anew as soon as it has ended, while releases are
published: first by the present rule of waiting (postgres/waiting.py), then by the one before it, which waited 30 ms every
half a second. A reader's wait is the time one statement took; the table is so small that a statement takes hardly any
time of its own, as the lines without publications show.
"""

import argparse
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from benchmarks.publisher import PACKAGES, migrated
from benchmarks.releases import generate
from benchmarks.report import Table, machine, write
from eurostat_assets.postgres import Patience, publish, waiting
from eurostat_assets.postgres.errors import ReadersInTheWay
from eurostat_assets.postgres.roles import READER, initialise_roles

QUERY = "SELECT count(*), min(obs_value), max(obs_value) FROM eurostat.hlth_switch"
LONGEST = 2.0
FEW = 1
"""Releases by the earlier rule, each of which may take a minute to be given up."""
MIXES = {
    "16 with short queries": (16, 0, 0),
    "12 short, 2 in transactions of many queries, 2 idle in transaction, up to 2 s": (12, 2, 2),
}
RULES = {"30 ms to 1 s": (waiting.WAITS, waiting.REST), "30 ms each 0.5 s, as before": ((0.03,), 16)}
COLUMNS = ("readers", "rule of waiting", "releases", "published", "s until in, p50", "p99", "worst",
           "statements", "ms, p50", "p99", "worst", "in waits of over 50 ms, % of the time")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.waiting", description=__doc__)
    parser.add_argument("--releases", type=int, default=30)
    options = parser.parse_args(arguments)
    facts = machine(PACKAGES)
    with migrated() as (_, url, folder):
        initialise_roles(url, reader_password="of a benchmark")
        files = [generate(folder / f"{n}.parquet", "HLTH_SWITCH", 1000, float(n)) for n in range(2)]
        table = _measured(url, files, options.releases)
    title = "A publication among readers who never pause"
    print(write("waiting", title, facts, [table]).read_text())


def _measured(url: str, files: list[Path], releases: int) -> Table:
    table = Table("Sixteen readers without pause", COLUMNS)
    publish(url, files[0])
    now, before = RULES
    plans = (("nothing is published", 0), (now, releases), (before, min(releases, FEW)))
    for mix, counts in MIXES.items():
        for rule, count in plans:
            waiting.WAITS, waiting.REST = RULES.get(rule, (waiting.WAITS, waiting.REST))
            with _reading(url, counts) as waits:
                began = time.monotonic()
                tries = [_publish(url, files[n % 2]) for n in range(count)]
                time.sleep(max(0, 10 - (time.monotonic() - began)))
                lasted = time.monotonic() - began
            seconds = [took for took in tries if took is not None]
            blocked = sum(wait for wait in waits if wait > 0.05) / lasted / sum(counts)
            table.rows.append((mix, rule, count, len(seconds), *_spread(seconds, 1), len(waits),
                               *_spread(waits, 1000), blocked * 100))  # fmt: skip
            print(table.rows[-1], flush=True)
    table.note = f"`{QUERY}` on 1,000 rows. A publication is given up after 60 s. Time idle within a transaction is no wait."
    return table


def _publish(url: str, file: Path) -> float | None:
    """Return the seconds a publication took; None where its readers would not let it in within 60 s."""
    began = time.monotonic()
    try:
        publish(url, file, patience=Patience(readers=60, report=lambda _: None))
    except ReadersInTheWay:
        return None
    return time.monotonic() - began


@contextmanager
def _reading(url: str, counts: tuple[int, int, int]) -> Iterator[list[float]]:
    """So many readers of each kind while the block runs; gives the list that their waits, in seconds, go into."""
    waits: list[float] = []
    done = threading.Event()
    ways = [way for way, count in zip((0, 0.05, LONGEST), counts, strict=True) for _ in range(count)]
    readers = [threading.Thread(target=_read, args=(url, way, done, waits)) for way in ways]
    for reader in readers:
        reader.start()
    try:
        yield waits
    finally:
        done.set()
        for reader in readers:
            reader.join()


def _read(url: str, idle: float, done: threading.Event, waits: list[float]) -> None:
    """Read until `done`: in single statements, or in transactions of up to LONGEST seconds that rest for up to `idle`."""
    chance = random.Random(threading.get_ident())
    address = psycopg2.extensions.make_dsn(url, user=READER, password="of a benchmark")
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        while not done.is_set():
            ends = time.monotonic() + (chance.uniform(0, LONGEST) if idle else 0)
            while True:
                began = time.monotonic()
                cursor.execute(QUERY)
                waits.append(time.monotonic() - began)
                if (left := ends - time.monotonic()) <= 0 or done.is_set():
                    break
                time.sleep(min(idle, left))
            connection.commit()


def _spread(values: list[float], scale: float) -> tuple[float, float, float]:
    if len(values) < 2:
        return (0.0, 0.0, 0.0)
    quantiles = statistics.quantiles(values, n=100, method="inclusive")
    return quantiles[49] * scale, quantiles[98] * scale, max(values) * scale
