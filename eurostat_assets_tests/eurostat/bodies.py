"""Small JSON-stat bodies, and the eye of another room that reads a finished file's header."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from upath import UPath


def body_of(code: str = "HLTH_A", data: str = "2026-02-06T23:00:00+0100", cells: int = 20_000) -> bytes:
    return json.dumps(
        {
            "version": "2.0",
            "class": "dataset",
            "label": "Invented — für die Prüfung",
            "value": {str(i): i * 7919 % 1000 / 10 for i in range(cells)},
            "id": ["freq", "time"],
            "size": [1, cells],
            "dimension": {"freq": {"category": {"index": {"A": 0}}}, "time": {"category": {"index": {}}}},
            "extension": {
                "id": code,
                "annotation": [
                    {"type": "OBS_COUNT", "title": str(cells)},
                    {"type": "UPDATE_DATA", "date": data},
                    {"type": "UPDATE_STRUCTURE", "date": "2026-01-07T11:00:00+0100"},
                ],
            },
        },
        ensure_ascii=False,
    ).encode()


def content_of(path: Path | UPath) -> bytes:
    """The uncompressed content of a file, whatever it is called."""
    stored = path.read_bytes()
    if stored.startswith(b"\x1f\x8b"):
        return gzip.decompress(stored)
    return pa.CompressedInputStream(pa.BufferReader(stored), "zstd").read()


@dataclass
class Header:
    dataset: str | None
    update_data: str | None
    update_structure: str | None


def inspect(path: Path) -> Header:
    extension = json.loads(content_of(path))["extension"]
    dates = {note["type"]: note.get("date") for note in extension["annotation"]}
    return Header(extension["id"], dates.get("UPDATE_DATA"), dates.get("UPDATE_STRUCTURE"))
