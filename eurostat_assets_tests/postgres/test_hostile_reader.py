"""What a reader may do cannot stop the mirror: whatever lock he takes, the platform goes on."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg2.extensions import make_dsn

from eurostat_assets.postgres import leases, relation_sizes, telling
from eurostat_assets.postgres.bulk import load_parquet
from eurostat_assets.postgres.connection import connect
from eurostat_assets.postgres.leases import Holder
from eurostat_assets.postgres.migrations import migrate
from eurostat_assets.postgres.publishing import publish
from eurostat_assets.postgres.roles import READER, initialise_roles
from eurostat_assets.postgres.session_locks import try_lock
from eurostat_assets_tests.postgres.conftest import Query, Write

NAMES = ("dataset:HLTH_TEST", "bulk:public.many", "alarms", "run:1")
USED = """
SELECT DISTINCT classid::bigint, objid::bigint, objsubid FROM pg_locks
WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
"""
# Keys of the schema's own words, as anybody would guess them, beside those that are in use.
GUESSED = [(0, number, 1) for number in range(64)] + [(0x65757262, number, 2) for number in range(64)]


@pytest.fixture
def reader(mirror: str) -> str:
    """The reader's address of the mirror's database."""
    initialise_roles(mirror, reader_password="read")
    return make_dsn(mirror, user=READER, password="read")


class KeyThief:
    """A session of the reader that takes every advisory key it has ever seen in use, as soon as it is free, for ever."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._done = threading.Event()
        self.keys: set[tuple[int, int, int]] = set()
        self.taken = 0
        self._thread = threading.Thread(target=self._steal)

    def __enter__(self) -> "KeyThief":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _steal(self) -> None:
        with closing(psycopg2.connect(self._url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            held: set[tuple[int, int, int]] = set()
            while not self._done.is_set():
                cursor.execute(USED)
                self.keys |= set(cursor.fetchall())
                for high, low, form in {*self.keys, *GUESSED} - held:
                    key = (high << 32 | low,) if form == 1 else (high, low)
                    cursor.execute(f"SELECT pg_try_advisory_lock({','.join(['%s'] * len(key))})", key)
                    if cursor.fetchone() == (True,):
                        held.add((high, low, form))
                self.taken = len(held & self.keys)


def until(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_reader_who_takes_every_key_he_sees_stops_nobody(
    mirror: str, reader: str, release: Write, query: Query, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    pq.write_table(pa.table({"n": [1, 2]}), many / "1.parquet")
    lease = Holder("run-1", "sync", "HLTH_TEST")
    leases.record_never_started(mirror, lease)  # as one that has expired, but for its lock
    query("INSERT INTO eurostat.bulk_loads (table_name, state) VALUES ('public.many', 'loading')")
    (load,) = query("SELECT max(id) FROM eurostat.bulk_loads")[0]
    query(f'CREATE TABLE eurostat_releases."bulk#{load}_1" (n int)')
    with KeyThief(reader) as thief:
        with connect(mirror) as ours:
            assert all(try_lock(ours, name) for name in NAMES)
            assert leases.expire(mirror, 600) == []
            until(lambda: len(thief.keys) >= len(NAMES))
            assert thief.taken == 0
        until(lambda: thief.taken >= len(NAMES))
        assert query("SELECT name FROM eurostat.held_locks") == []
        assert f"bulk#{load}_1" in relation_sizes(mirror).removed_by
        assert [run.run_id for run in leases.expire(mirror, 600)] == ["run-1"]
        assert publish(mirror, release(day=1)).rows == 1000
        assert load_parquet(mirror, [many], "public.many").rows == 2
        with telling(mirror) as incidents:
            assert incidents is not None
        query("DELETE FROM eurostat.migrations WHERE name = '0013_session_locks'")
        query("DROP VIEW eurostat.held_locks; DROP TABLE eurostat.session_locks")
        assert migrate(mirror) == ["0013_session_locks"]
        initialise_roles(mirror)
        assert publish(mirror, release(day=2)).rows == 1000


def test_a_lock_ends_with_its_session_and_nobody_else_has_it_before(mirror: str, query: Query) -> None:
    with connect(mirror) as first:
        assert try_lock(first, "dataset:HLTH_TEST")
        assert try_lock(first, "dataset:HLTH_TEST")
        with connect(mirror) as second:
            assert not try_lock(second, "dataset:HLTH_TEST")
            assert try_lock(second, "dataset:HLTH_OTHER")
    until(lambda: not query("SELECT name FROM eurostat.held_locks"))
    with connect(mirror) as third:
        assert try_lock(third, "dataset:HLTH_TEST")
