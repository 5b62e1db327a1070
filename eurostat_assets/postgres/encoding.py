"""Arrow record batches as the bytes of `COPY … FROM STDIN`, binary or CSV. No database here.

Binary COPY: a header, per row the number of fields, per field its length (-1 for null) and its bytes in
network order, a trailer (PostgreSQL manual, COPY, "Binary Format"). The rows are put together by Arrow's own
kernels, a column at a time: no Python object per row, and a dictionary's values are encoded once per batch.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
NULL = pa.scalar(b"\xff\xff\xff\xff", pa.binary())
DAYS_TO_2000 = 10_957
MICROSECONDS_TO_2000 = 946_684_800_000_000

Encoder = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.Buffer | bytes]]
"""Turns batches of one schema into chunks of a COPY stream, any of which may be empty."""


def is_binary(schema: pa.Schema) -> bool:
    """Whether `binary` can encode every column; `csv` takes whatever it cannot."""
    return not any(pa.types.is_decimal(_value_type(field.type)) for field in schema)


def binary(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer | bytes]:
    """COPY … WITH (FORMAT binary)."""
    yield HEADER
    for batch in batches:
        if batch.num_rows:
            yield _rows(batch)
    yield TRAILER


def csv(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer | bytes]:
    """COPY … WITH (FORMAT csv): null is an empty field, an empty string a quoted one."""
    from pyarrow.csv import WriteOptions, write_csv

    for batch in batches:
        plain = pa.schema([field.with_type(_value_type(field.type)) for field in batch.schema])
        sink = pa.BufferOutputStream()
        write_csv(pa.table(batch).cast(plain), sink, WriteOptions(include_header=False))
        yield sink.getvalue()


def _value_type(arrow: pa.DataType) -> pa.DataType:
    return arrow.value_type if isinstance(arrow, pa.DictionaryType) else arrow


def _rows(batch: pa.RecordBatch) -> pa.Buffer:
    """All rows of a batch: the encoded columns joined row by row, which leaves the stream in one buffer."""
    count = pa.scalar(len(batch.schema).to_bytes(2, "big"), pa.binary())
    fields = [part for column in batch.columns for part in _fields(column)]
    joined = _joined(count, *fields)
    _, offsets, data = joined.buffers()
    first, last = np.frombuffer(offsets, np.int32)[[joined.offset, joined.offset + len(joined)]]
    return data.slice(first, last - first)


def _joined(*parts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.call_function("binary_join_element_wise", [*parts, pa.scalar(b"", pa.binary())])


def _fields(column: pa.Array) -> list[pa.Array]:
    """The column as arrays of bytes that are to be joined: length and value, in one array or two."""
    if isinstance(column, pa.DictionaryArray):
        return [_taken(column)]
    if _is_bytes(column.type):
        size = pc.fill_null(pc.call_function("binary_length", [column]).cast(pa.int32()), -1)
        return [_packed(size, ">i4"), pc.fill_null(column.cast(pa.binary()), b"")]
    return [_fixed(column)]


def _taken(column: pa.DictionaryArray) -> pa.Array:
    """Encode the dictionary, then look every row up in it; null is one more entry."""
    parts = _fields(column.dictionary)
    values = _joined(*parts)
    indices = column.indices
    if indices.null_count:
        indices = pc.fill_null(indices.cast(pa.int64()), len(values))
        values = pa.concat_arrays([values, pa.array([NULL.as_py()], pa.binary())])
    return values.take(indices)


def _fixed(column: pa.Array) -> pa.Array:
    """Numbers and moments: their length, then their bytes, big end first."""
    kind = column.type
    if pa.types.is_date32(kind):
        numbers = _numpy(column.cast(pa.int32())) - DAYS_TO_2000
    elif pa.types.is_timestamp(kind):
        numbers = _numpy(column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())) - MICROSECONDS_TO_2000
    elif pa.types.is_boolean(kind):
        numbers = _numpy(column.cast(pa.uint8()))
    else:
        numbers = _numpy(column)
    # Postgres has no one-byte and no unsigned numbers: each has room in the next wider type.
    width = {"int8": "i2", "uint8": "i2", "uint16": "i4", "uint32": "i8"}.get(
        str(kind), numbers.dtype.str[1:]
    )
    if pa.types.is_boolean(kind):
        width = "i1"
    encoded = _packed(None, f">{width}", numbers)
    return pc.call_function("if_else", [column.is_valid(), encoded, NULL]) if column.null_count else encoded


def _numpy(column: pa.Array) -> "NDArray[Any]":
    return pc.fill_null(column, 0).to_numpy(zero_copy_only=False)


def _packed(sizes: pa.Array | None, kind: str, numbers: "NDArray[Any] | None" = None) -> pa.Array:
    """An array of fixed-width bytes: `sizes` alone, or each of `numbers` behind its length."""
    if numbers is None:
        assert sizes is not None
        packed = sizes.to_numpy().astype(kind)
    else:
        packed = np.empty(len(numbers), dtype=[("size", ">i4"), ("value", kind)])
        packed["size"] = np.dtype(kind).itemsize
        packed["value"] = numbers
    width = packed.dtype.itemsize
    offsets = np.arange(0, width * len(packed) + 1, width, dtype=np.int32)
    return pa.Array.from_buffers(
        pa.binary(), len(packed), [None, pa.py_buffer(offsets), pa.py_buffer(packed.tobytes())]
    )


def _is_bytes(kind: pa.DataType) -> bool:
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return is_text or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
