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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.report import Table, machine, peak_memory, write
from benchmarks.responses import generate

MEGABYTES_PER_MILLION_ROWS = 16.4
MOST = 0.1
KINDS = {"zstd": "zst", "gzip": "gz"}
"""How a raw body is kept: as it was sent, else as zstd. And the end of its name."""
AFTERWARDS = ("profile and judge", "digest of the Parquet file", "parquet_intact")

Step = Callable[[Path, str], int]
"""One step of a release, on the files of a folder and the database at a URL; returns rows or bytes."""


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

    plain = generate(folder / "raw.json", millions * MEGABYTES_PER_MILLION_ROWS)
    for kind, suffix in KINDS.items():
        _packed(plain, folder / f"raw.json.{suffix}", kind)
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
    return _table(runs, rounds)


def _table(runs: dict[str, list[dict[str, float]]], rounds: int) -> Table:
    def middle(name: str, figure: str) -> float:
        return statistics.median(run[figure] for run in runs[name])

    rows = int(runs["profile and judge"][0]["rows"])
    table = Table(
        f"A release of {rows:,} rows, 8 dimensions",
        ("step", "wall s", "CPU s", "peak RSS MB", "of read + publish"),
    )
    for name, found in runs.items():
        peak = max(run["peak"] for run in found)
        table.rows.append((name, middle(name, "wall"), middle(name, "cpu"), round(peak / 1e6), ""))
    for kind in KINDS:
        work = middle(f"read {kind}", "wall") + middle("publish", "wall")
        beside = f"read {kind}, raw_intact beside it"
        cost, cpu = (
            middle(beside, figure)
            - middle(f"read {kind}", figure)
            + sum(middle(name, figure) for name in AFTERWARDS)
            for figure in ("wall", "cpu")
        )
        verdict = "reached" if cost <= MOST * work else "MISSED"
        share = f"{cost / work:.1%}: {verdict} (at most {MOST:.0%})"
        table.rows.append((f"all checks, raw body as {kind}", cost, cpu, "", share))
    table.note = (
        f"Medians of {rounds} rounds, taken in turn; the database server's own CPU time is not counted."
    )
    return table


def _read(kind: str) -> Step:
    def step(folder: Path, _url: str) -> int:
        from eurostat_assets.jsonstat import write_parquet

        return write_parquet(folder / f"raw.json.{KINDS[kind]}", folder / "out.parquet").rows

    return step


def _read_and_verify(kind: str) -> Step:
    """As in the asset `observations`: the raw body is verified in a thread while it is read."""

    def step(folder: Path, url: str) -> int:
        from eurostat_assets.quality.intact import _content, _digest

        with ThreadPoolExecutor(1) as beside:
            digest = beside.submit(lambda: _digest(_content(folder / f"raw.json.{KINDS[kind]}")))
            rows = _read(kind)(folder, url)
            assert digest.result().bytes == (folder / "raw.json").stat().st_size
        return rows

    return step


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


STEPS: dict[str, Step] = {
    **{f"read {kind}": _read(kind) for kind in KINDS},
    **{f"read {kind}, raw_intact beside it": _read_and_verify(kind) for kind in KINDS},
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


def _packed(plain: Path, target: Path, compression: str) -> None:
    with plain.open("rb") as source, pa.CompressedOutputStream(str(target), compression) as sink:
        while chunk := source.read(1 << 20):
            sink.write(chunk)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        print(json.dumps(_step(*sys.argv[2:])))
    else:
        main()
