"""What nobody owns after a round: processes, files of no table, tables of no release, locks, shared memory.

Each look returns sentences, none where all is as it should be.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg2

SECONDS_TO_GO = 120
"""For a process that is on its way out, on a busy machine."""
LOCKS = """
SELECT format('%s holds the advisory lock %s %s', application_name, classid, objid)
FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory'
"""
TABLES = """
SELECT format('the table %s of eurostat_releases is part of no other one', relname)
FROM pg_class WHERE relnamespace = 'eurostat_releases'::regnamespace AND relkind = 'r'
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)
  AND relname NOT IN (
      SELECT unnest(ARRAY[stored_as, stored_as || '#codes']) FROM eurostat.releases WHERE state = 'published')
"""
RECORDS = """
SELECT format('release %s of %s is recorded as loading', release, dataset) FROM eurostat.releases WHERE state = 'loading'
UNION ALL SELECT format('load %s of %s is recorded as loading', id, table_name)
FROM eurostat.bulk_loads WHERE state = 'loading'
UNION ALL SELECT format('the lease of run %s has not expired', run_id) FROM eurostat.run_leases WHERE expired_at IS NULL
"""
FILES = """
SELECT pg_relation_filepath(oid) FROM pg_class WHERE pg_relation_filepath(oid) IS NOT NULL
"""


def processes(*folders: Path) -> list[psutil.Process]:
    """The living processes that work in one of these folders, have it as their home, or name it in their command."""
    names = {str(folder) for one in folders for folder in (one, one.resolve())}
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            words = (*process.cmdline(), process.cwd(), environment.get("EUROSTAT_HOME", ""))
            marked = environment.get("EUROSTAT_STARTED_AS", "").partition("@")[2]
            ours = any(_within(word, name) for word in (*words, marked) for name in names)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def processes_left(*folders: Path, seconds: float = SECONDS_TO_GO) -> list[str]:
    """The same, told, when they do not end by themselves within so many seconds."""
    give_up = time.monotonic() + seconds
    while left := processes(*folders):
        if time.monotonic() > give_up:
            return [f"process {one.pid} is left: {_command(one)}" for one in left]
        time.sleep(0.1)
    return []


def in_database(url: str, *, locks: bool = True) -> list[str]:
    """Tables without a release, records of work that nobody does, and advisory locks of sessions that should be gone."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        found = []
        for query in (TABLES, RECORDS, LOCKS) if locks else (TABLES, RECORDS):
            cursor.execute(query)
            found += [story for (story,) in cursor.fetchall()]
    return found


def unnamed_files(url: str, data: Path) -> list[str]:
    """Relation files of this database that its catalogue does not name. For a server with nobody at work."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # files of dropped tables go with it
        cursor.execute(FILES)
        named = {path for (path,) in cursor.fetchall()}
        cursor.execute("SELECT oid::text FROM pg_database WHERE datname = current_database()")
        ((database,),) = cursor.fetchall()
    connection.close()
    found = []
    for file in (data / "base" / database).iterdir():
        relation = file.name.partition(".")[0].partition("_")[0]
        if (relation.isdigit() or file.name.startswith("t")) and f"base/{database}/{relation}" not in named:
            with suppress(FileNotFoundError):
                found.append(f"no table has the file {file.name}, {file.stat().st_size:,} bytes")
    return found


def shared_memory_of(pid: int) -> set[Path]:
    """The files of POSIX shared memory that this process has mapped."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        return {Path(line.split(maxsplit=5)[5]) for line in lines if "/dev/shm/PostgreSQL" in line}
    return set()


def shared_memory_left(pids: Iterable[int], files: Iterable[Path]) -> list[str]:
    """What servers that had these process ids, or had mapped these files, have left in shared memory."""
    made_by = set(map(str, pids))
    found = [f"shared memory {file} is left" for file in files if file.exists()]
    for kind in ("shm", "sem"):
        table = Path(f"/proc/sysvipc/{kind}")
        if not table.exists():
            continue
        head, *lines = table.read_text().splitlines()
        if "cpid" in head.split():
            place = head.split().index("cpid")
            found += [
                f"a segment of {kind} is left: {line}" for line in lines if line.split()[place] in made_by
            ]
    return found


def wait_until(done: Callable[[], bool], seconds: float = SECONDS_TO_GO) -> bool:
    """Wait for this; False when it does not come in so many seconds."""
    give_up = time.monotonic() + seconds
    while not done():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.03)
    return True


def _within(word: str, folder: str) -> bool:
    return word == folder or word.startswith(f"{folder}/")


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())[:200]
    return "it is gone by now"
