"""A full disk under a running platform: what its person is told, when the ballast goes, when all is well again.

Not here: whether a load fits (room.py), how the server is started again (supervisor.py), the alarms (watching.py).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from eurostat_assets import resources, room
from eurostat_assets.postgres.ballast import FULL
from eurostat_assets.room import megabytes
from eurostat_assets.settings import Settings

SECONDS_BETWEEN_LOOKS = 2.0


class FullDisks:
    """Looks at the disks of a home, and remembers those that were full."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._tell = tell
        self._server = resources.embedded_server(settings)
        self._enough: dict[
            int, float
        ] = {}  # of each full disk, how much has to be free until it is not any more
        self._looked = -SECONDS_BETWEEN_LOOKS

    def look(self) -> None:
        """Give up the ballast where the disk has become full, make it again where there is room, and say so."""
        if time.monotonic() - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = time.monotonic()
        for folder in room.folders(self._settings):
            usage, disk = shutil.disk_usage(folder), folder.stat().st_dev
            if disk not in self._enough and usage.free < FULL:
                freed = self._give_up_ballast(disk)
                self._enough[disk] = max(2 * FULL + freed, room.reserve(self._settings, usage.total))
                given = (
                    f" {megabytes(freed)} of ballast were given up, so that PostgreSQL can work."
                    if freed
                    else ""
                )
                self._tell(
                    f"The disk under {folder} is full ({megabytes(usage.free)} free): free some space.{given}"
                    " Nothing is loaded until then, and what is published stays; all goes on by itself."
                )
            elif disk in self._enough and usage.free >= self._enough[disk]:
                del self._enough[disk]
                self._tell(f"There is room again under {folder} ({megabytes(usage.free)} free).")
        if self._server and self._server.exists and not self._enough:
            self._server.ballast.restore()

    def _give_up_ballast(self, disk: int) -> int:
        """The bytes that this freed on the disk of that number."""
        if self._server is None or not self._server.exists or self._server.data.stat().st_dev != disk:
            return 0
        return self._server.ballast.give_up()
