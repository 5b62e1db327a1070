"""The project's own tables, as numbered SQL files beside this one: never edited once released, only added to.

A dozen lines instead of a migration tool: the files are plain SQL, run once each and in order, in one
transaction, by whichever process comes first.
"""

import re
from contextlib import suppress
from pathlib import Path

import psycopg2.errors
from psycopg2 import sql

from eurostat_assets.postgres.connection import (
    Connection,
    Cursor,
    connect,
    transaction,
    wait_for_locks,
    where,
)
from eurostat_assets.postgres.errors import DatabaseRefused, in_the_way
from eurostat_assets.postgres.publication import PATIENCE, Patience
from eurostat_assets.postgres.waiting import LOCKED, Tries

BEGINNING = """
CREATE SCHEMA IF NOT EXISTS eurostat;
CREATE TABLE IF NOT EXISTS eurostat.migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
"""
MADE = re.compile(r"CREATE (?:UNLOGGED )?(?:TABLE|VIEW) (?:IF NOT EXISTS )?eurostat\.(\w+)")
MADE_MEANWHILE = (
    psycopg2.errors.UniqueViolation,
    psycopg2.errors.DuplicateSchema,
    psycopg2.errors.DuplicateTable,
    psycopg2.errors.DuplicateObject,
)


def migrate(url: str, patience: Patience = PATIENCE) -> list[str]:
    """Bring the project's tables up to date; returns the names of the migrations it ran, often none.

    Raises DatabaseUnavailable, and DatabaseRefused where sessions that read those tables would not end.
    """
    files = sorted(Path(__file__).parent.glob("*.sql"))
    with connect(url) as connection:
        with transaction(connection) as cursor:
            if not _pending(cursor, files):
                return []
        _begin(connection)
        tries = Tries(connection, "The update of the mirror's own tables", _made(files), patience)
        for wait in tries:
            with suppress(*LOCKED), transaction(connection) as cursor:
                wait_for_locks(cursor, wait)
                return _run(cursor, files)
    raise DatabaseRefused(
        where(url), in_the_way("the mirror's own tables", patience.readers, tries.in_the_way)
    )


def work_alone(cursor: Cursor) -> None:
    """Wait until no other process changes the schema, and let none begin before the end of the transaction.

    Readers go on, and cannot take this lock: it needs a right to write.
    """
    cursor.execute("LOCK TABLE eurostat.migrations IN SHARE ROW EXCLUSIVE MODE")


def _run(cursor: Cursor, files: list[Path]) -> list[str]:
    work_alone(cursor)
    pending = _pending(cursor, files)
    for file in pending:
        cursor.execute(file.read_text(encoding="utf-8"))
        cursor.execute("INSERT INTO eurostat.migrations (name) VALUES (%s)", (file.stem,))
    return [file.stem for file in pending]


def _made(files: list[Path]) -> list[sql.Identifier]:
    """The tables and views that these migrations make."""
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    return [sql.Identifier("eurostat", name) for name in ("migrations", *MADE.findall(text))]


def _begin(connection: Connection) -> None:
    """Make the table that is locked while migrations run. IF NOT EXISTS does not help where two make it at once."""
    while True:
        try:
            with transaction(connection) as cursor:
                cursor.execute(BEGINNING)
            return
        except MADE_MEANWHILE:
            continue


def _pending(cursor: Cursor, files: list[Path]) -> list[Path]:
    """The migrations that were not run yet."""
    cursor.execute("SELECT to_regclass('eurostat.migrations')")
    if cursor.fetchone() == (None,):
        return files
    cursor.execute("SELECT name FROM eurostat.migrations")
    applied = {name for (name,) in cursor.fetchall()}
    return [file for file in files if file.stem not in applied]
