"""The project's own tables, as numbered SQL files beside this one: never edited once released, only added to.

A dozen lines instead of a migration tool: the files are plain SQL, run once each and in order, in one
transaction, by whichever process comes first.
"""

from pathlib import Path

from eurostat_assets.postgres.connection import connect, transaction

LOCK = 0x65757261
"""Key of the advisory lock that makes the second process wait for the first."""


def migrate(url: str) -> list[str]:
    """Bring the project's tables up to date; returns the names of the migrations it ran, often none."""
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute("CREATE SCHEMA IF NOT EXISTS eurostat")
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS eurostat.migrations "
            "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        cursor.execute("SELECT name FROM eurostat.migrations")
        applied = {name for (name,) in cursor.fetchall()}
        pending = [file for file in sorted(Path(__file__).parent.glob("*.sql")) if file.stem not in applied]
        for file in pending:
            cursor.execute(file.read_text(encoding="utf-8"))
            cursor.execute("INSERT INTO eurostat.migrations (name) VALUES (%s)", (file.stem,))
        return [file.stem for file in pending]
