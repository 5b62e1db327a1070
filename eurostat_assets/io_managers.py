"""Where bytes rest: the three I/O managers, and nothing else decides a path or a table.

    raw_store      <store>/raw/dataset=HLTH_EHIS_HC7/<sha256, shortened>.json.gz|.json.zst, named by current.json beside it
    parquet_store  <store>/observations/dataset=HLTH_EHIS_HC7/observations.parquet, and _digest.json beside it
    table_store    table eurostat.hlth_ehis_hc7

What they are given is a finished file on the workbench; what they hand on is a description of the file in its place. The
store is a local folder or any fsspec address. A file appears under its name whole or not at all.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from upath import UPath

from eurostat_assets import metadata
from eurostat_assets.eurostat import RawJson, Release, check_code
from eurostat_assets.failures import NotStored, told
from eurostat_assets.jsonstat import ParquetFile
from eurostat_assets.model.addresses import without_secrets
from eurostat_assets.postgres import DatasetState, publish, states
from eurostat_assets.quality import Digest, digest
from eurostat_assets.resources import Mirror, progress

OVERLAP = timedelta(hours=2)
"""For how long, at most, two runs of one dataset are thought to overlap: a download may take an hour."""
DIGEST = "_digest.json"  # what begins with _ is no data to those who read folders of Parquet files
UNFINISHED = ".part"  # how the name of a file ends that is being written


@dataclass(frozen=True)
class StoredObservations:
    """A dataset's Parquet file in its place: whose it is, of which release, how many rows it has.

    `written`: what the file was told by when it was written, and `seconds` what reading the raw body took; None for a file
    of a time when that was not kept.
    """

    path: UPath
    dataset: str
    release: Release
    rows: int
    written: Digest | None = None
    seconds: float | None = None

    @classmethod
    def open(cls, path: UPath) -> StoredObservations:
        """What was noted beside the file when it was written; else, what the file says about itself in its footer."""
        try:
            noted = json.loads((path.parent / DIGEST).read_text())
        except FileNotFoundError:
            return cls._from_footer(path)
        written = Digest(noted["sha256"], noted["bytes"])
        release = Release.parse(noted["release"])
        return cls(path, noted["dataset"], release, noted["rows"], written, noted.get("seconds"))

    @classmethod
    def _from_footer(cls, path: UPath) -> StoredObservations:
        import pyarrow.parquet as pq

        with path.open("rb") as file, pq.ParquetFile(file) as parquet:
            about = json.loads(parquet.schema_arrow.metadata[b"jsonstat"])
            release = Release.from_wire(about["update_data"] or about["updated"], about["update_structure"])
            return cls(path, about["dataset"], release, parquet.metadata.num_rows)


class RawStore(dg.IOManager):
    """Keeps the newest body of each dataset as it was received, with its provenance.

    When two runs of a dataset overlap, the one with the older release leaves the newer one in place, and goes on with it.
    """

    def __init__(self, store: str) -> None:
        self._root = UPath(store) / "raw"

    def _folder(self, partition_key: str) -> UPath:
        return self._root / f"dataset={check_code(partition_key)}"

    def codes(self) -> set[str]:
        """The datasets that have a folder here."""
        return _codes(self._root)

    def handle_output(self, context: dg.OutputContext, obj: RawJson) -> None:
        with told(context.partition_key):
            folder = self._folder(context.partition_key)
            with _only_writer(folder):
                present = self._described(folder)
                if present and _latecomer(obj, present):
                    context.log.info(
                        f"Another run stored the newer release {present.release.version} meanwhile."
                    )
                    for part in obj.parts:
                        Path(str(part.path)).unlink()
                else:
                    present = self._store(folder, obj)
            uri = present.path if len(present.parts) == 1 else folder
            context.add_output_metadata({"dagster/uri": without_secrets(str(uri))})

    def load_input(self, context: dg.InputContext) -> RawJson:
        with told(context.partition_key):
            raw = self._described(self._folder(context.partition_key))
            if raw is None or not all(part.path.exists() for part in raw.parts):
                raise NotStored(context.partition_key, "raw_json")
            return raw

    def _store(self, folder: UPath, raw: RawJson) -> RawJson:
        bodies = [folder / f"{part.sha256[:16]}{_suffix(part.path)}" for part in raw.parts]
        for part, body in zip(raw.parts, bodies, strict=True):
            _into_place(Path(str(part.path)), body)
        # A body's name is new with its content, so this small file decides which bodies are current.
        stored = raw.with_path(*bodies)
        _write_into_place(folder / "current.json", stored.to_json())
        current = self._described(folder) or stored  # in an object store, another run's may be there by now
        keep = {path.name for path in (*stored.paths, *current.paths)} | {"current.json"}
        for old in folder.iterdir():
            if old.name not in keep and _abandoned(old):
                old.unlink(missing_ok=True)
        return stored

    @staticmethod
    def _described(folder: UPath) -> RawJson | None:
        """What is current, None where there is nothing."""
        try:
            return RawJson.from_json((folder / "current.json").read_text(), folder)
        except FileNotFoundError:
            return None


class ParquetStore(dg.IOManager):
    """Keeps one Parquet file of observations for each dataset; readers of the old file may finish with it.

    A file of an older release than the one in place is not kept; what follows in its run then works with the newer one.
    """

    def __init__(self, store: str) -> None:
        self._root = UPath(store) / "observations"

    def path(self, code: str) -> UPath:
        """Where the dataset's file is, or would be."""
        return self._root / f"dataset={check_code(code)}" / "observations.parquet"

    def codes(self) -> set[str]:
        """The datasets that have a folder here."""
        return _codes(self._root)

    def handle_output(self, context: dg.OutputContext, obj: ParquetFile) -> None:
        with told(context.partition_key):
            path = self.path(context.partition_key)
            with _only_writer(path.parent):
                if newer := _newer(path, _release(obj)):
                    context.log.info(f"Another run stored the newer release {newer.version} meanwhile.")
                    obj.path.unlink()
                else:
                    context.add_output_metadata(metadata.of_revision(path, obj.path))
                    noted = _noted(obj)
                    _into_place(obj.path, path)
                    _write_into_place(path.parent / DIGEST, noted)
            context.add_output_metadata({"dagster/uri": without_secrets(str(path))})

    def load_input(self, context: dg.InputContext) -> StoredObservations:
        with told(context.partition_key):
            path = self.path(context.partition_key)
            if not path.exists():
                raise NotStored(context.partition_key, "observations")
            return StoredObservations.open(path)


