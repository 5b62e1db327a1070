"""The project's own tables, as numbered SQL files beside this one: never edited once released, only added to.

A dozen lines instead of a migration tool: the files are plain SQL, run once each and in order, in one
transaction, by whichever process comes first.
"""

from pathlib import Path

from eurostat_assets.postgres.connection import Cursor, connect, transaction

LOCK = 0x65757261
"""Key of the advisory lock that makes the second process wait for the first."""


def migrate(url: str) -> list[str]:
    """Bring the project's tables up to date; returns the names of the migrations it ran, often none."""
    files = sorted(Path(__file__).parent.glob("*.sql"))
    with connect(url) as connection, transaction(connection) as cursor:
        if not _pending(cursor, files):
            return []
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute("CREATE SCHEMA IF NOT EXISTS eurostat")
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS eurostat.migrations "
            "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        pending = _pending(cursor, files)
        for file in pending:
            cursor.execute(file.read_text(encoding="utf-8"))
            cursor.execute("INSERT INTO eurostat.migrations (name) VALUES (%s)", (file.stem,))
        return [file.stem for file in pending]


def _pending(cursor: Cursor, files: list[Path]) -> list[Path]:
    """The migrations that were not run yet."""
    cursor.execute("SELECT to_regclass('eurostat.migrations')")
    if cursor.fetchone() == (None,):
        return files
    cursor.execute("SELECT name FROM eurostat.migrations")
    applied = {name for (name,) in cursor.fetchall()}
    return [file for file in files if file.stem not in applied]
