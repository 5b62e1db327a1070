"""What the checks cost beside reading and publishing: `python -m benchmarks checks [--rows 10] [--rounds 5]`.

One generated dataset of eight dimensions and so many million rows. In every round each step runs in a process of its own,
one after the other, so that a noisy moment is shared by all. The checks may cost a tenth of reading and publishing.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.report import Table, machine, peak_memory, write
from benchmarks.responses import generate

MEGABYTES_PER_MILLION_ROWS = 16.4
MOST = 0.1
CHECKS = ("raw_intact", "profile and judge", "digest of the Parquet file", "parquet_intact")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks checks", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rows", type=float, default=10, help="millions")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--quick", action="store_true", help="half a million rows, one round; writes no results"
    )
    chosen = parser.parse_args(arguments)
    millions, rounds = (0.5, 1) if chosen.quick else (chosen.rows, chosen.rounds)
    facts = machine(["pyarrow", "numpy"])
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-bench-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        table = measure(folder, millions, rounds)
    print(table.markdown())
    if not chosen.quick:
        write("checks", "What the checks cost", facts, [table])


def measure(folder: Path, millions: float, rounds: int) -> Table:
    from eurostat_assets.postgres import EmbeddedPostgres

    _packed(generate(folder / "raw.json", millions * MEGABYTES_PER_MILLION_ROWS), folder / "raw.json.zst")
    server = EmbeddedPostgres(folder / "server")
    server.start()
    try:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in STEPS}
        for number in range(rounds):
            for name, found in runs.items():
                print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
                found.append(_run(name, folder, server.url("bench")))
    finally:
        server.stop()
    rows = int(runs["read"][0]["rows"])

    def middle(name: str, figure: str) -> float:
        return statistics.median(run[figure] for run in runs[name])

    table = Table(
        f"A release of {rows:,} rows, 8 dimensions",
        ("step", "wall s", "CPU s", "peak RSS MB", "of read + publish"),
    )
    work = middle("read", "wall") + middle("publish", "wall")
    for name in STEPS:
        wall, peak = middle(name, "wall"), max(run["peak"] for run in runs[name])
        table.rows.append((name, wall, middle(name, "cpu"), round(peak / 1e6), f"{wall / work:.1%}"))
    cost = sum(middle(name, "wall") for name in CHECKS)
    cpu = sum(middle(name, "cpu") for name in CHECKS)
    verdict = "reached" if cost <= MOST * work else "MISSED"
    table.rows.append(("all checks", cost, cpu, "", f"{cost / work:.1%}: {verdict} (at most {MOST:.0%})"))
    table.note = (
        f"Medians of {rounds} rounds, taken in turn; the database server's own CPU time is not counted."
    )
    return table


def _read(folder: Path, _url: str) -> int:
    from eurostat_assets.jsonstat import write_parquet

    return write_parquet(folder / "raw.json.zst", folder / "out.parquet").rows


def _raw_intact(folder: Path, _url: str) -> int:
    from eurostat_assets.quality.intact import _content, _digest

    return _digest(_content(folder / "raw.json.zst")).bytes


def _profile(folder: Path, _url: str) -> int:
    from eurostat_assets.checks.dataset import announced
    from eurostat_assets.jsonstat import read_header
    from eurostat_assets.jsonstat.periods import period_days
    from eurostat_assets.quality import Limits, judge, profile

    said = announced(read_header(folder / "raw.json.zst"))
    started, begun = time.monotonic(), _cpu()
    found = profile(folder / "out.parquet", period_days)
    verdicts = judge(found, found.rows, said, (), Limits())
    assert all(one.passed for one in verdicts), verdicts
    _profile.seconds = (time.monotonic() - started, _cpu() - begun)  # type: ignore[attr-defined]
    return found.rows


def _digest_parquet(folder: Path, _url: str) -> int:
    from eurostat_assets.quality import digest

    return digest(folder / "out.parquet").bytes


def _publish(folder: Path, url: str) -> int:
    from eurostat_assets.postgres import migrate, publish

    migrate(url)
    return publish(url, folder / "out.parquet").rows


STEPS: dict[str, Callable[[Path, str], int]] = {
    "read": _read,
    "raw_intact": _raw_intact,
    "profile and judge": _profile,
    "digest of the Parquet file": _digest_parquet,
    "parquet_intact": _digest_parquet,
    "publish": _publish,
}


def _run(name: str, folder: Path, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.checks", "--step", name, str(folder), url]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(said.stdout)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _step(name: str, folder: str, url: str) -> dict[str, Any]:
    import numpy  # noqa: F401 (what a warm process has imported already)
    import pyarrow.parquet  # noqa: F401

    import eurostat_assets.checks.dataset
    import eurostat_assets.jsonstat.observations  # noqa: F401

    started, begun = time.monotonic(), _cpu()
    rows = STEPS[name](Path(folder), url)
    wall, cpu = getattr(STEPS[name], "seconds", (time.monotonic() - started, _cpu() - begun))
    return {"rows": rows, "wall": wall, "cpu": cpu, "peak": peak_memory()}


def _packed(plain: Path, target: Path) -> None:
    with plain.open("rb") as source, pa.CompressedOutputStream(str(target), "zstd") as sink:
        while chunk := source.read(1 << 20):
            sink.write(chunk)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        print(json.dumps(_step(*sys.argv[2:])))
    else:
        main()
