"""Publishing one dataset's release: load it aside, then switch readers over.

Two transactions: a long one that makes and loads the release's own table, which nobody looks at, and a short
one that switches readers over and writes the books. Whatever dies in between leaves readers where they were;
the next publication of the dataset removes what it left.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from eurostat_assets.postgres import books
from eurostat_assets.postgres.connection import (
    Connection,
    Cursor,
    connect,
    is_lost,
    reason,
    rows,
    transaction,
    wait_for_locks,
)
from eurostat_assets.postgres.conversion import make_way
from eurostat_assets.postgres.errors import (
    ConnectionLost,
    CountMismatch,
    NewerPublished,
    PublishError,
    ReadersInTheWay,
)
from eurostat_assets.postgres.indexes import create_indexes
from eurostat_assets.postgres.loaders import become_only_loader
from eurostat_assets.postgres.loading import OnProgress, batches_of, copy_into
from eurostat_assets.postgres.publication import PATIENCE, STORAGE, Patience, Publication, Storage
from eurostat_assets.postgres.switching import Parent, definitions, switch
from eurostat_assets.postgres.table import (
    SCHEMA,
    SOURCE,
    SOURCE_COLUMN,
    STORE,
    Readable,
    ReleaseFile,
    coded_parent,
    codes_of,
    codes_parent,
    open_parquet,
    read_release_file,
    readable,
)
from eurostat_assets.postgres.waiting import LOCKED, Tries

if TYPE_CHECKING:
    from eurostat_assets.postgres.encoding import Encoder

log = logging.getLogger(__name__)

SIZE = """
SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
WHERE relnamespace = %s::regnamespace AND relname IN (%s, %s)
"""


def publish(
    url: str,
    parquet: Readable,
    *,
    dataset: str | None = None,
    storage: Storage = STORAGE,
    patience: Patience = PATIENCE,
    encoder: "Encoder | None" = None,
    on_progress: OnProgress | None = None,
    read_seconds: float | None = None,
) -> Publication:
    """Load `parquet` and make it what readers of `eurostat.<code>` see; with `dataset`, only if it is that one's.

    `read_seconds`: what making the file took, for the books.

    Raises DatabaseUnavailable, OSError where the file cannot be opened, or PublishError: the last good release
    is then untouched, and `eurostat.releases` tells why; but for NewerPublished, which is no failure of the dataset.
    """
    started = time.monotonic()
    file = read_release_file(parquet, dataset)
    with connect(url) as connection:
        become_only_loader(connection, file.dataset, patience.loader)
        if newer := books.newer_than(connection, file):
            raise NewerPublished(file.dataset, file.release, newer)
        books.sweep(connection, file.dataset, storage.keep_releases)
        attempt, child = books.begin(connection, file, read_seconds)
        with _failures_recorded(url, file, attempt, patience.retry):
            size = _load(connection, file, child, storage, encoder, on_progress)
            switching = _switch_patiently(connection, file, attempt, child, size, storage, patience)
            seconds = time.monotonic() - started
            books.finish(connection, attempt, seconds)
        _tidy_up(connection, file, storage)
    return Publication(
        file.dataset, f"{SCHEMA}.{file.table}", file.release, file.data_updated, file.structure_updated,
        file.rows, size, seconds, switching,
    )  # fmt: skip


@contextmanager
def _failures_recorded(url: str, file: ReleaseFile, attempt: int, retry: float) -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as error:
        books.fail(url, file.dataset, attempt, reason(error), retry)
        kind = ConnectionLost if is_lost(error) else PublishError
        raise kind(file.dataset, reason(error)) from error
    except BaseException as error:
        books.fail(url, file.dataset, attempt, f"{type(error).__name__}: {error}", retry)
        raise


def _load(
    connection: Connection,
    file: ReleaseFile,
    child: str,
    storage: Storage,
    encoder: "Encoder | None",
    on_progress: OnProgress | None,
) -> int:
    """The release in a table of its own, counted, indexed and analysed; returns its size in bytes."""
    from eurostat_assets.postgres import coded

    table = sql.Identifier(STORE, child)
    coder = coded.Coder(file.dataset, file.columns) if storage.codes == "smallint" else None
    columns = coded.coded_columns(file.columns) if coder else file.columns
    with transaction(connection) as cursor:
        # Nobody changes these rows again: autovacuum could do nothing here but stand in the way of a switch.
        cursor.execute(
            sql.SQL("CREATE TABLE {} ({}) WITH (autovacuum_enabled = false)").format(
                table, definitions(columns)
            )
        )
        with readable(file.parquet, file.dataset), open_parquet(file.parquet) as parquet:
            batches = batches_of(parquet)
            loaded = copy_into(
                cursor, table, [column.name for column in file.columns], parquet.schema_arrow,
                coder.coded(batches) if coder else batches,
                freeze=True, encoder=encoder, on_progress=on_progress,
            )  # fmt: skip
        if loaded != file.rows:
            raise CountMismatch(file.dataset, loaded, file.rows)
        if coder:
            coded.load_codes(cursor, child, coder)
        # After the rows: a constant default is then kept once for the table and not in each row.
        cursor.execute(
            sql.SQL("ALTER TABLE {} ADD COLUMN {} text NOT NULL DEFAULT {}").format(
                table, sql.Identifier(SOURCE_COLUMN), sql.Literal(file.dataset)
            )
        )
        create_indexes(cursor, table, file, storage.indexes)
        cursor.execute(sql.SQL("ANALYZE {}").format(table))
        cursor.execute(SIZE, (STORE, child, codes_of(child)))
        (size,) = cursor.fetchone() or (0,)
    return size


def _switch_patiently(
    connection: Connection,
    file: ReleaseFile,
    attempt: int,
    child: str,
    size: int,
    storage: Storage,
    patience: Patience,
) -> float:
    """Try until no session is in the way; returns the seconds of the try that succeeded."""
    stored = [
        sql.Identifier(STORE, name) for name in (child, coded_parent(file.table), codes_parent(file.table))
    ]
    name = sql.Identifier(SCHEMA, file.table)
    tries = Tries(connection, f"{file.dataset}: its switch", [name, *stored], patience)
    for wait in tries:
        started = time.monotonic()
        try:
            with transaction(connection) as cursor:
                # Not to wait for the disk while readers wait for us is safe: a crash can only lose the switch
                # as a whole, and `books.finish` makes it durable before we say that it happened.
                cursor.execute("SET LOCAL synchronous_commit = off")
                wait_for_locks(cursor, wait)
                ours = books.enter(cursor, file, attempt, size)
                is_new = _switch(cursor, file, child, storage)
                books.comment(cursor, file, {} if is_new else ours)
        except LOCKED:
            continue
        return time.monotonic() - started
    raise ReadersInTheWay(file.dataset, patience.readers, tries.in_the_way)


def _switch(cursor: Cursor, file: ReleaseFile, child: str, storage: Storage) -> bool:
    """Switch readers over, by the way of storing; returns whether it is another one than before."""
    from eurostat_assets.postgres import coded

    name = sql.Identifier(SCHEMA, file.table)
    if storage.codes == "smallint":
        with make_way(cursor, file, name, "p") as is_new:
            coded.switch_coded(cursor, file, child, keep_dependents=storage.keep_dependents)
    else:
        parent = Parent(file.dataset, name, SOURCE_COLUMN, (*file.columns, SOURCE))
        with make_way(cursor, file, name, "v") as is_new:
            switch(cursor, parent, sql.Identifier(STORE, child), keep_dependents=storage.keep_dependents)
    return is_new


def _tidy_up(connection: Connection, file: ReleaseFile, storage: Storage) -> None:
    """What may as well fail once the release is published: statistics of the whole, and earlier releases."""
    # The release itself was analysed when it was loaded; older servers know no ONLY and do it once more.
    only = sql.SQL("ONLY " if connection.server_version >= 180000 else "")
    name = sql.Identifier(SCHEMA, file.table)
    try:
        if storage.codes == "text":
            rows(connection, sql.SQL("ANALYZE {}{}").format(only, name))
        books.sweep(connection, file.dataset, storage.keep_releases)
    except psycopg2.Error as error:
        log.warning("%s is published, but not tidied up: %s", file.dataset, reason(error))
