"""Ballast: a file of no content on the embedded server's disk, given up when that is full so that the server can work.

A server that cannot write its log of changes stops, and does not start again before it can. Here: the file, how large it is,
when it goes and comes back. Not here: who looks at the disk how often, and what a person is told.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from eurostat_assets.postgres.unprivileged import give_to_owner

FULL = 32_000_000
"""A disk is full below so many free bytes: two segments of the server's log of changes."""
SHARE = 0.01
"""Of what is free, the most that the file takes."""
LEAST = 8_000_000
"""Less would help nothing, so a small disk has none."""


@dataclass(frozen=True)
class Ballast:
    """The file of at most `most` bytes for the cluster in `data`."""

    data: Path
    most: int

    @property
    def file(self) -> Path:
        """Beside the cluster, so on its disk."""
        return self.data.parent / "ballast"

    def give_up(self) -> int:
        """Remove the file where the disk is full; returns the bytes that this freed."""
        if not is_full(self.data.parent):
            return 0
        try:
            size = self.file.stat().st_size
            self.file.unlink()
        except OSError:
            return 0
        return size

    def restore(self) -> int:
        """Make the file where there is none and enough is free; returns its bytes, 0 where nothing was made."""
        size = min(self.most, int(shutil.disk_usage(self.data.parent).free * SHARE))
        if size < LEAST or self.file.exists():
            return 0
        making = self.file.with_suffix(".part")
        try:
            with making.open("wb") as file:
                # Real blocks: a file with holes would free nothing.
                os.posix_fallocate(file.fileno(), 0, size)
            give_to_owner(making, self.data.parent)
            making.replace(self.file)
        except (OSError, AttributeError):  # filled up in the meantime, a file system that cannot, or macOS
            with contextlib.suppress(OSError):
                making.unlink(missing_ok=True)
            return 0
        return size


def is_full(folder: Path) -> bool:
    """Whether the disk of `folder` is full; one that does not exist, as where its link leads nowhere, is on no disk."""
    return folder.exists() and shutil.disk_usage(folder).free < FULL