class TableStore(dg.IOManager):
    """Publishes a Parquet file of observations as the dataset's table, in the mirror's database."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def handle_output(self, context: dg.OutputContext, obj: StoredObservations) -> None:
        with told(context.partition_key):
            code = check_code(context.partition_key)
            publication = publish(
                self._mirror.database,
                obj.path,
                dataset=code,
                storage=self._mirror.storage,
                patience=replace(self._mirror.patience, report=context.log.warning),
                read_seconds=obj.seconds,
                on_progress=progress(context.log, f"{code}: loading", "rows"),
            )
            context.add_output_metadata(metadata.of_publication(publication))

    def load_input(self, context: dg.InputContext) -> DatasetState:
        with told(context.partition_key):
            code = check_code(context.partition_key)
            state = states(self._mirror.database).get(code)
            if state is None or state.release is None:
                raise NotStored(code, "published_table")
            return state


def _codes(root: UPath) -> set[str]:
    if not root.exists():
        return set()
    return {folder.name.removeprefix("dataset=") for folder in root.iterdir()}


def _latecomer(raw: RawJson, present: RawJson) -> bool:
    """Whether `raw` is older than what another run stored while it was on its way.

    What was stored long before does not count: it may have been held back, and Eurostat have gone back behind it.
    """
    return present.release.newer_than(raw.release) and present.fetched_at > raw.fetched_at - OVERLAP


def _newer(path: UPath, release: Release) -> Release | None:
    """The release of the Parquet file in place, where that is newer; a file that tells none is to be replaced."""
    try:
        present = StoredObservations.open(path).release if path.exists() else None
    except (ValueError, KeyError, TypeError):
        return None
    return present if present and present.newer_than(release) else None


@contextmanager
def _only_writer(folder: UPath) -> Iterator[None]:
    """One run at a time writes into this folder of a dataset, and first removes what a killed one had half written.

    On a local disk: an object store knows no such lock, and no file that is half there.
    """
    if not _is_local(folder):
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    locked = os.open(str(folder), os.O_RDONLY)
    try:
        fcntl.flock(locked, fcntl.LOCK_EX)
        for unfinished in Path(str(folder)).glob(f"*{UNFINISHED}"):
            unfinished.unlink(missing_ok=True)
        yield
    finally:
        os.close(locked)


def _abandoned(body: UPath) -> bool:
    """Whether no run can be about to name this body as a current one. In an object store, only its age tells."""
    return _is_local(body) or datetime.now(UTC) - body.fs.modified(body.path) > OVERLAP


def _is_local(path: UPath) -> bool:
    return path.protocol in ("", "file")


def _release(parquet: ParquetFile) -> Release:
    header = parquet.header
    return Release.from_wire(header.update_data, header.update_structure)


def _noted(parquet: ParquetFile) -> str:
    header, written, release = parquet.header, digest(parquet.path), _release(parquet)
    about = {"dataset": header.dataset, "release": release.version, "rows": parquet.rows}
    told_by = {"sha256": written.sha256, "bytes": written.bytes}
    return json.dumps({**about, "seconds": round(parquet.seconds, 3), **told_by}, indent=2)


def _suffix(path: Path | UPath) -> str:
    """`.json.gz` and the like."""
    return "".join(Path(path.name).suffixes[-2:])


def _into_place(finished: Path, place: UPath) -> None:
    """Move a finished local file to its place, on this disk, another one, or an object store."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not _is_local(place):
        place.fs.put_file(str(finished), place.path)
        finished.unlink()
        return
    try:
        finished.replace(str(place))
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = Path(f"{place}.{os.getpid()}{UNFINISHED}")
        shutil.copyfile(finished, beside)
        beside.replace(str(place))
        finished.unlink()


def _write_into_place(place: UPath, text: str) -> None:
    if not _is_local(place):
        place.write_text(text)
        return
    beside = Path(f"{place}.{os.getpid()}{UNFINISHED}")
    beside.write_text(text)
    beside.replace(str(place))
