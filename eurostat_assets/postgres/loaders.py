"""Those who publish: one at a time for each dataset, and what is to be done about those that died."""

import time
from contextlib import suppress

import psycopg2.errors

from eurostat_assets.postgres import books, bulk_tables, session_locks
from eurostat_assets.postgres.connection import Connection, connect, rows
from eurostat_assets.postgres.errors import AnotherLoader

SESSION = """
SELECT set_config(name, value, false) FROM pg_settings
JOIN (VALUES ('client_connection_check_interval', '5s'), ('tcp_keepalives_idle', '60'),
             ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '6'), ('transaction_timeout', '0'),
             ('idle_in_transaction_session_timeout', '0')) AS wanted (name, value) USING (name)
"""
"""For a session that loads. What the server it is on does not know is left out, such as transaction_timeout before 17: that
and its sibling end the session, not the statement, and within COPY the driver then only knows that the connection broke.
They are set for people; a load is one transaction as long as its COPY, and ends with its process."""


def remove_leftovers(url: str, keep_releases: int = 0, patience: float = 10) -> list[str]:
    """Clear up after loaders that died and that nobody has followed since; returns the datasets, and tables of bulk loads.

    For the start of the platform: else the next publication of each dataset does it, and the next load into each table. The
    server needs some seconds to notice that a killed loader is gone, so `patience` is longer; whoever holds its dataset or
    table after that is alive.
    """
    swept = []
    deadline = time.monotonic() + patience
    with connect(url) as connection:
        for dataset in books.to_sweep(connection, keep_releases):
            try:
                become_only_loader(connection, dataset, max(0, deadline - time.monotonic()))
            except AnotherLoader:
                continue
            books.sweep(connection, dataset, keep_releases)
            swept.append(dataset)
        for table in bulk_tables.with_leftovers(connection):
            if session_locks.lock(connection, f"bulk:{table}", max(0, deadline - time.monotonic())):
                with suppress(
                    psycopg2.errors.InsufficientPrivilege
                ):  # another role's, who clears up at its next load
                    bulk_tables.clear_leftovers(connection, table)
                    swept.append(table)
    return swept


def become_only_loader(connection: Connection, dataset: str, patience: float) -> None:
    """One publication of a dataset at a time: wait `patience` seconds for another one. Raises AnotherLoader.

    The lock goes with the connection, however that ends; the server notices a vanished client within minutes.
    """
    rows(connection, SESSION)
    name = f"dataset:{dataset}"
    if not session_locks.lock(connection, name, patience):
        raise AnotherLoader(dataset, patience, session_locks.holder(connection, name))
