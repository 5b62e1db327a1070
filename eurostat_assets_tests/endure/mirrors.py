"""The world of whole trees of processes: a home with a mirror of an invented Eurostat, who reads it, and the verdict.

Which release a table is follows from its rows: the source tells its truth of each release before anybody can fetch it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg2

from eurostat_assets import access, ports, resources, sandbox
from eurostat_assets.postgres import EmbeddedPostgres, PostgresError
from eurostat_assets.settings import Settings
from eurostat_assets_tests.endure import leftovers
from eurostat_assets_tests.endure.rounds import Round
from eurostat_assets_tests.mirroring import table, truth

THEME = "HLTH_RS_BDS"
INCLUDED = ("HLTH_CD_ARO",)
CODES = (THEME, *INCLUDED)
LATENCY = 0.3
"""Seconds that the source takes for an answer, so that kills meet downloads."""
SECONDS_TO_END = 300
LEASES = """
SELECT count(*) FILTER (WHERE expires_at >= clock_timestamp()), count(*) FILTER (WHERE expires_at < clock_timestamp())
FROM eurostat.run_leases WHERE expired_at IS NULL
"""
Rows = list[str]


@dataclass
class Mirror:
    """The home. `truths`: the rows of each release of a dataset, oldest first; `usual`: the seconds of a `sync`."""

    round: Round
    settings: Settings
    source: sandbox.Running
    truths: dict[str, list[Rows]] = field(default_factory=dict)
    reported: dict[str, int] = field(default_factory=dict)
    usual: float = 0

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def said(self) -> Path:
        return self.home / "said.log"

    @property
    def server(self) -> EmbeddedPostgres:
        server = resources.embedded_server(self.settings)
        assert server is not None
        return server

    def environment(self) -> Mapping[str, str]:
        """That of the commands of this home."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EUROSTAT_", "DAGSTER_"))
        }
        ours = self.settings.model_dump(include=self.settings.model_fields_set, mode="json")
        return clean | {
            f"EUROSTAT_{name.upper()}": ",".join(value) if isinstance(value, list) else str(value)
            for name, value in ours.items()
        }

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command of the product; what it says goes to `said`."""
        with self.said.open("ab") as said:
            return subprocess.Popen(
                [Path(sys.executable).with_name("eurostat-assets"), *words],
                env=dict(self.environment()),
                cwd=self.home,  # where `db start` may write its .env
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def run(self, *words: str) -> bool:
        """Run a command to its end; a fault where it fails."""
        command = self.start(*words)
        try:
            code = command.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()
            code = "no end"
        if code:
            self.round.fault(f"`{' '.join(words)}` ended with {code}: {self.last_words()}")
        return not code

    def last_words(self) -> str:
        return " / ".join(self.said.read_text(errors="replace").strip().splitlines()[-3:])

    def release(self, *codes: str) -> None:
        """Publish new releases at the source."""
        self.source.release(*codes)
        for code in codes:
            self.truths[code].append(_rows(truth(self.source.cells(code))))

    def mirror_all(self) -> None:
        """Bring every dataset up to date, by a command of its own; readers then see the newest."""
        began = time.monotonic()
        if self.run("sync", "--all"):
            self.all_reported()
        self.usual = time.monotonic() - began

    def all_reported(self) -> None:
        """A `sync` of everything has reported that it is done: from now on nobody may see anything older."""
        for code in CODES:
            self.reported[code] = len(self.truths[code]) - 1

    def look(self, address: str, seen: dict[str, int]) -> dict[str, int]:
        """Read every table; returns which release each is of."""
        found = {}
        for code in CODES:
            least = max(seen.get(code, 0), self.reported.get(code, 0))
            rows = _rows(table(address, code))
            known = [n for n, truth in enumerate(self.truths[code]) if truth == rows]
            self.round.reads += 1
            self.round.cells += len(rows) * 4
            if not known:
                self.round.fault(f"{code}: its {len(rows)} rows are those of no release")
            elif known[-1] < least:
                self.round.fault(f"{code}: release {known[-1]} is there after {least}")
            found[code] = known[-1] if known else least
        return found

    def end_of(self, leader: subprocess.Popen[bytes]) -> int | None:
        """Wait for the end of a tree: of its leader, and of all that it started but the database server."""
        try:
            code = leader.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.round.fault(f"process {leader.pid} has not ended in {SECONDS_TO_END} s: {self.last_words()}")
            leader.kill()
            code = leader.wait()
        if not leftovers.wait_until(lambda: not self.members()):
            self.round.fault(f"left after the end of its leader: {', '.join(map(str, self.members()))}")
        return code

    def members(self) -> list[str]:
        """The processes of this home but for the database server's, in words."""
        found = []
        for process in leftovers.processes(self.home):
            with suppress(Exception):
                if "postgres" not in process.name():
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
        return found


