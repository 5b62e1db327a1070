"""The world of publishers and servers: an embedded server with watched tables, people who read them, and the verdict.

It lives on from round to round in the folder of the series, so that whatever wears out has a thousand kills to do so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg2 import sql

from eurostat_assets.postgres import EmbeddedPostgres, Storage, migrate, publish
from eurostat_assets.postgres.bulk import load_parquet
from eurostat_assets.postgres.bulk_transactions import Mode
from eurostat_assets.postgres.roles import LOADER, READER, initialise_roles, prepare_schema
from eurostat_assets_tests.endure import leftovers
from eurostat_assets_tests.endure.readers import Readers
from eurostat_assets_tests.endure.releases import (
    APPENDED,
    CODED,
    REPLACED,
    SCHEMA,
    SCOPED,
    TEXTS,
    WATCHED,
    Watched,
    code_of,
    groups_of,
    write_release,
)
from eurostat_assets_tests.endure.rounds import Round

PASSWORD = "endure"
STORAGE = {TEXTS: Storage(), CODED: Storage(codes="smallint")}
MODES: dict[Watched, Mode] = {REPLACED: "replace", SCOPED: "scope", APPENDED: "append"}
SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND application_name <> 'endure reader'
"""
Numbers = dict[int, set[int]]
"""Which releases each part of a table has."""


@dataclass
class Core:
    """The server and its tables. `numbers`: the highest that was tried of each table."""

    round: Round
    server: EmbeddedPostgres
    tried: dict[Watched, int] = field(default_factory=dict)
    readers: Readers | None = None
    pids: set[int] = field(default_factory=set)
    shared: set[Path] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        return self.server.folder.parent

    @property
    def said(self) -> Path:
        """What victims say."""
        return self.folder / "said.log"

    def start(self) -> None:
        """Start the server, which must come up by itself."""
        self.server.start()
        pid = self.server.status().pid
        if pid:
            self.pids.add(pid)
            self.shared |= leftovers.shared_memory_of(pid)
        (self.folder / "address").write_text(self.url(READER))

    def url(self, role: str | None = None) -> str:
        """The address of the database, of the superuser by default."""
        url = self.server.url("eurostat")
        if role is None:
            return url
        parts = urlsplit(url)
        return parts._replace(netloc=f"{role}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()

    def load(self, table: Watched, number: int, part: int = 0, jobs: int = 1) -> None:
        """Publish or load this release, as the loader. For this process or a victim."""
        file = write_release(self.folder, table, number, part)
        self.load_file(file, self.url(LOADER), table, part, jobs)
        file.unlink()

    def load_file(self, file: Path, url: str, table: Watched, part: int = 0, jobs: int = 1) -> None:
        """The same, of a file that is there."""
        if table.observations:
            publish(url, file, dataset=code_of(table), storage=STORAGE[table])
        else:
            scope = f"part = {part}" if table is SCOPED else None
            load_parquet(url, [file], table.name, mode=MODES.get(table, "create"), scope=scope, jobs=jobs)

    def next(self, table: Watched) -> int:
        """The number of the next release."""
        self.tried[table] = self.tried.get(table, 0) + 1
        return self.tried[table]

    def numbers(self, table: Watched) -> Numbers:
        """Which releases are there, each of them whole."""
        with closing(psycopg2.connect(self.url())) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NULL", (table.name,))
            if cursor.fetchone() == (True,):
                return {}
            cursor.execute(groups_of(table.cells))
            groups = cursor.fetchall()
        self.round.fault(*table.problems(groups))
        found: Numbers = {}
        for part, number, rows, *_ in groups:
            found.setdefault(part, set()).add(number)
            self.round.cells += rows * 4
        return found

    def judge(self, table: Watched, part: int, number: int, before: Numbers, code: int) -> None:
        """Compare with what it was before somebody tried to load `number` and ended with this exit code."""
        self.wait_for_sessions()
        after = self.numbers(table)
        kept = before.get(part, set()) if table.holds == "all" else set()
        new = before | {part: kept | {number}}
        if after not in (before, new):
            self.round.fault(f"{table.name}: {after} after {before}, when {number} was tried for part {part}")
        if code == 0 and after != new:
            self.round.fault(f"{table.name}: {number} was reported as done, and {after} is there")
        if code == 0 and self.readers:
            self.readers.reported(table, number, part)

    def wait_for_sessions(self) -> None:
        """Until the server has noticed that the dead are gone, which ends their transactions one way or the other."""
        with closing(psycopg2.connect(self.url())) as connection, connection.cursor() as cursor:
            connection.autocommit = True

            def nobody() -> bool:
                cursor.execute(SESSIONS)
                return cursor.fetchone() == (0,)

            if not leftovers.wait_until(nobody, 120):
                self.round.fault("the session of a dead process is still there after two minutes")

    def load_whole(self, table: Watched) -> float:
        """Load the next release of every part and compare it cell for cell; returns the seconds of one."""
        seconds = 0.0
        for part in range(table.parts):
            number, began = self.next(table), time.monotonic()
            before = self.numbers(table)
            self.load(table, number, part)
            seconds = time.monotonic() - began
            self.judge(table, part, number, before, 0)
        self._compare(table)
        return seconds

    def _compare(self, table: Watched) -> None:
        files = [
            write_release(self.folder, table, number, part)
            for part, numbers in self.numbers(table).items()
            for number in numbers
        ]
        wanted = pa.concat_tables([pq.read_table(file) for file in files], promote_options="permissive")
        columns = wanted.column_names
        with closing(psycopg2.connect(self.url())) as connection, connection.cursor() as cursor:
            select = sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*table.name.split("."))
            )
            cursor.execute(select)
            there = sorted(cursor.fetchall(), key=repr)
        rows = sorted(zip(*(column.to_pylist() for column in wanted.columns), strict=True), key=repr)
        self.round.cells += len(rows) * len(columns)
        if there != rows:
            odd = len(set(map(repr, there)) ^ set(map(repr, rows)))
            self.round.fault(f"{table.name}: {odd} rows differ from what was loaded")
        for file in files:
            file.unlink(missing_ok=True)


