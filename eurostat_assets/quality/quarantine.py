"""Where what was not understood is kept for a person to look at: nothing is dropped silently.

    <root>/dataset=HLTH_X/refused.json      which body was refused, why, where in it, how often
                          refused-<n>.json.gz …  the body's files
                          odd_periods.parquet    rows of a published release whose period is none

It speaks of the newest body only, and is empty again when one was read to the end without such a finding.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from eurostat_assets.quality.profile import Readable


class Quarantine:
    """The quarantine of all datasets, below `root` (a UPath)."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def folder(self, dataset: str) -> Any:
        """The dataset's own; it exists when there is something in it. `dataset` is a checked code."""
        return self._root / f"dataset={dataset}"

    def refused(self, dataset: str, bodies: Sequence[Any], story: Mapping[str, Any]) -> Any:
        """Keep the `bodies` (UPaths) that the reader refused, and the `story` (a JSON object with `sha256`) of why."""
        folder = self.folder(dataset)
        folder.mkdir(parents=True, exist_ok=True)
        told = folder / "refused.json"
        before = json.loads(told.read_text()) if told.exists() else {}
        again = before.get("sha256") == story["sha256"]
        kept = []
        for number, body in enumerate(bodies, start=1):
            place = folder / f"refused-{number}{''.join(body.suffixes[-2:])}"
            if not (again and place.exists()):
                _copy(body, place)
            kept.append(place.name)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        about = {**story, "files": kept, "times": before.get("times", 0) + 1 if again else 1, "last": now}
        told.write_text(json.dumps(about, indent=2))
        return folder

    def odd_periods(self, dataset: str, parquet: Readable, periods: Sequence[str]) -> Any:
        """Keep a copy of the rows of these `periods` of the file; they are published nevertheless."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        folder = self.folder(dataset)
        folder.mkdir(parents=True, exist_ok=True)
        with (
            parquet.open("rb") as source,
            pq.ParquetFile(source, pre_buffer=False) as file,
            (folder / "odd_periods.parquet").open("wb") as target,
            pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer,
        ):
            wanted = pc.field("time_period").cast("string").isin(list(periods))
            for group in range(file.num_row_groups):
                writer.write_table(file.read_row_group(group).filter(wanted))
        return folder

    def clear(self, dataset: str) -> None:
        """A body was read to the end."""
        folder = self.folder(dataset)
        if not folder.exists():
            return
        for one in folder.iterdir():
            one.unlink(missing_ok=True)
        with suppress(OSError):  # an object store has no folders
            folder.rmdir()


def _copy(body: Any, place: Any) -> None:
    """Without copying the bytes where both are on one local disk; the store replaces its files and never edits them."""
    if place.protocol not in ("", "file"):
        place.fs.copy(body.path, place.path)
        return
    place.unlink(missing_ok=True)
    try:
        os.link(str(body), str(place))
    except OSError:
        shutil.copyfile(str(body), str(place))
