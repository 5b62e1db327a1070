"""The reader against other ways to turn JSON-stat into Parquet, and what memory it takes: `python -m
benchmarks reader`.

Every measurement is a process of its own; the contenders take turns, round by round. Responses are generated
once into --folder (4 GB with all sizes). Use --quick for a first impression.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benchmarks.contenders import CONTENDERS
from benchmarks.report import Table, machine, write
from benchmarks.responses import Order, generate

ROUNDS = {10: 5, 85: 3, 360: 2}
ORDERS: tuple[Order, ...] = ("code", "index", "shuffled")
LONGEST = 1500
HARD_LIMIT = 512
PACKAGES = ("numpy", "pyarrow", "ijson", "msgspec", "pandas", "pyjstat")


@dataclass(frozen=True)
class Run:
    """One conversion: rows, seconds (as the process measured its work), peak resident memory of the process
    in MB."""

    rows: int
    wall: float
    cpu: float
    peak: float


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(
        prog="python -m benchmarks reader", description=(__doc__ or "").split("\n")[0]
    )
    options.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "eurostat-assets-benchmark"
    )
    options.add_argument("--quick", action="store_true", help="10 MB, one round; writes no results")
    chosen = options.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    facts = machine(PACKAGES)
    bench = Bench(chosen.folder)
    if chosen.quick:
        print(bench.speed({10: 1}).markdown())
        return
    tables: list[Table] = []
    parts = (bench.speed, bench.limited, bench.together, bench.compressed, bench.memory, bench.claims)
    for part in parts:  # the file is written again after each: half an hour of measuring can be cut off
        tables.append(part())
        print(tables[-1].markdown(), flush=True)
        write("reader", "The reader: JSON-stat to Parquet", facts, tables)


class Bench:
    """The measurements, over responses and Parquet files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.medians: dict[tuple[str, int], Run] = {}
        self.peaks: dict[tuple[Order, int], float] = {}
        self.under_limit = False

    def speed(self, rounds: dict[int, int] = ROUNDS) -> Table:
        """Ours against the others."""
        columns = (
            "response",
            "reader",
            "wall s",
            "CPU s",
            "MB/s",
            "k rows/s",
            "peak RSS MB",
            "wall ÷ ours",
            "CPU ÷ ours",
        )
        table = Table("Speed", columns, note=_contenders())
        for size, count in rounds.items():
            source = self._response(size)
            runs: dict[str, list[Run]] = {name: [] for name in CONTENDERS if name != "pyjstat" or size <= 10}
            for number in range(count):
                for name, found in runs.items():
                    print(f"{size} MB, round {number + 1} of {count}: {name}", file=sys.stderr)
                    found.append(self._run(name, source))
            for name, found in runs.items():
                self.medians[name, size] = _median(found)
            if len({run.rows for name, found in runs.items() for run in found if name != "pyjstat"}) > 1:
                sys.exit(f"the contenders do not agree about the rows of {source}")
            ours = self.medians["ours", size]
            megabytes = source.stat().st_size / 1e6
            for name in sorted(runs, key=lambda name: self.medians[name, size].wall):
                run = self.medians[name, size]
                table.rows.append((
                    f"{megabytes:.0f} MB, {ours.rows:,} rows", name, run.wall, run.cpu, megabytes / run.wall,
                    run.rows / run.wall / 1000, round(run.peak), run.wall / ours.wall, run.cpu / ours.cpu,
                ))  # fmt: skip
        return table

    def memory(self) -> Table:
        """Ours on responses of any length and order."""
        columns = ("response", "order of the cells", "wall s", "CPU s", "MB/s", "peak RSS MB")
        table = Table("Memory", columns, note="One run each. Cells not in code order are sorted on disk.")
        for size in (85, 360, LONGEST):
            for order in ORDERS:
                print(f"{size} MB in {order} order", file=sys.stderr)
                source = self._response(size, order)
                run = self._run("ours", source)
                megabytes = source.stat().st_size / 1e6
                if size == LONGEST:
                    source.unlink()
                self.peaks[order, size] = run.peak
                what = f"{megabytes:,.0f} MB, {run.rows:,} rows"
                table.rows.append((what, order, run.wall, run.cpu, megabytes / run.wall, round(run.peak)))
        return table

    def compressed(self) -> Table:
        """Ours on the same response as plain text, gzip and zstd."""
        table = Table(
            "Compressed responses (85 MB of text)", ("stored as", "MB", "wall s", "CPU s", "peak RSS MB")
        )
        plain = self._response(85)
        for source in (plain, _packed(plain, "gzip"), _packed(plain, "zstd")):
            run = _median([self._run("ours", source) for _ in range(3)])
            kind = source.suffix.lstrip(".").replace("json", "plain text")
            table.rows.append((kind, source.stat().st_size / 1e6, run.wall, run.cpu, round(run.peak)))
        return table

    def together(self) -> Table:
        """Two responses at the same time."""
        table = Table("Two datasets at once (85 MB each)", ("how", "wall s", "MB/s together", "peak RSS MB"))
        source = self._response(85)
        megabytes = 2 * source.stat().st_size / 1e6
        for how in ("one after the other", "two threads", "two processes"):
            wall, peak = _median_pair([self._pair(how, source) for _ in range(3)])
            table.rows.append((how, wall, megabytes / wall, round(peak)))
        table.note = "Memory of two processes: the sum of both."
        return table

    def limited(self) -> Table:
        """Ours where no more than so much memory can be had."""
        source = self._response(360)
        table = Table(
            f"Under a hard limit of {HARD_LIMIT} MB (RLIMIT_AS, ARROW_DEFAULT_MEMORY_POOL=system)",
            ("response", "rows", "wall s", "peak RSS MB"),
        )
        try:
            run = self._run("ours", source, limit=HARD_LIMIT)
        except SystemExit as failed:  # a finding to be shown beside the others, not instead of them
            table.note = f"It did not convert: {failed}"
            return table
        self.under_limit = run.rows == self.medians["ours", 360].rows
        table.rows.append((f"{source.stat().st_size / 1e6:.0f} MB", run.rows, run.wall, round(run.peak)))
        return table

    def claims(self) -> Table:
        """What the reader must reach, and what it did."""
        table = Table("What it must reach", ("claim", "must be", "is", ""))
        naive, ijson, ours = (self.medians[name, 85] for name in ("naive", "ijson", "ours"))
        faster, thriftier = naive.wall / ours.wall, ijson.cpu / ours.cpu
        seconds = 19.4 / faster
        in_order = max(peak for (order, _), peak in self.peaks.items() if order != "shuffled")
        shuffled = max(peak for (order, _), peak in self.peaks.items() if order == "shuffled")
        within = "yes" if self.under_limit else "no"
        for claim, must, found, holds in (
            ("85 MB: times faster than json.load + pandas", "≥ 12", f"{faster:.1f}", faster >= 12),
            ("85 MB: times less CPU than ijson", "≥ 6", f"{thriftier:.1f}", thriftier >= 6),
            ("85 MB: seconds where json.load + pandas takes 19.4", "≤ 1.5", f"{seconds:.2f}", seconds <= 1.5),
            ("peak RSS in code and index order", "≤ 250 MB", f"{in_order:.0f} MB", in_order <= 250),
            ("peak RSS of shuffled cells", "≤ 400 MB", f"{shuffled:.0f} MB", shuffled <= 400),
            (f"360 MB within {HARD_LIMIT} MB of address space", "yes", within, self.under_limit),
        ):
            table.rows.append((claim, must, found, "reached" if holds else "MISSED"))
        return table

    def _response(self, size: int, order: Order = "code") -> Path:
        return generate(self.folder / f"{order}-{size}.json", size, order)

    def _run(self, name: str, source: Path, limit: int | None = None) -> Run:
        return _finished(self._start(name, source, self.folder / "out.parquet", limit))

    def _start(
        self, name: str, source: Path, target: Path, limit: int | None = None
    ) -> subprocess.Popen[str]:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPYCACHEPREFIX": str(self.folder / "pycache"), "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-m", "benchmarks.contenders", name, str(source), str(target)]
        if limit is not None:
            # Arrow's usual allocator reserves a gigabyte of addresses without using them.
            environment["ARROW_DEFAULT_MEMORY_POOL"] = "system"
            command = ["prlimit", f"--as={limit << 20}", *command]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    def _pair(self, how: str, source: Path) -> tuple[float, float]:
        """Seconds until both are done, and peak memory."""
        if how == "two processes":
            started = [self._start("ours", source, self.folder / f"out{n}.parquet") for n in range(2)]
            runs = [_finished(one) for one in started]
            return max(run.wall for run in runs), sum(run.peak for run in runs)
        name = "ours_twice" if how == "one after the other" else "ours_in_threads"
        run = self._run(name, source)
        return run.wall, run.peak


def _finished(process: subprocess.Popen[str]) -> Run:
    said, _ = process.communicate()
    if process.returncode:
        sys.exit(f"{process.args} failed")
    return Run(**json.loads(said))


def _median(runs: list[Run]) -> Run:
    def middle(name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    return Run(runs[0].rows, middle("wall"), middle("cpu"), max(run.peak for run in runs))


def _median_pair(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in pairs), max(peak for _, peak in pairs)


def _packed(plain: Path, kind: str) -> Path:
    target = plain.with_suffix(f".json.{kind}")
    if not target.exists():
        with plain.open("rb") as source, _compressing(target, kind) as sink:
            while chunk := source.read(1 << 20):
                sink.write(chunk)
    return target


def _compressing(target: Path, kind: str):
    if kind == "gzip":
        return gzip.open(target, "wb", compresslevel=6)
    return pa.CompressedOutputStream(str(target), "zstd")


def _contenders() -> str:
    lines = [f"- {name}: {(maker.__doc__ or '').strip()}" for name, maker in CONTENDERS.items()]
    return "\n".join(["Medians of the rounds; peak RSS is the largest.", "", *lines])
