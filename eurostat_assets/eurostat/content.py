"""A body on its way from wire to disk: kept as received when it came compressed, else compressed on the way.

What is hashed and counted is the uncompressed content, so that the same data have the same hash whatever the
transport. Nothing here knows HTTP or JSON-stat.
"""

import hashlib
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from eurostat_assets.eurostat.errors import CutShort

_GZIP = b"\x1f\x8b"
_PIECE = 2**20
_MEMBERS, _BYTES_PER_MEMBER = 1000, 1024  # of gzip; writers that make many put 64 kB into each


@dataclass
class Content:
    """What went by: `size` in bytes, `sha256`, and the first `head_size` bytes as `head`."""

    head_size: int
    size: int = 0
    head: bytes = b""
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.size += len(piece)
        if len(self.head) < self.head_size:
            self.head += piece[: self.head_size - len(self.head)]

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def store(
    blocks: Iterable[bytes],
    file: BinaryIO,
    content: Content,
    on_progress: Callable[[int], None],
    dataset: str,
    check: Callable[[int, int], None],
) -> str:
    """Write wire bytes to `file`, account for their content, return the suffix: `.gz` or `.zst`.

    `on_progress` gets the bytes received so far; `check` the bytes of content and of `file` so far, and may raise. Raises
    CutShort for an incomplete or broken gzip.
    """
    gzipped, blocks = _sniffed(_counted(blocks, on_progress))
    pieces = _gunzipped(_kept(blocks, file), dataset) if gzipped else _compressed(blocks, file)
    with closing(pieces):
        for piece in pieces:
            content.add(piece)
            check(content.size, file.tell())
    file.flush()
    return ".gz" if gzipped else ".zst"


def plain(blocks: Iterable[bytes], dataset: str | None) -> Iterator[bytes]:
    """The uncompressed content of wire bytes, in pieces. Raises CutShort as `store` does."""
    gzipped, blocks = _sniffed(blocks)
    return _gunzipped(blocks, dataset) if gzipped else iter(blocks)


def _sniffed(blocks: Iterable[bytes]) -> tuple[bool, Iterable[bytes]]:
    """Whether gzip comes: the first two bytes decide, as the header may be missing or lie."""
    blocks = iter(blocks)
    first = b""
    while len(first) < len(_GZIP) and (block := next(blocks, b"")):
        first += block
    return first.startswith(_GZIP), chain([first], blocks)


def _gunzipped(blocks: Iterable[bytes], dataset: str | None) -> Generator[bytes, None, None]:
    decoder = zlib.decompressobj(wbits=31)
    members, size = 1, 0
    try:
        for block in blocks:
            rest = block
            while rest:
                # A gzip stream may hold several members, one after another.
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits=31)
                    members += 1
                    if members > _MEMBERS + size // _BYTES_PER_MEMBER:
                        raise CutShort(
                            "the compressed body has members with nothing in them", dataset=dataset
                        )
                piece = decoder.decompress(rest, _PIECE)
                size += len(piece)
                yield piece
                rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    except zlib.error as error:
        raise CutShort(f"the compressed body is broken ({error})", dataset=dataset) from error
    if not decoder.eof:
        raise CutShort("the compressed body is not complete", dataset=dataset)


def _counted(blocks: Iterable[bytes], on_progress: Callable[[int], None]) -> Iterator[bytes]:
    received = 0
    for block in blocks:
        received += len(block)
        yield block
        on_progress(received)


def _kept(blocks: Iterable[bytes], file: BinaryIO) -> Iterator[bytes]:
    for block in blocks:
        file.write(block)
        yield block


def _compressed(blocks: Iterable[bytes], file: BinaryIO) -> Generator[bytes, None, None]:
    """The blocks, written to `file` as zstd at Arrow's default level, which is 1."""
    import pyarrow as pa

    with pa.CompressedOutputStream(pa.PythonFile(_Lent(file), mode="w"), "zstd") as compressed:
        for block in blocks:
            compressed.write(block)
            yield block


class _Lent:
    """A file for Arrow, which closes what it writes to; the owner still needs it, for its lock."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush

    def close(self) -> None:
        pass
