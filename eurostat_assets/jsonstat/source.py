"""Where the text comes from: a plain, gzip or zstd file, told apart by its first bytes, not by its name.

Offsets everywhere else in this room are offsets in the *uncompressed* text.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import IO, Any, Protocol, cast

from eurostat_assets.jsonstat.errors import CorruptSource
from eurostat_assets.model.bounds import RATIO, inflates

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
CHUNK = 1 << 18


class Source(Protocol):
    """Anything that opens as bytes, again and again: a `pathlib.Path`, a `UPath`."""

    def open(self, mode: str, /) -> Any: ...


class Readable(Protocol):
    """A stream of bytes: what `read` returns is empty only at its end, or when nothing was asked for."""

    def read(self, size: int, /) -> bytes: ...


class Progress:
    """How far the readers of some regions are, told to `report(done, total)` in bytes of the raw file.

    `size` is the length of those regions in the uncompressed text, `raw_size` that of several files together."""

    def __init__(self, report: Callable[[int, int], None], size: int, raw_size: int | None = None) -> None:
        self._report = report
        self._size = size
        self._raw_size = raw_size
        self._read = 0

    def advance(self, count: int, raw_size: int) -> None:
        self._read += count
        total = self._raw_size or raw_size
        self._report(total * self._read // self._size, total)


def raw_size(source: Source) -> int:
    """Bytes of the file, compressed or not."""
    with source.open("rb") as raw:
        return raw.seek(0, 2)


class Text:
    """The uncompressed text of `source` from `start` up to `end`, as a readable stream.

    A plain file is positioned by seeking, a compressed one by decompressing up to `start`.
    Raises `CorruptSource` where the compressed stream breaks, or swells beyond what any text does.
    """

    def __init__(
        self, source: Source, start: int = 0, end: int | None = None, progress: Progress | None = None
    ) -> None:
        self._raw: IO[bytes] = source.open("rb")
        self._raw_size = self._raw.seek(0, 2)
        self._progress = progress
        self._raw.seek(0)
        magic = self._raw.read(4)
        self._raw.seek(0)
        self._stream = _decompressed(self._raw, magic)
        self._size = 0  # of the text so far
        self._left = None if end is None else end - start
        if self._stream is self._raw:
            self._raw.seek(start)
        else:
            self._skip(start)

    def read(self, size: int = CHUNK) -> bytes:
        """Up to `size` bytes; empty only at the end. Raises `CorruptSource` if that comes before `end`."""
        if self._left is not None:
            size = min(size, self._left)
        chunk = self._decompress(size)
        if self._left is not None:
            self._left -= len(chunk)
            if size and not chunk:
                raise CorruptSource("the file has become shorter while it was read")
        if self._progress is not None:
            self._progress.advance(len(chunk), self._raw_size)
        return chunk

    def close(self) -> None:
        self._raw.close()

    def __enter__(self) -> Text:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _skip(self, size: int) -> None:
        while size > 0:
            chunk = self._decompress(min(size, CHUNK))
            if not chunk:
                return
            size -= len(chunk)

    def _decompress(self, size: int) -> bytes:
        if self._stream is self._raw:
            return self._raw.read(size)
        try:
            chunk = self._stream.read(size)
        except (OSError, EOFError, zlib.error) as broken:
            if getattr(broken, "errno", None):
                raise  # of the disk, not of the stream
            raise CorruptSource(f"the compressed stream is damaged or cut off ({broken})") from broken
        self._size += len(chunk)
        if inflates(self._size, read := self._raw.tell()):
            raise CorruptSource(f"the text swells to more than {RATIO} times {read:,} bytes of its file")
        return chunk


def _decompressed(raw: IO[bytes], magic: bytes) -> IO[bytes]:
    if magic.startswith(GZIP_MAGIC):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))
    if magic == ZSTD_MAGIC:
        import pyarrow as pa

        return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"))
    return raw
