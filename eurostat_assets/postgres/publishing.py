"""Publishing one dataset's release: load it aside, then switch readers over.

Two transactions: a long one that makes and loads the release's own table, which nobody looks at, and a short
one that switches readers over and writes the books. Whatever dies in between leaves readers where they were;
the next publication of the dataset removes what it left.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from eurostat_assets.postgres import books
from eurostat_assets.postgres.connection import Connection, connect, reason, rows, transaction
from eurostat_assets.postgres.errors import (
    AnotherLoader,
    CountMismatch,
    PublishError,
    ReadersInTheWay,
)
from eurostat_assets.postgres.loading import OnProgress, batches_of, copy_into
from eurostat_assets.postgres.switching import column_definition, switch
from eurostat_assets.postgres.table import (
    SCHEMA,
    SOURCE_COLUMN,
    STORE,
    Readable,
    ReleaseFile,
    open_parquet,
    read_release_file,
)

if TYPE_CHECKING:
    from eurostat_assets.postgres.encoding import Encoder

LOCK = 0x65757262
"""First key of the advisory locks, one per dataset, that let one loader at a time publish it."""
READERS = """
SELECT DISTINCT pid, coalesce(usename, ''), application_name
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE granted AND pid <> pg_backend_pid()
  AND relation IN (SELECT relid FROM pg_partition_tree(format('%%I.%%I', %s, %s)::regclass))
"""


@dataclass(frozen=True)
class Publication:
    """A release that readers now see.

    `bytes` is its size on disk with indexes; `seconds` the whole publication, `switch_seconds` the moment in
    which readers had to wait.
    """

    dataset: str
    table: str
    release: str
    data_updated: datetime | None
    structure_updated: datetime | None
    rows: int
    bytes: int
    seconds: float
    switch_seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    A switch waits for the readers of the moment, and new readers wait behind it. So it waits `lock` at a
    time, lets them pass for `pause` and tries again, for `readers` in all. `loader` is for another publication
    of the same dataset.
    """

    lock: float = 0.04
    pause: float = 0.5
    readers: float = 900
    loader: float = 3600


def publish(
    url: str,
    parquet: Readable,
    *,
    dataset: str | None = None,
    keep_releases: int = 0,
    keep_dependents: bool = False,
    patience: Patience = Patience(),
    encoder: "Encoder | None" = None,
    on_progress: OnProgress | None = None,
) -> Publication:
    """Load `parquet` and make it what readers of `eurostat.<code>` see.

    `dataset`: refuse the file if it is another's. `keep_releases`: how many earlier releases stay, in schema
    `eurostat_releases`. `keep_dependents`: where a dimension went that a view depends on, keep its column,
    with nulls, instead of refusing.

    Raises DatabaseUnavailable, or PublishError: the last good release is then untouched, and
    `eurostat.releases` tells why.
    """
    started = time.monotonic()
    file = read_release_file(parquet, dataset)
    with connect(url) as connection, _only_loader(connection, file, patience):
        books.sweep(connection, file.dataset, keep_releases)
        attempt, child = books.begin(connection, file)
        try:
            size = _load(connection, file, child, encoder, on_progress)
            switching = _switch(connection, file, attempt, child, size, keep_dependents, patience)
        except psycopg2.Error as error:
            books.fail(url, file.dataset, attempt, reason(error))
            raise PublishError(file.dataset, reason(error)) from error
        except BaseException as error:
            books.fail(url, file.dataset, attempt, f"{type(error).__name__}: {error}")
            raise
        seconds = time.monotonic() - started
        books.finish(connection, attempt, seconds)
        rows(connection, sql.SQL("ANALYZE {}").format(sql.Identifier(SCHEMA, file.table)))
        books.sweep(connection, file.dataset, keep_releases)
    return Publication(
        file.dataset, f"{SCHEMA}.{file.table}", file.release, file.data_updated, file.structure_updated,
        file.rows, size, seconds, switching,
    )  # fmt: skip


@contextmanager
def _only_loader(connection: Connection, file: ReleaseFile, patience: Patience) -> Iterator[None]:
    """One publication of a dataset at a time; the lock goes with the connection, however that ends."""
    try:
        rows(connection, "SELECT set_config('lock_timeout', %s, false)", (_milliseconds(patience.loader),))
        rows(connection, "SELECT pg_advisory_lock(%s, hashtext(%s))", (LOCK, file.dataset))
    except psycopg2.errors.LockNotAvailable as error:
        raise AnotherLoader(file.dataset, patience.loader) from error
    yield


def _load(
    connection: Connection,
    file: ReleaseFile,
    child: str,
    encoder: "Encoder | None",
    on_progress: OnProgress | None,
) -> int:
    """The release in a table of its own, counted and analysed; returns its size in bytes."""
    table = sql.Identifier(STORE, child)
    names = [column.name for column in file.columns]
    with transaction(connection) as cursor:
        # Nobody changes these rows again: autovacuum could do nothing here but stand in the way of a switch.
        cursor.execute(
            sql.SQL("CREATE TABLE {} ({}) WITH (autovacuum_enabled = false)").format(
                table, sql.SQL(", ").join(map(column_definition, file.columns))
            )
        )
        with open_parquet(file.parquet) as parquet:
            loaded = copy_into(
                cursor, table, names, parquet.schema_arrow, batches_of(parquet),
                freeze=True, encoder=encoder, on_progress=on_progress,
            )  # fmt: skip
        if loaded != file.rows:
            raise CountMismatch(file.dataset, loaded, file.rows)
        # After the rows: a constant default is then kept once for the table and not in each row.
        cursor.execute(
            sql.SQL("ALTER TABLE {} ADD COLUMN {} text NOT NULL DEFAULT {}").format(
                table, sql.Identifier(SOURCE_COLUMN), sql.Literal(file.dataset)
            )
        )
        cursor.execute(sql.SQL("ANALYZE {}").format(table))
        cursor.execute("SELECT pg_total_relation_size(format('%%I.%%I', %s, %s)::regclass)", (STORE, child))
        (size,) = cursor.fetchone() or (0,)
    return size


def _switch(
    connection: Connection,
    file: ReleaseFile,
    attempt: int,
    child: str,
    size: int,
    keep_dependents: bool,
    patience: Patience,
) -> float:
    """Try until no reader is in the way; returns the seconds of the try that succeeded."""
    deadline = time.monotonic() + patience.readers
    while True:
        started = time.monotonic()
        try:
            with transaction(connection) as cursor:
                # Not to wait for the disk while readers wait for us is safe: a crash can only lose the switch
                # as a whole, and `books.finish` makes it durable before we say that it happened.
                cursor.execute("SET LOCAL synchronous_commit = off")
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", (_milliseconds(patience.lock),))
                switch(cursor, file, child, keep_dependents=keep_dependents)
                books.publish(cursor, file, attempt, size)
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected) as error:
            if time.monotonic() > deadline:
                raise ReadersInTheWay(file.dataset, patience.readers, _readers(connection, file)) from error
            time.sleep(patience.pause)
        else:
            return time.monotonic() - started


def _readers(connection: Connection, file: ReleaseFile) -> list[str]:
    """Who holds a lock on the table or its release, for the message."""
    found = rows(connection, READERS, (SCHEMA, file.table))
    return [f"pid {pid} ({user}, {application})" for pid, user, application in found]


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