@contextmanager
def mirror(current: Round, folder: Path | None = None) -> Iterator[Mirror]:
    """The world for a round: a whole mirror at its start, and looked at with the greatest care at its end.

    `folder`: another one than that of the series.
    """
    folder = folder or current.folder / "mirror"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    with sandbox.running(folder / "source", "tests", port=_port(folder), latency=LATENCY) as source:
        values = {
            "home": folder / "home", "api_url": source.api_url, "theme": THEME, "theme_include": INCLUDED,
            "database_url": "", "store_url": "", "poll_interval": 2, "request_interval": 2, "request_pace": 0,
            "retry_after": 2, "parallel_runs": 2, "webserver_port": ports.free(),
        }  # fmt: skip
        world = Mirror(current, Settings(_env_file=None, **values), source)  # type: ignore[arg-type]
        world.home.mkdir(exist_ok=True)
        stopped = threading.Event()
        try:
            with current.keeping_evidence(lambda: _logs(world)):
                world.truths = {code: [_rows(truth(source.cells(code)))] for code in CODES}
                world.mirror_all()
                reader = threading.Thread(target=_read_on, args=(world, stopped), daemon=True)
                reader.start()
                yield world
                world.mirror_all()
                _await_leases(world)
                world.look(
                    access.reader_url(world.settings), {code: len(world.truths[code]) - 1 for code in CODES}
                )
                stopped.set()
                reader.join(SECONDS_TO_END)
                _end(world)
        finally:
            stopped.set()
            for process in leftovers.processes(world.home):
                with suppress(psutil.Error):
                    process.kill()
            world.server.stop()
            world.said.unlink(missing_ok=True)


def _await_leases(world: Mirror) -> None:
    """Until those of the dead have run out, and then the next `sync` finds them."""
    if not leftovers.wait_until(lambda: _leases(world)[0] == 0, SECONDS_TO_END):
        world.round.fault("somebody holds a lease, and nobody is at work")
    if _leases(world)[1]:
        world.release(CODES[0])
        world.mirror_all()


def _leases(world: Mirror) -> tuple[int, int]:
    """How many leases are held, and how many have run out and were not yet found."""
    owner = resources.owner_url(world.settings, resources.MIRROR_DATABASE)
    with closing(psycopg2.connect(owner)) as connection, connection.cursor() as cursor:
        cursor.execute(LEASES)
        ((held, ran_out),) = cursor.fetchall()
    return held, ran_out


def _end(world: Mirror) -> None:
    """Nobody is at work any more: what is left?"""
    current = world.round
    world.run("audit", "--deep")
    owner = resources.owner_url(world.settings, resources.MIRROR_DATABASE)
    current.fault(*leftovers.in_database(owner))
    folders = (world.home / "store", world.settings.scratch)
    files = [
        path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != "lock"
    ]
    if len(files) > 4 * len(CODES):
        current.fault(
            f"files that nobody needs: {', '.join(str(file.relative_to(world.home)) for file in files)}"
        )
    world.run("db", "stop")
    world.server.start()  # removes what a crash has left
    current.fault(*leftovers.unnamed_files(owner, world.server.data))
    world.server.stop()
    current.fault(*leftovers.processes_left(world.home))


def _read_on(world: Mirror, stopped: threading.Event) -> None:
    """Read without pause; a lost connection is no fault, and what was not yet reported may be lost with the server."""
    address, seen = access.reader_url(world.settings), dict[str, int]()
    while not stopped.is_set():
        try:
            seen = world.look(address, seen)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            seen = {}
            time.sleep(0.2)
            with suppress(PostgresError):
                address = access.reader_url(world.settings)  # its port may be another one
        except psycopg2.Error as error:
            world.round.fault(f"a reader was refused: {error.pgcode} {error}")


def _rows(rows: list[tuple]) -> Rows:
    return sorted(map(repr, rows))


def _port(folder: Path) -> int:
    """The source's port, the same in every round: a mirror is of one source."""
    file = folder / "source.port"
    if not file.exists():
        file.write_text(str(ports.free()))
    return int(file.read_text())


def _logs(world: Mirror) -> list[Path]:
    log = world.server.log
    return [world.said, log, log.with_suffix(".log.before"), *world.home.glob("logs/*.log")]
