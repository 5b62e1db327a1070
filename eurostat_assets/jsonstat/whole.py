"""A file that appears under its name whole or not at all.

It is written beside its target under a hidden name, locked while its writer lives. The kernel drops the lock of a dead
writer, so the next one can tell what was left behind from what is being written, and removes it.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_or_nothing(target: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `target` when the block ends, and goes when it fails."""
    _sweep(target)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(6)}.partial")
    try:
        with partial.open("xb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield partial
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    for partial in target.parent.glob(f".{target.name}.*.partial"):
        with suppress(FileNotFoundError, BlockingIOError), partial.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()
