"""Kills of the database server, or of one of its processes, while somebody loads; it must come up again by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import psycopg2

from eurostat_assets.postgres import DatabaseUnavailable, ServerStopped
from eurostat_assets.postgres.postmaster import PID_FILE
from eurostat_assets.postgres.roles import LOADER
from eurostat_assets_tests.endure.core import STORAGE, Core, Numbers, last_words
from eurostat_assets_tests.endure.leftovers import wait_until
from eurostat_assets_tests.endure.releases import APPENDED, WATCHED, Watched, write_release
from eurostat_assets_tests.endure.victims import RAISED, start, wait

SECONDS_TO_COME_UP = 180
SECONDS_TO_GIVE_UP = 180
"""For a loader whose server is gone."""
SHARE_AT_WORK = 0.8
"""Of the kills, those before which the loader is let come as far as to be connected."""
AT_WORK = """
SELECT pid, CASE WHEN state = 'active' THEN split_part(ltrim(query, E' \n'), ' ', 1) ELSE 'nothing' END FROM pg_stat_activity
WHERE application_name = 'eurostat-assets' AND datname = current_database() AND backend_type = 'client backend'
ORDER BY state = 'active' DESC LIMIT 1
"""


def servers(world: Core, kills: int) -> None:
    """Kill servers."""
    tables = [table for table in WATCHED if table is not APPENDED]
    usual = max(world.load_whole(table) for table in STORAGE)
    current, goal = world.round, world.round.done + kills
    while current.done < goal:
        attempt = Attempt.of(world, current.chance.choice(tables))
        if current.chance.random() < SHARE_AT_WORK:
            _await_session(world, usual)
        time.sleep(current.chance.uniform(0, usual))
        name, kill = current.chance.choice(list(WAYS.items()))
        doing = kill(world)
        come_up(world, name)
        attempt.end(world, f"{name} was killed")
        current.count(f"{name}, during {doing}")


@dataclass(frozen=True)
class Attempt:
    """A loader at work in a process of its own, which may fail, as its server will, but must end and say why."""

    table: Watched
    part: int
    number: int
    before: Numbers
    file: Path
    loader: int

    @classmethod
    def of(cls, world: Core, table: Watched) -> Attempt:
        """Begin to load the next release."""
        part, number, before = (
            world.round.chance.randrange(table.parts),
            world.next(table),
            world.numbers(table),
        )
        file, url = write_release(world.round.folder, table, number, part), world.url(LOADER)
        loader = start(partial(world.load_file, file, url, table, part), world.said)
        return cls(table, part, number, before, file, loader)

    def end(self, world: Core, when: str) -> None:
        """Compare what is there with what was, once the loader has ended and the server is up."""
        code = self._wait(world, when)
        if code == RAISED:
            world.round.fault(f"a loader ended with a traceback when {when}: {last_words(world)}")
        world.judge(self.table, self.part, self.number, self.before, code)
        self.file.unlink()

    def _wait(self, world: Core, when: str) -> int:
        ended: list[int] = []

        def looked() -> bool:
            pid, status = os.waitpid(self.loader, os.WNOHANG)
            if pid:
                ended.append(os.waitstatus_to_exitcode(status))
            return bool(pid)

        if not wait_until(looked, SECONDS_TO_GIVE_UP):
            world.round.fault(f"a loader has not ended {SECONDS_TO_GIVE_UP} s after {when}")
            os.kill(self.loader, signal.SIGKILL)
            return wait(self.loader)
        return ended[0]


def come_up(world: Core, name: str) -> None:
    """See to it that the server answers again, by nothing but a start."""
    if not wait_until(lambda: is_up(world), SECONDS_TO_COME_UP):
        world.round.fault(f"after the end of {name} the server answers nobody for {SECONDS_TO_COME_UP} s")


def _postmaster(world: Core) -> str:
    doing = _at_work(world)[1]
    os.kill(_pid(world), signal.SIGKILL)
    return doing


def _everything(world: Core) -> str:
    doing = _at_work(world)[1]
    postmaster = psutil.Process(_pid(world))
    for process in (postmaster, *postmaster.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return doing


def _backend(world: Core) -> str:
    pid, doing = _at_work(world)
    if not pid:
        return _postmaster(world)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return doing


def _helper(world: Core) -> str:
    """One of the server's own processes, such as its checkpointer: all others are then started again by the postmaster."""
    doing = _at_work(world)[1]
    own = [one for one in psutil.Process(_pid(world)).children() if "background" in _title(one) or "writer" in _title(one)
           or "checkpointer" in _title(one)]  # fmt: skip
    with suppress(psutil.NoSuchProcess):
        world.round.chance.choice(own).kill()
    return doing


def _in_checkpoint(world: Core) -> str:
    url = world.url()
    checkpoint = start(lambda: run_statement(url, "CHECKPOINT"), world.said)
    time.sleep(world.round.chance.uniform(0, 0.05))
    _everything(world)
    wait(checkpoint)
    return "a checkpoint"


def _in_recovery(world: Core) -> str:
    """The server, and the next one while it recovers; half of the time also who starts it."""
    _everything(world)
    starter = start(world.server.start, world.said)
    time.sleep(world.round.chance.uniform(0, 1))
    if world.round.chance.random() < 0.5:
        os.kill(starter, signal.SIGKILL)
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        # That of a server which works alone, for its starter, is written with a minus.
        pid = abs(int((world.server.data / PID_FILE).read_text().split()[0]))
        if str(world.server.data) in psutil.Process(pid).cmdline():
            world.pids.add(pid)
            os.kill(pid, signal.SIGKILL)
    wait(starter)
    return "its recovery"


WAYS: dict[str, Callable[[Core], str]] = {
    "the postmaster": _postmaster,
    "all processes": _everything,
    "a backend": _backend,
    "a process of the server's own": _helper,
    "all processes in a checkpoint": _in_checkpoint,
    "all processes and then the next server": _in_recovery,
}


def _pid(world: Core) -> int:
    pid = world.server.status().pid
    assert pid
    return pid


def _at_work(world: Core) -> tuple[int, str]:
    """The loader's session, and the first word of what it does."""
    with closing(psycopg2.connect(world.url())) as connection, connection.cursor() as cursor:
        cursor.execute(AT_WORK)
        return cursor.fetchone() or (0, "nothing")


def _await_session(world: Core, seconds: float) -> None:
    """Wait until the loader is connected, no longer than so many seconds."""
    with closing(psycopg2.connect(world.url())) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def connected() -> bool:
            cursor.execute(AT_WORK)
            return bool(cursor.fetchall())

        wait_until(connected, seconds)


def is_up(world: Core) -> bool:
    """Start it where the postmaster is gone; where it lives, it starts the others again itself."""
    try:
        world.start()
        run_statement(world.url(), "SELECT 1")
    except (psycopg2.Error, ServerStopped, DatabaseUnavailable):
        return False
    return True


def run_statement(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
