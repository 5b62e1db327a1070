"""Arrow record batches as the bytes of `COPY … FROM STDIN`, binary or CSV. No database here.

Binary COPY: a header, per row the number of fields, per field its length (-1 for null) and its bytes in
network order, a trailer (PostgreSQL manual, COPY, "Binary Format"). The rows are put together by Arrow's own
kernels, a column at a time: no Python object per row, and a dictionary's values are encoded once per batch.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
NULL = pa.scalar(b"\xff\xff\xff\xff", pa.binary())
MOST_PAIRS = 4096
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


@dataclass(frozen=True)
class _Coded:
    """A column as its distinct encoded fields and, per row, which of them."""

    values: pa.Array
    indices: "NDArray[np.int32]"

    @classmethod
    def constant(cls, value: bytes, rows: int) -> "_Coded":
        return cls(pa.array([value], pa.binary()), np.zeros(rows, np.int32))

    @classmethod
    def of(cls, column: pa.DictionaryArray) -> "_Coded":
        """Null is one more value."""
        values = _joined(*_fields(column.dictionary))
        indices = column.indices.cast(pa.int32())
        if indices.null_count:
            indices = pc.fill_null(indices, len(values))
            values = pa.concat_arrays([values, pa.array([NULL.as_py()], pa.binary())])
        return cls(values, indices.to_numpy())

    def paired(self, other: "_Coded") -> "_Coded":
        ours = np.repeat(np.arange(len(self.values)), len(other.values))
        theirs = np.tile(np.arange(len(other.values)), len(self.values))
        pairs = _joined(self.values.take(pa.array(ours)), other.values.take(pa.array(theirs)))
        return _Coded(pairs, self.indices * np.int32(len(other.values)) + other.indices)

    def decoded(self) -> pa.Array:
        return self.values.take(pa.array(self.indices))


def _rows(batch: pa.RecordBatch) -> pa.Buffer:
    """All rows of a batch: the encoded columns joined row by row, which leaves the stream in one buffer.

    The join costs most, and by the number of its arguments: so neighbouring dictionaries become one dictionary
    of their pairs as long as that is small.
    """
    parts: list[_Coded | pa.Array] = [_Coded.constant(len(batch.schema).to_bytes(2, "big"), batch.num_rows)]
    for column in batch.columns:
        last = parts[-1]
        if not isinstance(column, pa.DictionaryArray):
            parts.extend(_fields(column))
        elif isinstance(last, _Coded) and len(last.values) * (len(column.dictionary) + 1) <= MOST_PAIRS:
            parts[-1] = last.paired(_Coded.of(column))
        else:
            parts.append(_Coded.of(column))
    joined = _joined(*(part.decoded() if isinstance(part, _Coded) else part for part in parts))
    _, offsets, data = joined.buffers()
    first, last = np.frombuffer(offsets, np.int32)[[joined.offset, joined.offset + len(joined)]]
    return data.slice(first, last - first)


def _joined(*parts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.call_function("binary_join_element_wise", [*parts, pa.scalar(b"", pa.binary())])


def _fields(column: pa.Array) -> list[pa.Array]:
    """The column as arrays of bytes that are to be joined: length and value, in one array or two."""
    if _is_bytes(column.type):
        size = pc.fill_null(pc.call_function("binary_length", [column]).cast(pa.int32()), -1)
        return [_packed(size, ">i4"), pc.fill_null(column.cast(pa.binary()), b"")]
    return [_fixed(column)]


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
