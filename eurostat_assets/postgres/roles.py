"""Who may do what: an owner, a loader that acts as the owner, and a reader of every table there is or will be.

Roles belong to the whole server; what they may do, to this database.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from psycopg2 import sql
from psycopg2.extensions import make_dsn

from eurostat_assets.postgres.connection import (
    Connection,
    Cursor,
    connect,
    rows,
    transaction,
    wait_for_locks,
    where,
)
from eurostat_assets.postgres.errors import DatabaseRefused, DatabaseUnavailable, in_the_way
from eurostat_assets.postgres.limits import LIMITS, ReaderLimits, close_to_public, let_work, limit_reader
from eurostat_assets.postgres.migrations import migrate, work_alone
from eurostat_assets.postgres.publication import PATIENCE
from eurostat_assets.postgres.reader_role import let_nobody_change, set_password
from eurostat_assets.postgres.table import SCHEMA, STORE
from eurostat_assets.postgres.waiting import LOCKED, Tries

OWNER = "eurostat_owner"
LOADER = "eurostat_loader"
READER = "eurostat_reader"

# Whether the roles are there and this database is the owner's; whether we may make them, where not; and act as the owner.
STANDING = """
SELECT coalesce(bool_or(owner.oid = nspowner), false), coalesce(bool_or(me.rolsuper OR me.rolcreaterole), false),
       coalesce(bool_or(pg_has_role(me.oid, owner.oid, 'MEMBER')), false)
FROM pg_roles AS me LEFT JOIN pg_roles AS owner ON owner.rolname = %s LEFT JOIN pg_namespace ON nspname = %s
WHERE me.rolname = current_user
"""
PRIVILEGES = """
SELECT has_schema_privilege(%s, oid, 'CREATE'), has_schema_privilege(%s, oid, 'USAGE') FROM pg_namespace WHERE nspname = %s
"""
OWNER_OF = "SELECT relowner::regrole::text FROM pg_class WHERE oid = format('%%I.%%I', %s, %s)::regclass"
FOREIGN = """
SELECT relnamespace::regnamespace::text, relname, relkind FROM pg_class
WHERE relnamespace IN (%s::regnamespace, %s::regnamespace) AND relkind IN ('r', 'p', 'v', 'm')
  AND relowner <> %s::regrole
