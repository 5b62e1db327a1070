"""Room for the theme: the home folder, disk, memory, open files."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

from eurostat_assets.doctor.machine.check import Machine, Wrong, machine_check

GB: Final = 1_000_000_000
BYTES_PER_ROW: Final = 93
"""Raw JSON, Parquet and table together, as `eurostat-assets sizes` estimates before anything is loaded."""

_HEALTH_THEME: Final = 42 * GB
_BASE_MEMORY: Final = 1.5 * GB
"""PostgreSQL, the webserver, the daemon and the code server; a run that reads a large dataset takes 0.35 GB more."""
_MEMORY_PER_RUN: Final = 0.35 * GB
_FEWEST_DESCRIPTORS: Final = 1024


@machine_check(
    "home",
    "the home folder can be written to",
    effect="Nothing can be stored",
    remedy="Choose another folder with EUROSTAT_HOME, or mend its rights",
)
def home(machine: Machine) -> str:
    if machine.place != machine.home and machine.home.exists():
        raise Wrong(f"{machine.home} is no folder")
    with tempfile.TemporaryFile(dir=machine.place) as file:
        file.write(b"doctor")
    return str(machine.home) if machine.home.exists() else f"{machine.home} will be made"


@machine_check(
    "disk",
    "the disk has room for the theme",
    effect="Downloads and loads stop when it is full; what is published stays readable",
    remedy="Make room, set EUROSTAT_HOME to a larger disk, or choose a smaller theme (EUROSTAT_THEME)",
)
def disk(machine: Machine) -> str:
    free = shutil.disk_usage(machine.place).free
    kept = machine.settings.alarm_disk_free * GB
    if machine.theme_rows is not None:
        whole = machine.theme_rows * BYTES_PER_ROW
    else:
        usual = machine.settings.theme.upper() == "HLTH" and not machine.settings.theme_subtree
        whole = _HEALTH_THEME if usual else 0
    needed = max(0, whole - _size_of(machine.home)) + kept
    text = f"{free / GB:,.0f} GB free, about {needed / GB:,.0f} GB still needed in {machine.place}"
    if free < needed:
        raise Wrong(text)
    return text


def _size_of(folder: Path) -> int:
    """Bytes of the files below `folder` that can be seen."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(where, name).lstat().st_blocks * 512
            except OSError:
                continue
    return total


@machine_check(
    "memory",
    "there is memory for the runs at the same time",
    effect="The kernel may kill runs or PostgreSQL; runs are tried again",
    remedy="Set EUROSTAT_PARALLEL_RUNS to fewer, or give the machine more memory",
)
def memory(machine: Machine) -> str:
    limit = min([psutil.virtual_memory().total, *_memory_limits()])
    needed = _BASE_MEMORY + machine.settings.parallel_runs * _MEMORY_PER_RUN
    text = f"{limit / GB:.1f} GB, {needed / GB:.1f} GB for {machine.settings.parallel_runs} runs at a time"
    if limit < needed:
        raise Wrong(text)
    return text


def _memory_limits() -> Iterator[int]:
    """What a container may use, in bytes."""
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(file).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            yield int(text)


@machine_check(
    "descriptors",
    f"a process may open {_FEWEST_DESCRIPTORS} files",
    effect="Runs may fail with 'Too many open files'",
    remedy="Raise the limit: `ulimit -n 4096`, or LimitNOFILE in the unit of the service",
)
def descriptors(machine: Machine) -> str:  # noqa: ARG001
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FEWEST_DESCRIPTORS:
        raise Wrong(f"only {soft}")
    return "no limit" if soft == resource.RLIM_INFINITY else f"{soft:,}"
