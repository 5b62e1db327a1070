"""What an index costs a publication, and what it saves a reader: `python -m benchmarks.indexes [--rows N] [--rounds N]`.

In each round the same release is published with each choice of indexes, one after the other, each in a process of its
own; ratios are taken within a round. Then one query asks for one country and one year, and one for one country.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg2

from benchmarks.publisher import PACKAGES, migrated, run
from benchmarks.releases import generate
from benchmarks.report import Table, machine, write

CHOICES = ("brin", "brin, geo+time_period", "brin, geo")
QUERIES = {
    "one country, one year": "SELECT * FROM eurostat.hlth_one WHERE geo = 'DE21' AND time_period = '2019'",
    "one country": "SELECT sum(obs_value) FROM eurostat.hlth_one WHERE geo = 'DE21'",
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.indexes", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--choices", default=";".join(CHOICES), help="values of EUROSTAT_INDEXES, by semicolons"
    )
    options = parser.parse_args(arguments)
    facts = machine(PACKAGES)
    with migrated() as (_, url, folder):
        table = _published(url, folder, options.rows, options.rounds, options.choices.split(";"))
    print(write("indexes", "What indexes cost and save", facts, [table]).read_text())


def _published(url: str, folder: Path, rows: int, rounds: int, choices: list[str]) -> Table:
    file = generate(folder / "hlth_one.parquet", "HLTH_ONE", rows)
    run(url, [("publish", file)])  # so that the first round replaces a release as well
    found: dict[str, list[dict[str, float]]] = {choice: [] for choice in choices}
    for _ in range(rounds):
        for choice in choices:
            result = run(url, [(f"publish:{choice}", file)])
            sizes = _ask(
                url,
                "SELECT sum(pg_relation_size(relid))::bigint, sum(pg_indexes_size(relid))::bigint"
                " FROM pg_partition_tree('eurostat.hlth_one')",
            )
            waits = {name: _seconds(url, query) for name, query in QUERIES.items()}
            found[choice].append({"seconds": rows / result["rate"], "rss": result["rss"], "heap": float(sizes[0]),
                                  "indexes": float(sizes[1]), **waits})  # fmt: skip
            print(f"{choice:24} {rows / result['rate']:6.2f} s {sizes[1] / 1e6:6.1f} MB {waits}", flush=True)
    table = Table(
        f"A release of {rows:,} rows",
        [
            "EUROSTAT_INDEXES",
            "s",
            "times the first",
            "in rounds",
            "client RSS, MB",
            "table, MB",
            "indexes, MB",
        ]
        + [f"{name}, ms" for name in QUERIES],
    )
    for choice, results in found.items():
        ratios = sorted(r["seconds"] / f["seconds"] for r, f in zip(results, found[choices[0]], strict=True))
        middle = {key: statistics.median(one[key] for one in results) for key in results[0]}
        table.rows.append(
            (choice, round(middle["seconds"], 2), round(statistics.median(ratios), 3),
             f"{ratios[0]:.2f}-{ratios[-1]:.2f}", round(middle["rss"] / 1e6), round(middle["heap"] / 1e6),
             round(middle["indexes"] / 1e6, 1), *(round(middle[name] * 1000, 1) for name in QUERIES))
        )  # fmt: skip
    table.note = (
        f"Medians of {rounds} interleaved rounds; a query's time is the best of five, with the rows in memory. A btree by"
        " default was to cost a publication a tenth at most, so it is left to EUROSTAT_INDEXES."
    )
    return table


def _ask(url: str, query: str) -> tuple[int, ...]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone() or ()


def _seconds(url: str, query: str) -> float:
    """The best of five, from sending the query to having all its rows."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        took = []
        for _ in range(5):
            began = time.monotonic()
            cursor.execute(query)
            cursor.fetchall()
            took.append(time.monotonic() - began)
    return min(took)


if __name__ == "__main__":
    main()
