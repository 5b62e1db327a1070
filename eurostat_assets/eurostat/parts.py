"""Files that are being written: under a temporary name, locked while their writer lives, gone when it fails.

A part is `CODE.<unique>.part`. The kernel drops a dead writer's lock: so the next part for the same code
tells litter from work, and sweeps it away.
"""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from eurostat_assets.eurostat.errors import DiskFull

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def part(folder: Path, code: str) -> Iterator[tuple[Path, BinaryIO]]:
    """A new, locked file for `code`, deleted at the end unless it was renamed. Raises DiskFull."""
    path: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, code)
        path, file = _new_part(folder, code)
        with file:
            yield path, file
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        written = path.stat().st_size if path else 0
        raise DiskFull(code, folder, needed=written, free=shutil.disk_usage(folder).free) from error
    finally:
        if path:
            path.unlink(missing_ok=True)


def _new_part(folder: Path, code: str) -> tuple[Path, BinaryIO]:
    while True:
        path = folder / f"{code}.{secrets.token_hex(6)}.part"
        file = path.open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        # Another process may have swept the file away in the moment before the lock.
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()


def _sweep(folder: Path, code: str) -> None:
    for path in folder.glob(f"{code}.*.part"):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
