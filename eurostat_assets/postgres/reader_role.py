"""The role of readers as it is meant to be: what somebody has changed of it, and setting it right.

PostgreSQL lets every role change its own password and settings (ALTER ROLE), and has nothing by which to forbid it. So
whoever has the reader's password can do that to all who share it. Not here: the limits (limits.py), the other roles and
what they may do (roles.py), and who looks when (access.py).
"""

import base64
import hashlib
import hmac
import re
from contextlib import suppress

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from eurostat_assets.postgres.connection import Connection, Cursor, connect, rows, transaction, wait_for_locks
from eurostat_assets.postgres.limits import ReaderLimits, is_superuser, limit_reader, settings_of
from eurostat_assets.postgres.waiting import LOCKED

LOCK_SECONDS = 2.0
# Those that only a superuser sets are none that the role could have changed.
PRESENT = """
SELECT setdatabase <> 0, split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
FROM pg_db_role_setting, unnest(setconfig) AS setting
WHERE setrole = to_regrole(%s)
  AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND split_part(setting, '=', 1) NOT IN (SELECT name FROM pg_settings WHERE context = 'superuser')
"""
CONNECTIONS = "SELECT rolconnlimit FROM pg_roles WHERE rolname = %s"
VERIFIER = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
SCRAM = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):.+")
# A reader has no other reason to be about to write into these.
END_CHANGING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = %s AND pg_has_role(usesysid, 'USAGE') AND pid IN (
    SELECT pid FROM pg_locks WHERE mode = 'RowExclusiveLock'
       AND relation IN ('pg_authid'::regclass, 'pg_db_role_setting'::regclass))
"""


def changes(connection: Connection, reader: str, limits: ReaderLimits, password: str | None) -> list[str]:
    """Return what of the role is not as it is meant to be: names of settings, "connection limit", "password".

    Empty where there is no such role. Its password is compared where it is given, in ASCII, and we are a superuser.
    """
    found = rows(connection, CONNECTIONS, (reader,))
    if not found:
        return []
    wanted = {(True, name, value) for name, value in settings_of(limits, connection).items()}
    wrong = {name for _, name, _ in wanted ^ set(rows(connection, PRESENT, (reader,)))}
    if found != [(limits.connections or -1,)]:
        wrong.add("connection limit")
    if password and password.isascii() and is_superuser(connection):
        ((verifier,),) = rows(connection, VERIFIER, (reader,))
        if not _is_of(password, verifier or ""):
            wrong.add("password")
    return sorted(wrong)


def set_right(url: str, reader: str, limits: ReaderLimits, password: str | None) -> list[str]:
    """Undo what was changed of the role; return what it was, also where somebody's lock lets it be undone only next time.

    Raises DatabaseUnavailable, DatabaseRefused.
    """
    with connect(url) as connection:
        wrong = changes(connection, reader, limits, password)
        if wrong:
            with suppress(*LOCKED), transaction(connection) as cursor:
                wait_for_locks(cursor, LOCK_SECONDS)
                let_nobody_change(cursor, reader)
                limit_reader(cursor, reader, limits)
                set_password(cursor, reader, password)
    return wrong


def let_nobody_change(cursor: Cursor, role: str) -> None:
    """Let nobody change roles until the end of the transaction, as far as we may; end the sessions of `role` that are at it.

    Logins go on.
    """
    cursor.execute(END_CHANGING, (role,))
    if is_superuser(cursor.connection):
        cursor.execute("LOCK TABLE pg_authid, pg_db_role_setting IN SHARE ROW EXCLUSIVE MODE")


def set_password(cursor: Cursor, role: str, password: str | None) -> None:
    """Let the role log in with this password; None: leave it as it is."""
    if password is not None:
        # Encrypted here, so that no server log ever shows it.
        secret = encrypt_password(password, role, cursor.connection, "scram-sha-256")
        cursor.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(secret))
        )


def _is_of(password: str, verifier: str) -> bool:
    """Whether this is the server's verifier (RFC 5802) of the password."""
    parts = SCRAM.fullmatch(verifier)
    if parts is None:
        return False
    iterations, salt, stored = parts.groups()
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return hmac.compare_digest(key, base64.b64decode(stored))
