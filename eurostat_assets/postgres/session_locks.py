"""Locks that a session holds from one transaction to the next, and that no reader can take, keep or feign.

PostgreSQL has one kind of lock that outlives a transaction and ends with the session, however that ends: the advisory lock.
But everybody who may connect can take any advisory lock, and `pg_locks` shows everybody which ones are in use. So a key
known in advance, or used twice, is a way to stop the mirror. Here the arbiter is a row of `eurostat.session_locks`, which
only the owner's roles can lock or change. Who takes a lock writes into its row a new random key, on which the session
already holds the advisory lock, and the session's role. The lock is held as long as a session of that role holds the
advisory lock on that key. A reader can neither guess the key before it is in use, nor get it while it is held, nor be taken
for the holder afterwards.

Whatever lasts only one transaction needs none of this: a lock on a table stronger than ACCESS SHARE needs a right that
readers do not have.
"""

import secrets
import time

import psycopg2.errors

from eurostat_assets.postgres.connection import Connection, rows, transaction

FIRST_LOOK, LONGEST_LOOK = 0.02, 0.5
"""Seconds between two looks whether a lock has become free: doubled from the first to the longest."""

ROW = "INSERT INTO eurostat.session_locks (name) VALUES (%s) ON CONFLICT DO NOTHING"
ALONE = "SELECT FROM eurostat.session_locks WHERE name = %s FOR UPDATE"
HOLDER = "SELECT pid = pg_backend_pid() FROM eurostat.held_locks WHERE name = %s"
TAKE = """
UPDATE eurostat.session_locks SET key = %s, taken_at = clock_timestamp(),
       role = (SELECT usesysid FROM pg_stat_activity WHERE pid = pg_backend_pid())
WHERE name = %s
"""


def try_lock(connection: Connection, name: str) -> bool:
    """Take the lock for the rest of the session, if nobody else holds it; return whether it is this session's."""
    try:
        with transaction(connection) as cursor:
            # Who else is at this row decides within milliseconds, or has been stopped in the midst of it.
            cursor.execute("SET LOCAL lock_timeout = '1s'; SET LOCAL synchronous_commit = off")
            cursor.execute(ROW, (name,))
            cursor.execute(ALONE, (name,))
            cursor.execute(HOLDER, (name,))
            if holder := cursor.fetchone():
                return holder[0]
            key = secrets.randbits(63)
            cursor.execute("SELECT pg_advisory_lock(%s)", (key,))
            cursor.execute(TAKE, (key, name))
            return True
    except psycopg2.errors.LockNotAvailable:
        return False


def lock(connection: Connection, name: str, wait: float) -> bool:
    """Take the lock as `try_lock` does, looking again and again for `wait` seconds."""
    deadline, pause = time.monotonic() + wait, FIRST_LOOK
    while not try_lock(connection, name):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_LOOK)
    return True


def holder(connection: Connection, name: str) -> str:
    """Return who holds the lock, in words for a message; empty where nobody does any more."""
    found = rows(
        connection, "SELECT pid, usename, application_name FROM eurostat.held_locks WHERE name = %s", (name,)
    )
    return "".join(f"pid {pid} ({user}, {application})" for pid, user, application in found)
