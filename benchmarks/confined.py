"""90 million rows read and published by processes that have 1 GiB: `python -m benchmarks confined [--megabytes N]`.

Each runs in a control group of the memory controller (version 1 or 2) that this makes, which needs root; the page cache of
its files counts there as well. PostgreSQL's server is outside. Needs 35 GB of disk and half an hour.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.publisher import running_server
from benchmarks.report import Table, machine, write
from benchmarks.responses import generate
from eurostat_assets.postgres import migrate

LIMIT = 1 << 30
ROOT = Path("/sys/fs/cgroup")
DATASET = "HLTH_INVENTED"

_CHILD = """
import json, resource, sys, time
from pathlib import Path
from benchmarks.report import peak_memory

Path(sys.argv[1], "cgroup.procs").write_text("0")
began = time.monotonic()
if sys.argv[2] == "read":
    from eurostat_assets.jsonstat import write_parquet
    rows = write_parquet(Path(sys.argv[3]), Path(sys.argv[4])).rows
else:
    from eurostat_assets.postgres import publish
    rows = publish(sys.argv[4], Path(sys.argv[3]), dataset=sys.argv[5]).rows
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([rows, time.monotonic() - began, used.ru_utime + used.ru_stime, peak_memory()]))
"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("benchmarks.confined", description=__doc__)
    parser.add_argument(
        "--megabytes", type=float, default=1700, help="of the response; 1,700 have 90 million rows"
    )
    parser.add_argument("--folder", type=Path, help="where a response.json is kept for the next time")
    options = parser.parse_args(arguments)
    facts = machine(["pyarrow", "psycopg2-binary"]) | {"memory of the control group": f"{LIMIT >> 20} MiB"}
    table = Table("In 1 GiB", ("what", "rows", "wall s", "CPU s", "peak RSS MB", "killed for memory"))
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-bench-") as temporary, _control_group() as group:
        folder = Path(temporary)
        folder.chmod(0o755)
        response = (options.folder or folder) / "response.json"
        if not response.exists():
            generate(response, options.megabytes)
        parquet = folder / "observations.parquet"
        table.rows.append(("read", *_run(group, "read", response, parquet)))
        write("confined", "90 million rows in 1 GiB", facts, [table])
        with running_server(folder) as server:
            migrate(server.url("bench"))
            table.rows.append(("publish", *_run(group, "publish", parquet, server.url("bench"), DATASET)))
    print(write("confined", "90 million rows in 1 GiB", facts, [table]).read_text())


@contextmanager
def _control_group() -> Iterator[Path]:
    """The folder of a group that may use LIMIT bytes. Raises OSError where this process may make none."""
    first = (ROOT / "memory").is_dir()
    parent = ROOT / "memory" if first else ROOT
    if not first:
        (ROOT / "cgroup.subtree_control").write_text("+memory")
    group = Path(tempfile.mkdtemp(prefix="eurostat-assets-", dir=parent))
    try:
        (group / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(LIMIT))
        yield group
    finally:
        group.rmdir()


def _run(group: Path, *arguments: object) -> tuple[int, float, float, float, str]:
    """Rows, seconds, seconds of the processor, peak in MB, and whether it was killed."""
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(group), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if child.returncode == -9:
        return 0, 0.0, 0.0, 0.0, "yes"
    if child.returncode:
        sys.exit(f"{arguments[0]} failed")
    rows, wall, cpu, peak = json.loads(child.stdout)
    return rows, wall, cpu, peak / 1e6, "no"
