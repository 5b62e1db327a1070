"""Where benchmark results go: `benchmarks/results/<name>.md` to read and `<name>.json` to compare."""

import json
import os
import platform
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


@dataclass
class Table:
    """One table of results; every row has a value for each column."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)
    note: str = ""

    def markdown(self) -> str:
        lines = [f"## {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, "", self.note, ""])


def machine(packages: Sequence[str]) -> dict[str, str]:
    """What the figures depend on: date, processors, memory, system, versions of `packages`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} cores, {memory / 2**30:.0f} GiB, {platform.system()} {platform.machine()}",
        "load average at the start": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def peak_memory() -> int:
    """The most memory this process ever had, in bytes. What it inherited from its parent's fork does not count,
    where the system can tell."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def write(name: str, title: str, facts: Mapping[str, str], tables: Sequence[Table]) -> Path:
    """Write both files; returns the one to read."""
    RESULTS.mkdir(exist_ok=True)
    about = "\n".join(f"- {key}: {value}" for key, value in facts.items())
    text = "\n".join([f"# {title}", "", about, "", *(table.markdown() for table in tables)])
    values = {
        table.title: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables
    }
    target = RESULTS / f"{name}.md"
    target.write_text(text.rstrip() + "\n")
    target.with_suffix(".json").write_text(
        json.dumps({"facts": dict(facts), "results": values}, indent=1) + "\n"
    )
    return target


def _line(cells: Sequence[Any]) -> str:
    return (
        "| " + " | ".join(f"{cell:,.2f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"
    )
