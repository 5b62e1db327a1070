"""Load one day again and again, each time in a tree of processes that is killed (SIGKILL) at a random moment.

    python -m eurostat_assets_tests.postgres.killed_scopes URL FOLDER TIMES

After each kill the day must have the rows of before or those of the load, each once, the other days theirs, and the
records must say of every file what is in the table. A victim that was faster than its killer does not count. Prints
a line of figures; fails at the first difference.
"""

import datetime as dt
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg2 import sql

from eurostat_assets.postgres import bulk_state, bulk_tables
from eurostat_assets.postgres.bulk import load_parquet

TABLE = "public.days"
NAME = sql.Identifier("public", "days")
DAY = dt.date(2024, 5, 1)
FILES = 6
ROWS = 4_000


def write(folder: Path, day: dt.date, version: int, rows: int = ROWS) -> Path:
    """The files of a day; how many rows they have depends on the version."""
    place = folder / str(day)
    place.mkdir(exist_ok=True)
    for n in range(FILES):
        count = rows + version if n == 0 else rows
        columns = {
            "day": pa.array([day] * count, pa.date32()),
            "version": pa.array([version] * count, pa.int32()),
            "text": [f"{n}-{row}" for row in range(count)],
        }
        pq.write_table(pa.table(columns), place / f"{n}.parquet")
    return place


def state(url: str) -> dict[dt.date, dict[int, int]]:
    """How many rows of which version each day has; checked against the records of every file."""
    found: dict[dt.date, dict[int, int]] = {}
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT day, version, count(*) FROM public.days GROUP BY day, version")
        for day, version, count in cursor.fetchall():
            found.setdefault(day, {})[version] = count
        recorded = bulk_state.recorded_files(connection, TABLE).values()
        said = {(one.load, one.number): one.rows - one.replaced for one in recorded}
        there = bulk_tables.count_files(cursor, NAME, {one.load for one in recorded})
        cursor.execute("SELECT count(*) FROM public.days")
        (total,) = cursor.fetchone() or (0,)
    assert {key: rows for key, rows in said.items() if rows} == there, (said, there)
    assert sum(there.values()) == total, (there, total)
    return found


def main(url: str, folder: Path, times: int, seed: int = 0) -> Counter[str]:
    chance = random.Random(seed)
    for day in (DAY, DAY + dt.timedelta(days=1)):
        write(folder, day, version=0)
    load_parquet(url, [folder], TABLE)
    whole = FILES * ROWS
    started = time.monotonic()
    load_parquet(url, [write(folder, DAY, 1)], TABLE, mode="scope", scope=f"day = {DAY}")
    version, tally, longest = 1, Counter[str](), time.monotonic() - started
    while tally["killed"] < times:
        new = version + 1
        tally["tries"] += 1
        place = write(folder, DAY, new)
        jobs = 2 if chance.random() < 0.1 else 1
        victim = os.fork()
        if victim == 0:
            os.setsid()
            load_parquet(url, [place], TABLE, mode="scope", scope=f"day = {DAY}", jobs=jobs)
            os._exit(0)
        time.sleep(chance.uniform(0, longest))
        try:
            os.killpg(victim, signal.SIGKILL)
        except ProcessLookupError:  # it has not come as far as to be a group of its own
            os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        if os.WIFSIGNALED(status):
            tally["killed"] += 1
            longest *= 1.05  # so that kills reach the end of a load, however busy the machine is
        else:
            longest *= 0.8
        _wait_for_its_session(url)
        found = state(url)
        assert found[DAY + dt.timedelta(days=1)] == {0: whole}, found
        assert found[DAY] in ({version: whole + version}, {new: whole + new}), (version, new, found)
        if found[DAY] == {new: whole + new}:
            tally["new although killed" if os.WIFSIGNALED(status) else "new"] += 1
            version = new
    done = load_parquet(url, [write(folder, DAY, 999)], TABLE, mode="scope", scope=f"day = {DAY}")
    assert (done.rows, done.deleted) == (whole + 999, whole + version)
    assert state(url)[DAY] == {999: whole + 999}
    return tally


def _wait_for_its_session(url: str) -> None:
    """Until the server has noticed that the victim is gone, which ends its transaction one way or the other."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.02)


if __name__ == "__main__":
    print(dict(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
