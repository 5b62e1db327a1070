"""Recorded JSON-stat files as datasets: unfiltered requests get the file's very bytes, filtered ones a slice of its cells."""

from __future__ import annotations

from pathlib import Path

from .sources import Source


def recorded_sources(folder: Path) -> dict[str, Source]:
    """{code: source} of the files directly in a folder that are Eurostat datasets, known by `extension.id`."""
    return {}
