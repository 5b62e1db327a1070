"""A change to a table gets in while others read it: it names who is in its way, and ends whom it may."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import make_dsn

from eurostat_assets.postgres.bulk import load_parquet
from eurostat_assets.postgres.errors import BulkLoadError, DatabaseRefused, ReadersInTheWay
from eurostat_assets.postgres.limits import ReaderLimits
from eurostat_assets.postgres.migrations import migrate
from eurostat_assets.postgres.publication import Codes, Patience, Storage
from eurostat_assets.postgres.publishing import publish
from eurostat_assets.postgres.roles import READER, initialise_roles
from eurostat_assets_tests.postgres.conftest import Query, Write

COUNT = "SELECT count(*) FROM eurostat.hlth_test"


@pytest.fixture
def reader(mirror: str) -> str:
    """The reader's address of the mirror's database."""
    initialise_roles(mirror, reader_password="read")
    return make_dsn(mirror, user=READER, password="read")


@contextmanager
def holding(url: str, query: str = COUNT, application: str = "a report") -> Iterator[Connection]:
    """A session that is idle in a transaction in which it has run `query`."""
    with closing(psycopg2.connect(url, application_name=application)) as connection:
        connection.cursor().execute(query)
        yield connection


def is_alive(connection: Connection) -> bool:
    try:
        connection.cursor().execute("SELECT 1")
    except psycopg2.OperationalError:
        return False
    return True


@pytest.mark.parametrize("codes", ["text", "smallint"])
def test_a_switch_comes_in_while_sixteen_readers_query_without_pause(
    mirror: str, reader: str, release: Write, query: Query, codes: Codes
) -> None:
    storage = Storage(codes=codes)
    publish(mirror, release(day=1), storage=storage)
    done = threading.Event()
    broken: list[psycopg2.Error] = []

    def read(rest: float) -> None:
        try:
            with closing(psycopg2.connect(reader)) as connection, connection.cursor() as cursor:
                while not done.is_set():
                    cursor.execute(COUNT)
                    done.wait(rest)
                    connection.commit()
        except psycopg2.Error as error:
            broken.append(error)

    # Each holds the table for that long, and again at once.
    readers = [threading.Thread(target=read, args=(n % 4 * 0.07,)) for n in range(16)]
    for one in readers:
        one.start()
    publish(mirror, release(day=2), storage=storage)
    done.set()
    for one in readers:
        one.join()
    assert not broken
    assert query("SELECT max(obs_value) FROM eurostat.hlth_test") == [(2.0,)]


@pytest.mark.parametrize(
    "lifting",
    [
        "SET idle_in_transaction_session_timeout = 0",
        "ALTER ROLE CURRENT_USER IN DATABASE {} SET idle_in_transaction_session_timeout = '2d'; COMMIT",
        "ALTER ROLE CURRENT_USER IN DATABASE {} RESET ALL; COMMIT",
    ],
)
def test_a_reader_who_has_lifted_his_time_outs_is_ended_when_he_is_in_the_way(
    mirror: str, reader: str, release: Write, lifting: str
) -> None:
    limits = ReaderLimits(idle_in_transaction_timeout=1)
    publish(mirror, release(day=1))
    with closing(psycopg2.connect(reader)) as connection:
        writing = "SET TRANSACTION READ WRITE; " if "ALTER" in lifting else ""
        connection.cursor().execute(writing + lifting.format(f'"{connection.info.dbname}"'))
        connection.commit()
    said: list[str] = []
    with holding(reader, f"SET idle_in_transaction_session_timeout = 0; {COUNT}", "a trap") as connection:
        publish(mirror, release(day=2), patience=Patience(readers=60, limits=limits, report=said.append))
        assert not is_alive(connection)
    assert "a trap" in said[0]
    assert "idle in transaction for" in said[0]
    assert "ended" in said[-1]


def test_where_it_is_set_sessions_in_the_way_are_ended_and_first_those_that_do_nothing(
    mirror: str, reader: str, release: Write, query: Query
) -> None:
    publish(mirror, release(day=1))
    said: list[str] = []
    with holding(reader, application="idle") as idle, holding(reader, application="busy") as busy:
        at_work = threading.Thread(target=lambda: is_alive_after(busy, "SELECT pg_sleep(600)"))
        at_work.start()
        while (
            query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'busy' AND state = 'active'") == []
        ):
            time.sleep(0.02)
        publish(mirror, release(day=2), patience=Patience(60, end_sessions_after=0.01, report=said.append))
        at_work.join()
        assert not is_alive(idle)
    ended = [sentence for sentence in said if "ended" in sentence]
    assert ["(eurostat_reader, idle)" in ended[0], "(eurostat_reader, busy)" in ended[1]] == [True, True]


def is_alive_after(connection: Connection, statement: str) -> bool:
    try:
        connection.cursor().execute(statement)
    except psycopg2.OperationalError:
        return False
    return True


def test_sessions_of_our_own_roles_are_named_and_never_ended(mirror: str, release: Write) -> None:
    publish(mirror, release(day=1))
    with holding(mirror, application="pgAdmin") as connection:
        with pytest.raises(ReadersInTheWay) as refusal:
            publish(mirror, release(day=2), patience=Patience(readers=0.3, end_sessions_after=0.01))
        assert is_alive(connection)
        assert f"pid {connection.info.backend_pid} (postgres, pgAdmin): idle in transaction for" in str(
            refusal.value
        )
        assert f"pg_terminate_backend({connection.info.backend_pid})" in str(refusal.value)


@pytest.mark.parametrize(("before", "after"), [("smallint", "smallint"), ("smallint", "text")])
def test_who_reads_a_table_is_named_in_every_way_of_storing_it(
    mirror: str, reader: str, release: Write, before: Codes, after: Codes
) -> None:
    publish(mirror, release(day=1), storage=Storage(codes=before))
    named = pytest.raises(
        ReadersInTheWay, match=r"pid \d+ \(eurostat_reader, a report\): idle in transaction for"
    )
    with holding(reader), named:
        publish(mirror, release(day=2), storage=Storage(codes=after), patience=Patience(readers=0.3))


def test_an_update_of_the_mirrors_own_tables_does_not_wait_for_ever(mirror: str, query: Query) -> None:
    query("DELETE FROM eurostat.migrations WHERE name = '0013_session_locks'")
    query("DROP VIEW eurostat.held_locks; DROP TABLE eurostat.session_locks")
    locking = "LOCK TABLE eurostat.run_leases IN SHARE UPDATE EXCLUSIVE MODE"
    refused = pytest.raises(DatabaseRefused, match=r"postgres, psql\): idle in transaction")
    with holding(mirror, locking, "psql"), refused:
        migrate(mirror, Patience(readers=0.3))
    assert query("SELECT to_regclass('eurostat.session_locks')") == [(None,)]
    assert migrate(mirror) == ["0013_session_locks"]


@pytest.mark.parametrize("below", [False, True])
def test_a_load_that_replaces_a_table_names_who_reads_it_or_a_part_of_it(
    mirror: str, reader: str, query: Query, tmp_path: Path, below: bool
) -> None:
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "many.parquet")
    load_parquet(mirror, [tmp_path], "public.many")
    ((child,),) = query(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'public.many'::regclass"
    )
    reading = f"SELECT FROM {child if below else 'public.many'}"
    refused = pytest.raises(
        BulkLoadError, match=r"pid \d+ \(eurostat_reader, a report\): idle in transaction"
    )
    with holding(reader, reading), refused:
        load_parquet(mirror, [tmp_path], "public.many", mode="replace", patience=Patience(readers=0.3))
    with holding(reader, reading) as connection:
        patience = Patience(readers=60, end_sessions_after=0.01)
        assert load_parquet(mirror, [tmp_path], "public.many", mode="replace", patience=patience).rows == 2
        assert not is_alive(connection)
