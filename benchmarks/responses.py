"""Generated JSON-stat responses of any size, in the shape of Eurostat's health data; the same bytes for the
same wishes.

Eight dimensions, 60 % of the cells filled, 15 % of those flagged, some confidential without a value. The
cells come in code order (as from Eurostat), in index order (as from other tools) or shuffled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eurostat_assets.jsonstat.cube import Cube

Order = Literal["code", "index", "shuffled"]

FLAGS = ["e", "p", "b", "u", "d", "bp", "|C"]
FILLED, FLAGGED, CONFIDENTIAL = 0.6, 0.15, 0.02
BYTES_PER_CELL = 9.85  # of the cube, filled or not; measured
_BLOCK = 1 << 18
_SIZES = {"freq": 1, "unit": 2, "sex": 3, "age": 12, "icd10": 0, "isced11": 4, "geo": 38, "time": 12}


def generate(target: Path, megabytes: float, order: Order = "code") -> Path:
    """Write a response of about that size to `target`, unless it is there already."""
    if target.exists():
        return target
    dimensions = _dimensions(megabytes)
    cube = Cube([tuple(codes) for codes in dimensions.values()])
    partial = target.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(b'{"version":"2.0","class":"dataset","label":"Invented discharges","source":"ESTAT",')
        file.write(b'"updated":"2026-02-06T23:00:00+0100","value":{')
        _write_cells(file, (_value_cells(block) for block in _blocks(cube, order)))
        file.write(b'},"status":{')
        _write_cells(file, (_status_cells(block) for block in _blocks(cube, order)))
        file.write(b"}," + json.dumps(_description(dimensions)).encode()[1:])
    return partial.rename(target)


def _dimensions(megabytes: float) -> dict[str, list[str]]:
    fixed = np.prod([size for size in _SIZES.values() if size])
    sizes = {**_SIZES, "icd10": max(1, round(megabytes * 1e6 / BYTES_PER_CELL / fixed))}
    random = np.random.default_rng(1)
    codes = {name: [f"{name[0].upper()}{n:03d}" for n in range(size)] for name, size in sizes.items()}
    for name in codes:
        random.shuffle(codes[name])
    return {**codes, "time": [str(2010 + n) for n in range(sizes["time"])]}


def _blocks(cube: Cube, order: Order) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Flat indices in the order wanted, and a random number for each of them that depends on the index
    alone."""
    shuffled = (
        np.random.default_rng(2).permutation(np.arange(cube.size, dtype=np.uint32))
        if order == "shuffled"
        else None
    )
    for start in range(0, cube.size, _BLOCK):
        numbers = np.arange(start, min(start + _BLOCK, cube.size), dtype=np.int64)
        if order == "code":
            numbers = cube.indices(numbers).astype(np.int64)
        elif shuffled is not None:
            numbers = shuffled[numbers].astype(np.int64)
        yield numbers, _scrambled(numbers)


def _scrambled(numbers: np.ndarray) -> np.ndarray:
    bits = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return bits ^ (bits >> np.uint64(31))


def _parts(random: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three independent uniform numbers in [0, 1)."""
    low, middle, high = (((random >> np.uint64(s)) & np.uint64(0xFFFFF)) / 2**20 for s in (0, 20, 40))
    return low, middle, high


def _value_cells(block: tuple[np.ndarray, np.ndarray]) -> bytes:
    indices, random = block
    filled, status, size = _parts(random)
    chosen = (filled < FILLED) & (status >= CONFIDENTIAL)
    tenths = (10 ** (size[chosen] * 5)).astype(np.int64)
    values = pc.cast(pa.array(tenths / 10), pa.string())
    return _joined(indices[chosen], values)


def _status_cells(block: tuple[np.ndarray, np.ndarray]) -> bytes:
    indices, random = block
    filled, status, size = _parts(random)
    chosen = (filled < FILLED) & (status < FLAGGED)
    which = (size[chosen] * (len(FLAGS) - 1)).astype(np.int64)
    which[status[chosen] < CONFIDENTIAL] = len(FLAGS) - 1
    return _joined(indices[chosen], pa.array([f'"{flag}"' for flag in FLAGS]).take(pa.array(which)))


def _joined(indices: np.ndarray, texts: pa.Array) -> bytes:
    keys = pc.cast(pa.array(indices), pa.string())
    cells = pc.call_function("binary_join_element_wise", ['"', keys, '":', texts, ""])
    whole = pa.ListArray.from_arrays([0, len(cells)], cells)
    return pc.call_function("binary_join", [whole, ","])[0].as_buffer().to_pybytes()


def _write_cells(file: IO[bytes], chunks: Iterator[bytes]) -> None:
    separator = b""
    for chunk in chunks:
        if chunk:
            file.write(separator + chunk)
            separator = b","


def _description(dimensions: dict[str, list[str]]) -> dict[str, object]:
    return {
        "id": list(dimensions),
        "size": [len(codes) for codes in dimensions.values()],
        "dimension": {
            name: {
                "label": name.title(),
                "category": {
                    "index": {code: position for position, code in enumerate(codes)},
                    "label": {code: code if name == "time" else f"{name.title()} {code}" for code in codes},
                },
            }
            for name, codes in dimensions.items()
        },
        "extension": {
            "lang": "EN",
            "id": "HLTH_INVENTED",
            "annotation": [{"type": "UPDATE_DATA", "date": "2026-02-06T23:00:00+0100"}],
            "status": {"label": {flag: f"label of {flag}" for flag in FLAGS}},
        },
    }
