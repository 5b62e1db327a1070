"""The project's own tables, as numbered SQL files beside this one: never edited once released, only added to.

A dozen lines instead of a migration tool: the files are plain SQL, run once each and in order, in one
transaction, by whichever process comes first.
"""

from pathlib import Path

import psycopg2.errors

from eurostat_assets.postgres.connection import Connection, Cursor, connect, transaction

BEGINNING = """
CREATE SCHEMA IF NOT EXISTS eurostat;
CREATE TABLE IF NOT EXISTS eurostat.migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
"""
MADE_MEANWHILE = (
    psycopg2.errors.UniqueViolation,
    psycopg2.errors.DuplicateSchema,
    psycopg2.errors.DuplicateTable,
    psycopg2.errors.DuplicateObject,
)


def migrate(url: str) -> list[str]:
    """Bring the project's tables up to date; returns the names of the migrations it ran, often none."""
    files = sorted(Path(__file__).parent.glob("*.sql"))
    with connect(url) as connection:
        with transaction(connection) as cursor:
            if not _pending(cursor, files):
                return []
        _begin(connection)
        with transaction(connection) as cursor:
            work_alone(cursor)
            pending = _pending(cursor, files)
            for file in pending:
                cursor.execute(file.read_text(encoding="utf-8"))
                cursor.execute("INSERT INTO eurostat.migrations (name) VALUES (%s)", (file.stem,))
            return [file.stem for file in pending]


def work_alone(cursor: Cursor) -> None:
    """Wait until no other process changes the schema, and let none begin before the end of the transaction.

    Readers go on, and cannot take this lock: it needs a right to write.
    """
    cursor.execute("LOCK TABLE eurostat.migrations IN SHARE ROW EXCLUSIVE MODE")


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
