"""Bodies and truths without a server: for benchmarks, and for tests of readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from eurostat_assets.sandbox.body import body
from eurostat_assets.sandbox.cube import observations, whole
from eurostat_assets.sandbox.datasets import Dataset, Edition
from eurostat_assets.sandbox.families import invented
from eurostat_assets.sandbox.sources import Invented


@dataclass(frozen=True)
class WrittenBody:
    """A body in a file; `bytes` is its size, and `dataset.size` the number of cells of its cube."""

    path: Path
    dataset: Dataset
    edition: Edition
    bytes: int


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
    """Write the JSON-stat body of an invented dataset to a file, some 50 MB per second and in bounded memory.

    A code (`HLTH_CO_X` has 8 dimensions) is made after its family with about `cells` cells, empty ones included, or with a
    body of about `size` bytes. `order` is that of the keys in `value` and `status`: `code` as Eurostat writes them, `index`
    as files that passed through other tools, `shuffled` as nobody should. Raises UnknownDataset.
    """
    if isinstance(dataset, str):
        dataset = invented(dataset, seed, cells, size)
    first = Invented(dataset).first
    edition = Edition(first.code, first.update_data, first.update_structure, release)
    written = 0
    with path.open("wb") as file:
        for chunk in body(whole(dataset, order), edition, language):
            written += file.write(chunk)
    return WrittenBody(path, dataset, edition, written)


def cells(
    dataset: Dataset | str, *, cells: int | None = None, seed: int = 0, release: int = 0
) -> Iterator[pa.RecordBatch]:
    """The observations that `write_dataset` writes for the same arguments, as record batches in the order of the codes.

    Columns: the dimensions but time, `time_period`, `obs_value`, `obs_flag`, `conf_status`. Raises UnknownDataset.
    """
    if isinstance(dataset, str):
        dataset = invented(dataset, seed, cells)
    return observations(dataset, release)
