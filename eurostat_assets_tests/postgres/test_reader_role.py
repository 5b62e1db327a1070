"""What somebody with the reader's password does to the role is seen and undone, whatever he holds against it."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from eurostat_assets.postgres.connection import connect
from eurostat_assets.postgres.limits import ReaderLimits
from eurostat_assets.postgres.reader_role import changes, set_right
from eurostat_assets.postgres.roles import READER, initialise_roles
from eurostat_assets_tests.postgres.conftest import Query

PASSWORD = "secret of a test"
LIMITS = ReaderLimits(connections=7, statement_timeout=77)


@pytest.fixture
def reader(mirror: str) -> Iterator[str]:
    """The reader's address of the mirror's database. The role is the whole server's, and left as others expect it."""
    initialise_roles(mirror, reader_password=PASSWORD, limits=LIMITS)
    yield make_dsn(mirror, user=READER, password=PASSWORD)
    initialise_roles(mirror)


def as_reader(url: str, *commands: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SET default_transaction_read_only = off")
        for command in commands:
            cursor.execute(command.format(database=f'"{connection.info.dbname}"'))


def faults(mirror: str) -> list[str]:
    with connect(mirror) as connection:
        return changes(connection, READER, LIMITS, PASSWORD)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("ALTER ROLE CURRENT_USER PASSWORD 'taken'", ["password"]),
        ("ALTER ROLE CURRENT_USER PASSWORD NULL", ["password"]),
        ("ALTER ROLE CURRENT_USER SET local_preload_libraries = 'nowhere'", ["local_preload_libraries"]),
        ("ALTER ROLE CURRENT_USER SET search_path = 'a', 'b'", ["search_path"]),
        ("ALTER ROLE CURRENT_USER IN DATABASE {database} SET statement_timeout = 1", ["statement_timeout"]),
        ("ALTER ROLE CURRENT_USER IN DATABASE {database} SET role = 'none'", ["role"]),
        ("ALTER ROLE CURRENT_USER IN DATABASE {database} RESET statement_timeout", ["statement_timeout"]),
    ],
)
@pytest.mark.parametrize("by", ["db init", "watch"])
def test_what_the_reader_changes_of_his_role_is_named_and_undone(
    mirror: str, reader: str, command: str, what: list[str], by: str
) -> None:
    assert faults(mirror) == []
    as_reader(reader, command)
    assert faults(mirror) == what
    if by == "watch":
        assert set_right(mirror, READER, LIMITS, PASSWORD) == what
    else:
        initialise_roles(mirror, reader_password=PASSWORD, limits=LIMITS)
    assert faults(mirror) == []
    with closing(psycopg2.connect(reader)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('search_path')")
        assert cursor.fetchall() == [("77s", '"$user", public')]


@contextmanager
def changing_for_ever(url: str) -> Iterator[None]:
    """One session that keeps its change of the role open, and one that changes it without pause."""
    done = threading.Event()

    def change() -> None:
        with suppress(psycopg2.Error):  # it is ended
            while not done.is_set():
                as_reader(url, *["ALTER ROLE CURRENT_USER SET work_mem = '1MB'"] * 20)

    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ WRITE; SET idle_in_transaction_session_timeout = 0")
        cursor.execute("ALTER ROLE CURRENT_USER PASSWORD 'held'")
        other = threading.Thread(target=change)
        other.start()
        try:
            yield
        finally:
            done.set()
            other.join()


def test_a_reader_at_his_role_all_the_time_does_not_keep_it_from_being_set_right(
    mirror: str, reader: str, query: Query
) -> None:
    as_reader(reader, "ALTER ROLE CURRENT_USER IN DATABASE {database} RESET ALL")
    with changing_for_ever(reader):
        assert "statement_timeout" in set_right(mirror, READER, LIMITS, PASSWORD)
        initialise_roles(mirror, reader_password=PASSWORD, limits=LIMITS)
    assert "statement_timeout" not in faults(mirror)
    assert query("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'eurostat_reader'") == [(7,)]