"""
# Whether the loader may act as the owner of the mirror's schema.
IS_LOADERS = """
SELECT pg_has_role(pg_roles.oid, nspowner, 'MEMBER') FROM pg_roles, pg_namespace WHERE rolname = %s AND nspname = %s
"""
PUBLIC = "SELECT FROM pg_namespace WHERE nspname = 'public'"
# Whether this database is ours to give away, and whether we may act as the role that gets it.
OURS = """
SELECT pg_has_role(datdba, 'USAGE'), pg_has_role(%s, 'MEMBER') FROM pg_database WHERE datname = current_database()
"""


def initialise_roles(
    url: str,
    *,
    loader_password: str | None = None,
    reader_password: str | None = None,
    limits: ReaderLimits = LIMITS,
    dedicated: bool = False,
) -> None:
    """Create the three roles, or bring them up to date; safe to run again. Needs the right to create roles.

    The owner never logs in. Loader and reader do once they have a password; without one they are groups, to be
    granted to users: `GRANT eurostat_reader TO alice`. A `dedicated` server serves this mirror alone, so that what
    PUBLIC may do there is ours to say, too (`close_to_public`).
    """
    patience = replace(PATIENCE, limits=limits)
    migrate(_migrating(url, loader_password), patience)
    passwords = {LOADER: loader_password, READER: reader_password}
    with connect(url) as connection:
        tables = [sql.Identifier(space, name) for space, name, _ in _of_others(connection)]
        tries = Tries(connection, "The handing over of the mirror's tables to their owner", tables, patience)
        for wait in tries:
            with suppress(*LOCKED), transaction(connection) as cursor:
                wait_for_locks(cursor, wait)
                _initialise(cursor, passwords, limits, dedicated)
                return
    raise DatabaseRefused(where(url), in_the_way("the mirror's tables", patience.readers, tries.in_the_way))


def _initialise(
    cursor: Cursor, passwords: Mapping[str, str | None], limits: ReaderLimits, dedicated: bool
) -> None:
    connection = cursor.connection
    work_alone(cursor)
    let_nobody_change(cursor, READER)
    for role in (OWNER, LOADER, READER):
        _create(cursor, role, passwords.get(role))
    _say(cursor, "GRANT {owner} TO CURRENT_USER, {loader}")
    # Whatever the loader makes is then the owner's, and the reader's rights reach it.
    _say(cursor, "ALTER ROLE {loader} IN DATABASE {database} SET role = {owner}", connection)
    _say(cursor, "GRANT CONNECT ON DATABASE {database} TO {loader}, {reader}", connection)
    _say(cursor, "GRANT CREATE ON DATABASE {database} TO {owner}", connection)
    _close_public(cursor, "{owner}")
    limit_reader(cursor, READER, limits)
    let_work(cursor, OWNER, LOADER, READER)
    if dedicated:
        close_to_public(cursor, OWNER)
    for schema in (SCHEMA, STORE):
        _hand_over(cursor, schema)


def _migrating(url: str, loader_password: str | None) -> str:
    """Return as whom to bring the mirror's tables up to date: as the loader, where they are his, else as we are.

    Whoever reads or writes a table executes what its owner has put there, such as views, triggers and defaults. So no
    superuser does, once the loader may change those tables; before, there is nothing of his. His password is set where
    the server has another one.
    """
    if loader_password is None:
        return url
    with connect(url) as connection:
        if rows(connection, IS_LOADERS, (LOADER, SCHEMA)) != [(True,)]:
            return url
        loaders = make_dsn(url, user=LOADER, password=loader_password)
        try:
            with connect(loaders):
                return loaders
        except DatabaseUnavailable:
            with transaction(connection) as cursor:
                _create(cursor, LOADER, loader_password)
            return loaders


def hand_over_database(url: str) -> None:
    """Give the database of `url`, and the tables in its schema `public`, to the loader: nobody else may connect to it.

    For the one in which Dagster keeps its own state: Dagster makes its tables in the first schema of the path and names
    none, so that path is `public`, where only the loader can make anything. A database that is not ours is left as it is.
    """
    with connect(url) as connection, transaction(connection) as cursor:
        ((is_ours, is_member),) = rows(connection, OURS, (LOADER,))
        if not is_ours:
            return
        # First, as this also makes another process that is here wait for the end of our transaction.
        _say(
            cursor,
            "COMMENT ON DATABASE {database} IS 'What Dagster keeps: runs, events, schedules.'",
            connection,
        )
        if not is_member:
            _say(cursor, "GRANT {loader} TO CURRENT_USER")
        _close_public(cursor, "{loader}")
        cursor.execute(FOREIGN, ("public", "public", LOADER))
        for space, name, _ in cursor.fetchall():
            command = sql.SQL("ALTER TABLE {} OWNER TO {}")
            cursor.execute(command.format(sql.Identifier(space, name), sql.Identifier(LOADER)))
        _say(cursor, "REVOKE ALL ON DATABASE {database} FROM PUBLIC", connection)
        _say(cursor, "ALTER DATABASE {database} SET search_path = public, pg_temp", connection)
        _say(cursor, "ALTER DATABASE {database} OWNER TO {loader}", connection)


def prepare_schema(url: str, schema: str, limits: ReaderLimits = LIMITS) -> None:
    """Make `schema` where it is missing; the owner may then create tables in it, and the reader use it.

    Creates the roles where they are missing and we may; where we may not, the schema is ours.
    """
    with connect(url) as connection:
        ready, may_create, _ = _standing(connection)
    if not ready and may_create:
        initialise_roles(url, limits=limits)
    with connect(url) as connection, transaction(connection) as cursor:
        work_alone(cursor)
        is_member = _standing(connection)[2]
        if not rows(connection, "SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)):
            _say(
                cursor,
                "CREATE SCHEMA {schema}" + (" AUTHORIZATION {owner}" if is_member else ""),
                schema=schema,
            )
        if not is_member:
            return
        ((may_create, may_use),) = rows(connection, PRIVILEGES, (OWNER, READER, schema))
        if not may_create:
            _say(cursor, "GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}", schema=schema)
        if not may_use:
            _say(cursor, "GRANT USAGE ON SCHEMA {schema} TO {reader}", schema=schema)


def hand_over_tables(cursor: Cursor, tables: Sequence[sql.Identifier]) -> None:
    """Give `tables` to the owner. Nothing happens where there are no roles, or where we may not act as the owner."""
    if not _standing(cursor.connection)[2]:
        return
    for table in tables:
        cursor.execute(OWNER_OF, table.strings)
        if cursor.fetchone() != (OWNER,):
            _give(cursor, table)


def _give(cursor: Cursor, table: sql.Identifier) -> None:
    """Give a table to the owner, unless somebody reads it at the moment: then it is given after the next load."""
    cursor.execute("SAVEPOINT giving; SET LOCAL lock_timeout = '1s'")
    try:
        cursor.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(table, sql.Identifier(OWNER)))
    except LOCKED:
        cursor.execute("ROLLBACK TO SAVEPOINT giving")


def let_read(cursor: Cursor, table: sql.Identifier) -> None:
    """Let the reader read `table`, where there are roles."""
    if _standing(cursor.connection)[2]:
        cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(table, sql.Identifier(READER)))


def _standing(connection: Connection) -> tuple[bool, bool, bool]:
    """Whether the roles are there and own the mirror, whether we may create roles, whether we may act as the owner."""
    ((ready, may_create, is_member),) = rows(connection, STANDING, (OWNER, SCHEMA))
    return ready, may_create, is_member


def may_log_in(url: str, role: str) -> bool:
    """Return whether the server has this role and it can log in."""
    with connect(url) as connection:
        return bool(rows(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s AND rolcanlogin", (role,)))


def _create(cursor: Cursor, role: str, password: str | None) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    set_password(cursor, role, password)


def _close_public(cursor: Cursor, role: str) -> None:
    """Let nobody but `role` make anything in the schema `public`, where sessions of people find names without a schema."""
    cursor.execute(PUBLIC)
    if cursor.rowcount:
        _say(cursor, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        _say(cursor, f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")


def _hand_over(cursor: Cursor, schema: str) -> None:
    """The schema and all in it to the owner, and the reading of it to the reader, now and in future."""
    _say(cursor, "ALTER SCHEMA {schema} OWNER TO {owner}", schema=schema)
    for space, name, kind in _of_others(cursor.connection):
        what = {"v": "VIEW", "m": "MATERIALIZED VIEW"}.get(kind, "TABLE")
        cursor.execute(
            sql.SQL("ALTER {} {} OWNER TO {}").format(
                sql.SQL(what), sql.Identifier(space, name), sql.Identifier(OWNER)
            )
        )
    _say(cursor, "GRANT USAGE ON SCHEMA {schema} TO {reader}", schema=schema)
    _say(cursor, "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}", schema=schema)
    for maker in ("{owner}", "CURRENT_USER"):
        _say(
            cursor,
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {maker} IN SCHEMA {{schema}} GRANT SELECT ON TABLES TO {{reader}}",
            schema=schema,
        )


def _of_others(connection: Connection) -> list[tuple[str, str, str]]:
    """Schema, name and kind of what is in the mirror's schemas and not the owner's yet."""
    if not rows(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)):
        return []
    return [(space, name, kind) for space, name, kind in rows(connection, FOREIGN, (SCHEMA, STORE, OWNER))]


def _say(cursor: Cursor, command: str, connection: Connection | None = None, schema: str = SCHEMA) -> None:
    """Run `command` with the names filled in, quoted by the driver."""
    names = {"owner": OWNER, "loader": LOADER, "reader": READER, "schema": schema}
    if connection:
        names["database"] = connection.info.dbname
    cursor.execute(sql.SQL(command).format(**{key: sql.Identifier(name) for key, name in names.items()}))
