"""Whether a file is still what was written: sha256 and size, taken then and now."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Any, Protocol

from eurostat_assets.quality.profile import Readable
from eurostat_assets.quality.verdict import Verdict

PIECE = 1 << 20
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Digest:
    """What a file is told by: `sha256` in hex, `bytes` in all."""

    sha256: str
    bytes: int


class Part(Protocol):
    """One raw body: `sha256` and `content_bytes` are of the uncompressed content."""

    @property
    def path(self) -> Any: ...  # a pathlib.Path or UPath
    @property
    def sha256(self) -> str: ...
    @property
    def content_bytes(self) -> int: ...


def digest(file: Readable) -> Digest:
    """Of the file as it is stored. Raises OSError."""
    with file.open("rb") as opened:
        return _digest(iter(lambda: opened.read(PIECE), b""))


def raw_intact(parts: tuple[Part, ...]) -> Verdict:
    """Every body still has the content that came from Eurostat. Raises OSError where one cannot be opened."""
    numbers: dict[str, Any] = {"files": len(parts), "bytes": sum(part.content_bytes for part in parts)}
    for part in parts:
        try:
            found = _digest(_content(part.path))
        except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            return _damaged("raw_intact", part.path.name, f"cannot be unpacked any more ({error})", numbers)
        if found != Digest(part.sha256, part.content_bytes):
            numbers |= {
                "sha256": found.sha256,
                "sha256 when downloaded": part.sha256,
                "bytes now": found.bytes,
            }
            what = f"is not the body that was downloaded ({found.bytes:,} bytes of {part.content_bytes:,})"
            return _damaged("raw_intact", part.path.name, what, numbers)
    return Verdict("raw_intact", True, f"{numbers['bytes']:,} bytes, as downloaded", numbers)


def parquet_intact(file: Readable, written: Digest | None) -> Verdict:
    """The file is what was `written`. Raises OSError where it cannot be opened."""
    if written is None:  # by an earlier version of this software
        return Verdict(
            "parquet_intact", True, "no digest was kept when the file was written", severity="warn"
        )
    found = digest(file)
    numbers = {"sha256": found.sha256, "bytes": found.bytes}
    if found == written:
        return Verdict("parquet_intact", True, f"{found.bytes:,} bytes, as written", numbers)
    numbers |= {"sha256 when written": written.sha256, "bytes when written": written.bytes}
    what = f"is not the file that was written ({found.bytes:,} bytes of {written.bytes:,})"
    return _damaged("parquet_intact", file.name, what, numbers)


def _damaged(check: str, name: str, what: str, numbers: dict[str, Any]) -> Verdict:
    return Verdict(check, False, f"{name} in the store {what}: it was changed, cut or damaged there", numbers)


def _digest(pieces: Iterator[bytes]) -> Digest:
    hashed, size = hashlib.sha256(), 0
    for piece in pieces:
        hashed.update(piece)
        size += len(piece)
    return Digest(hashed.hexdigest(), size)


def _content(file: Readable) -> Iterator[bytes]:
    """The uncompressed content of a plain, gzip or zstd file."""
    with file.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        with closing(_unpacked(raw, magic)) as stream:
            while piece := stream.read(PIECE):
                yield piece


def _unpacked(raw: IO[bytes], magic: bytes) -> Any:
    if magic.startswith(GZIP_MAGIC):
        return gzip.GzipFile(fileobj=raw, mode="rb")
    if magic == ZSTD_MAGIC:
        import pyarrow as pa

        return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
    return raw
