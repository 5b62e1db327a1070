"""Connections to the database that holds the mirror: opened here and nowhere else. Not here: what is said over them."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
import psycopg2.errors
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extensions import make_dsn, parse_dsn

from eurostat_assets.loopback import is_local
from eurostat_assets.model.messages import line
from eurostat_assets.postgres.errors import DatabaseRefused, DatabaseUnavailable, MalformedDatabaseAddress

TRUSTED_PATH = "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)"
"""The first statement of every session: names without a schema are the server's own, never somebody's in `public`, in a
schema called like the role, or in pg_temp, which the server would search first where it is not named last.

A statement and not a startup option: PgBouncer refuses those, or ignores them without a word."""


CONNECT_SECONDS = 8
"""How long a server may take to let a session in, where neither the address nor PGCONNECT_TIMEOUT says: libpq would wait for
minutes for a host that does not answer."""

NO_PLAIN_PASSWORD = "!password"
"""libpq's `require_auth` for a server on this machine. While ours is down, any account here can listen on its port, and a
server may ask for the password as it is."""


def open_session(url: str, **options: Any) -> Connection:
    """Return a connection to a libpq `url`, with libpq's further `options`, in autocommit mode, that trusts nobody's names.

    Raises psycopg2's own errors.
    """
    said = parse_dsn(url)
    if "connect_timeout" not in said and "PGCONNECT_TIMEOUT" not in os.environ:
        options = {"connect_timeout": CONNECT_SECONDS, **options}
    if is_local(url) and "require_auth" not in said and "PGREQUIREAUTH" not in os.environ:
        options = {"require_auth": NO_PLAIN_PASSWORD, **options}
    connection = psycopg2.connect(url, **{"fallback_application_name": "eurostat-assets", **options})
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(TRUSTED_PATH)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def connect(url: str) -> Iterator[Connection]:
    """A connection to a libpq `url` (TLS, passfile and the like pass through), in autocommit mode.

    Closed at the end. Raises MalformedDatabaseAddress; DatabaseUnavailable, then or when it is lost; and DatabaseRefused
    for whatever else the server says that the block leaves to us.
    """
    try:
        connection = open_session(url)
    except psycopg2.ProgrammingError:
        raise MalformedDatabaseAddress from None  # libpq's words repeat parts of it, and with them the password
    except psycopg2.Error as error:
        raise DatabaseUnavailable(where(url), str(error).strip()) from error
    try:
        yield connection
    except psycopg2.Error as error:
        kind = DatabaseUnavailable if is_lost(error) else DatabaseRefused
        raise kind(where(url), reason(error)) from error
    finally:
        connection.close()


def must_answer(url: str, seconds: int = 2) -> None:
    """Raise DatabaseUnavailable where no session can be opened within so many seconds (at least 2, as libpq counts)."""
    with connect(make_dsn(url, connect_timeout=seconds)):
        return


@contextmanager
def transaction(connection: Connection) -> Iterator[Cursor]:
    """One transaction: committed at the end of the block, rolled back by any exception."""
    connection.autocommit = False
    try:
        with connection.cursor() as cursor:
            yield cursor
        connection.commit()
    except BaseException:
        with suppress(psycopg2.Error):  # on a broken connection the rollback fails as well, and hides why
            connection.rollback()
        raise
    finally:
        if not connection.closed:
            connection.autocommit = True


def rows(connection: Connection, query: Any, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of a small query."""
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchall() if cursor.description else []


def create_database(url: str) -> None:
    """Create the database that `url` names, where it is missing. Raises DatabaseUnavailable, DatabaseRefused."""
    began = time.monotonic()
    try:
        with connect(url):
            return
    except DatabaseUnavailable:
        if (
            time.monotonic() - began > CONNECT_SECONDS - 1
        ):  # nobody answers: to ask twice would take twice as long
            raise
    name = parse_dsn(url)["dbname"]
    with connect(make_dsn(url, dbname="postgres")) as connection:
        if rows(connection, "SELECT 1 FROM pg_database WHERE datname = %s", (name,)):
            return
        # Somebody else may be creating it at this very moment.
        with suppress(psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
            rows(connection, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def wait_for_locks(cursor: Cursor, seconds: float) -> None:
    """Let statements of this transaction wait for a lock for so many seconds, and then raise LockNotAvailable."""
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", (milliseconds(seconds),))


def milliseconds(seconds: float) -> str:
    """A time as a setting of the server; never 0, which would mean without end."""
    return f"{max(1, round(seconds * 1000))}ms"


def where(url: str) -> str:
    """The database of `url` in words for a message: host, port and name, never the password."""
    parts = parse_dsn(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', '5432')}/{parts.get('dbname', '')}"


def is_lost(error: psycopg2.Error) -> bool:
    """Whether the connection or the server broke, rather than what was asked of it."""
    lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) and error.pgcode is None
    return lost or (error.pgcode or "").startswith(("08", "57P"))


def reason(error: psycopg2.Error) -> str:
    """The server's own words in one line, and the remedy where there is one."""
    said = line(error.diag.message_primary or str(error) or type(error).__name__)
    remedy = {
        "25006": "default_transaction_read_only is on for this role or database: ALTER ROLE or ALTER DATABASE … RESET it",
        "53100": "the database server's disk is full: free some space, then run this again",
        "57014": "a statement_timeout or somebody cancelled it: allow this role more time, then run it again",
    }.get(error.pgcode or "")
    if is_lost(error):
        remedy = "the connection was lost: run it again when the database is up"
    return f"{said} ({remedy})" if remedy else said
