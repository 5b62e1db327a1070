"""Ways to turn a JSON-stat response into Parquet: ours, and those that people write.

`python -m benchmarks.contenders NAME SOURCE TARGET` does it once and prints rows, wall and CPU seconds as
JSON. Each starts with its libraries imported and gives one row per cell with a code column per dimension.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.report import peak_memory


def ours() -> Callable[[Path, Path], int]:
    """The reader of this project."""
    import eurostat_assets.jsonstat.observations  # noqa: F401 (imported now, so that it is not counted)
    from eurostat_assets.jsonstat import write_parquet

    return lambda source, target: write_parquet(source, target).rows


def ours_twice() -> Callable[[Path, Path], int]:
    """The reader of this project, twice in a row."""
    convert = ours()
    return lambda source, target: convert(source, target) + convert(source, target)


def ours_in_threads() -> Callable[[Path, Path], int]:
    """The reader of this project, twice at the same time in two threads."""
    convert = ours()

    def both(source: Path, target: Path) -> int:
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(convert, (source, source), (target, target.with_suffix(".second"))))

    return both


def naive() -> Callable[[Path, Path], int]:
    """json.load, then pandas without a loop."""
    import pandas as pd

    def convert(source: Path, target: Path) -> int:
        with source.open(encoding="utf-8") as file:
            document = json.load(file)
        values = pd.Series(document["value"], dtype=float, name="obs_value")
        status = pd.Series(document.get("status", {}), dtype=object, name="obs_flag")
        frame = pd.concat([values, status], axis=1)
        index = frame.index.astype("int64").to_numpy()
        for name, codes, stride in _dimensions(document):
            frame[name] = pd.Categorical.from_codes(index // stride % len(codes), codes)
        frame.to_parquet(target, index=False, compression="zstd")
        return len(frame)

    return convert


def ijson() -> Callable[[Path, Path], int]:
    """ijson (yajl2_c): `status` held in memory, `value` streamed, 100,000 rows at a time."""
    import ijson

    def convert(source: Path, target: Path) -> int:
        with source.open("rb") as file:
            shape = {name: next(ijson.items(_again(file), name)) for name in ("id", "size", "dimension")}
            status = {int(key): text for key, text in ijson.kvitems(_again(file), "status")}
            dimensions = _dimensions(shape)
            cells = ijson.kvitems(_again(file), "value", use_float=True)
            return _write(target, dimensions, _batches(cells, status))

    return convert


def msgspec() -> Callable[[Path, Path], int]:
    """msgspec with the types of the response declared; the whole file in memory."""
    import msgspec

    class Response(msgspec.Struct):
        value: dict[int, float]
        id: list[str]
        size: list[int]
        dimension: dict[str, Any]
        status: dict[int, str] = {}

    def convert(source: Path, target: Path) -> int:
        response = msgspec.json.decode(source.read_bytes(), type=Response)
        shape = {"id": response.id, "size": response.size, "dimension": response.dimension}
        alone = [key for key in response.status if key not in response.value]
        index = np.fromiter((*response.value, *alone), np.int64)
        values = np.concatenate([np.fromiter(response.value.values(), float), np.full(len(alone), np.nan)])
        flags = [response.status.get(key) for key in index.tolist()]
        return _write(target, _dimensions(shape), [(index, values, flags)])

    return convert


def pyjstat() -> Callable[[Path, Path], int]:
    """pyjstat to a data frame of labels."""
    from pyjstat import pyjstat

    def convert(source: Path, target: Path) -> int:
        frame: Any = pyjstat.Dataset.read(source.read_text(encoding="utf-8")).write("dataframe")
        frame = frame.dropna(subset=["value"])
        frame.to_parquet(target, index=False, compression="zstd")
        return len(frame)

    return convert


Block = tuple[np.ndarray, np.ndarray, list[str | None]]


def _again(file: Any) -> Any:
    file.seek(0)
    return file


def _dimensions(document: dict[str, Any]) -> list[tuple[str, list[str], int]]:
    """For each dimension its name, its codes by position, and the cells per step."""
    found, stride = [], 1
    for name, size in zip(reversed(document["id"]), reversed(document["size"]), strict=True):
        index = document["dimension"][name]["category"]["index"]
        found.insert(0, (name, sorted(index, key=index.__getitem__), stride))
        stride *= size
    return found


def _batches(cells: Iterable[tuple[str, float]], status: dict[int, str]) -> Iterable[Block]:
    index: list[int] = []
    values: list[float] = []
    for key, value in cells:
        index.append(int(key))
        values.append(value)
        if len(index) == 100_000:
            yield np.array(index), np.array(values), [status.pop(one, None) for one in index]
            index, values = [], []
    flags = [status.pop(one, None) for one in index]
    yield (
        np.array([*index, *status], np.int64),
        np.array([*values, *(np.nan for _ in status)]),
        [*flags, *status.values()],
    )


def _write(target: Path, dimensions: list[tuple[str, list[str], int]], blocks: Iterable[Block]) -> int:
    rows, writer = 0, None
    for index, values, flags in blocks:
        columns: dict[str, pa.Array] = {
            name: pa.DictionaryArray.from_arrays((index // stride % len(codes)).astype(np.int32), codes)
            for name, codes, stride in dimensions
        }
        table = pa.table({**columns, "obs_value": values, "obs_flag": pa.array(flags, pa.string())})
        writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
        writer.write_table(table)
        rows += len(table)
    if writer is not None:
        writer.close()
    return rows


CONTENDERS = {maker.__name__: maker for maker in (ours, naive, ijson, msgspec, pyjstat)}
VARIANTS = {maker.__name__: maker for maker in (ours_twice, ours_in_threads)}


def main(name: str, source: str, target: str) -> None:
    convert = (CONTENDERS | VARIANTS)[name]()
    wall, cpu = time.perf_counter(), time.process_time()
    rows = convert(Path(source), Path(target))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"rows": rows, "wall": wall, "cpu": cpu, "peak": peak_memory() / 1e6}))


if __name__ == "__main__":
    main(*sys.argv[1:])
