"""What a reader may take of the server: sessions, time, temporary files; and what nobody but us needs on a server of ours.

A session may lift its own time-outs with SET: those of the role are what everybody has who does not. The number of
connections and the room for temporary files hold whatever a session says; and a session that has lifted its time-outs, or
those of its role, is ended once it is in the way of a publication for longer than the deployment allows (waiting.py).

Not here: which tables a reader may read (roles.py).
"""

from dataclasses import dataclass

from psycopg2 import sql

from eurostat_assets.postgres.connection import Connection, Cursor, rows

IS_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
OTHER_DATABASES = """
SELECT datname FROM pg_database WHERE datname <> current_database() AND has_database_privilege('public', oid, 'CONNECT')
"""
# What takes memory, disk or the sight of others without a right to any table.
FOR_NOBODY = """
SELECT oid::regprocedure::text FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN (
    'pg_advisory_lock', 'pg_advisory_lock_shared', 'pg_advisory_xact_lock', 'pg_advisory_xact_lock_shared',
    'pg_try_advisory_lock', 'pg_try_advisory_lock_shared', 'pg_try_advisory_xact_lock', 'pg_try_advisory_xact_lock_shared',
    'lo_creat', 'lo_create', 'lo_from_bytea', 'pg_logical_emit_message')
"""


@dataclass(frozen=True)
class ReaderLimits:
    """For the role of readers; times in seconds, `temporary_files` in GB for each session; 0: no limit."""

    connections: int = 50
    statement_timeout: float = 3600
    idle_in_transaction_timeout: float = 600
    transaction_timeout: float = 4 * 3600
    temporary_files: float = 2


LIMITS = ReaderLimits()


def settings_of(limits: ReaderLimits, connection: Connection) -> dict[str, str]:
    """Return the settings by which the role gets these limits, as far as this server knows them; not a superuser's."""
    seconds = {
        "statement_timeout": limits.statement_timeout,
        "idle_in_transaction_session_timeout": limits.idle_in_transaction_timeout,
    }
    if connection.server_version >= 170000:
        seconds["transaction_timeout"] = limits.transaction_timeout
    times = {name: str(max(1, round(value * 1000))) for name, value in seconds.items() if value}
    return {**times, "default_transaction_read_only": "on"}


def limit_reader(cursor: Cursor, reader: str, limits: ReaderLimits) -> None:
    """Give the role these limits, as far as this server knows them and lets us, and no other settings.

    The role may have given itself any, for all databases or for this one. Those for others are not this mirror's.
    """
    settings = settings_of(limits, cursor.connection)
    if is_superuser(cursor.connection) and limits.temporary_files:
        settings["temp_file_limit"] = f"{limits.temporary_files * 1e6:.0f}kB"
    role, database = sql.Identifier(reader), sql.Identifier(cursor.connection.info.dbname)
    count = sql.Literal(limits.connections or -1)
    cursor.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(role, count))
    cursor.execute(
        sql.SQL("ALTER ROLE {0} RESET ALL; ALTER ROLE {0} IN DATABASE {1} RESET ALL").format(role, database)
    )
    for name, value in settings.items():
        change = sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}")
        cursor.execute(change.format(role, database, sql.Identifier(name), sql.Literal(value)))


def let_work(cursor: Cursor, owner: str, loader: str, reader: str) -> None:
    """Let the owner see who is in its way and end sessions of readers, and the loader connect to a server that is full."""
    granted = [sql.SQL("GRANT {} TO {}").format(sql.Identifier(reader), sql.Identifier(owner))]
    if is_superuser(cursor.connection):
        granted.append(
            sql.SQL("GRANT pg_read_all_stats, pg_signal_backend TO {}").format(sql.Identifier(owner))
        )
        if cursor.connection.server_version >= 160000:
            granted.append(sql.SQL("GRANT pg_use_reserved_connections TO {}").format(sql.Identifier(loader)))
    cursor.execute(sql.SQL(";").join(granted))


def close_to_public(cursor: Cursor, owner: str) -> None:
    """Take from PUBLIC what readers do not need, on a server that serves the mirror alone. Needs a superuser.

    No other database, no temporary tables, and in this database no advisory locks, large objects and messages in the log.
    """
    database, to = sql.Identifier(cursor.connection.info.dbname), sql.Identifier(owner)
    for (name,) in rows(cursor.connection, OTHER_DATABASES):
        cursor.execute(
            sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
        )
    cursor.execute(
        sql.SQL(
            "REVOKE TEMPORARY ON DATABASE {0} FROM PUBLIC; GRANT TEMPORARY ON DATABASE {0} TO {1}"
        ).format(database, to)
    )
    for (function,) in rows(cursor.connection, FOR_NOBODY):
        command = "REVOKE EXECUTE ON FUNCTION {0} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {0} TO {1}"
        cursor.execute(sql.SQL(command).format(sql.SQL(function), to))


def is_superuser(connection: Connection) -> bool:
    """Return whether this session is a superuser's."""
    return rows(connection, IS_SUPERUSER) == [(True,)]
