"""Bodies and truths without a server: for benchmarks, and for tests of readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from .body import body
from .cube import observations, whole
from .datasets import Dataset, Edition
from .families import invented
from .sources import Invented


@dataclass(frozen=True)
class WrittenBody:
    """A body in a file: `cells` is the size of the cube, `bytes` that of the file."""

    path: Path
    dataset: Dataset
    edition: Edition
    cells: int
    bytes: int


# Bytes of a body per cell of the cube, at the usual fill and flags; good to about a fifth.
_BYTES_PER_CELL = 10.5


def write_dataset(
    dataset: Dataset | str,
    path: Path,
    *,
    cells: int | None = None,
    size: int | None = None,
    order: Literal["code", "index", "shuffled"] = "code",
    seed: int = 0,
    release: int = 0,
    language: str = "en",
) -> WrittenBody:
    """Write an invented dataset's JSON-stat body to a file.

    A code is made after its family, with about `cells` cells in the cube, or with a body of about `size` bytes; 85 MB take
    a few seconds. `order` is the order of the keys in `value` and `status`: `code` as Eurostat writes them, `index` as other tools do,
    `shuffled` as nobody should. Raises UnknownDatasetError.
    """
    if isinstance(dataset, str):
        dataset = invented(dataset, seed, round(size / _BYTES_PER_CELL) if size is not None else cells)
    first = Invented(dataset).first
    edition = Edition(first.code, first.update_data, first.update_structure, release)
    written = 0
    with path.open("wb") as file:
        for chunk in body(whole(dataset, order), edition, language):
            written += file.write(chunk)
    return WrittenBody(path, dataset, edition, dataset.size, written)


def cells(
    dataset: Dataset | str, *, cells: int | None = None, seed: int = 0, release: int = 0
) -> Iterator[pa.RecordBatch]:
    """The observations that `write_dataset` writes for the same arguments, as record batches and in the order of the codes."""
    if isinstance(dataset, str):
        dataset = invented(dataset, seed, cells)
    return observations(dataset, release)