def last_words(world: Core) -> str:
    """The last line that a victim has said."""
    lines = world.said.read_text(errors="replace").strip().splitlines() if world.said.exists() else []
    return lines[-1] if lines else "it said nothing"


@contextmanager
def core(
    current: Round,
    folder: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Core]:
    """The world for a round: everything runs and is whole at its start, and is looked at with the greatest care at its end.

    `folder`: another one than that of the series; `settings`: of the server.
    """
    folder = folder or current.folder / "core"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    # A kill is no power failure: what the server has handed to the system is there.
    world = Core(current, EmbeddedPostgres(folder / "server", settings={"fsync": "off", **(settings or {})}))
    try:
        with current.keeping_evidence(lambda: _logs(world)):
            world.start()
            _prepare(world)
            world.readers = Readers(folder / "address", current.seed)
            yield world
            for table in WATCHED:
                world.load_whole(table)
            _end(world)
    finally:
        if world.readers:
            world.readers.stop()
        world.server.stop()
        for file in folder.glob("*.parquet"):
            file.unlink()
        world.said.unlink(missing_ok=True)


def _prepare(world: Core) -> None:
    """Every table is there, and what was appended in earlier rounds goes."""
    migrate(world.url())
    initialise_roles(world.url(), loader_password=PASSWORD, reader_password=PASSWORD)
    prepare_schema(world.url(), SCHEMA)
    for table in WATCHED:
        numbers = world.numbers(table)
        world.tried[table] = max((number for part in numbers.values() for number in part), default=0)
        number = world.next(table)
        if numbers and table is APPENDED:
            file = write_release(world.folder, table, number)
            load_parquet(world.url(LOADER), [file], table.name, mode="replace")
        for part in range(table.parts if not numbers else 0):
            world.load(table, number, part)
        with closing(psycopg2.connect(world.url())) as connection, connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE OR REPLACE VIEW {table.view} AS {table.cells}")
            cursor.execute(f"GRANT SELECT ON {table.view} TO {READER}")


def _end(world: Core) -> None:
    """Nobody is at work any more: what is left?"""
    current = world.round
    if world.readers:
        found, world.readers = world.readers.stop(), None
        current.reads += found.reads.total()
        current.fault(*found.faults)
    world.wait_for_sessions()
    current.fault(*leftovers.in_database(world.url()))
    world.server.stop()
    world.start()  # removes what a crash has left
    current.fault(*leftovers.unnamed_files(world.url(), world.server.data))
    world.server.stop()
    current.fault(*leftovers.processes_left(world.folder, world.server.data))
    current.fault(*leftovers.shared_memory_left(world.pids, world.shared))


def _logs(world: Core) -> list[Path]:
    return [world.said, world.server.log, world.server.log.with_suffix(".log.before")]
