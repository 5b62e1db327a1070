"""Any folder of Parquet files into one table, however many and small they are, by COPY.

Here: what is asked for, and whether the files and the table allow it; the result. How the rows come to be the table's is
in bulk_transactions.py. Whatever fails has changed nothing, and no file is loaded twice.
"""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import psycopg2.errors
from psycopg2 import sql

from eurostat_assets.postgres import appending, bulk_state, bulk_tables, folder, roles, session_locks
from eurostat_assets.postgres.bulk_transactions import Job, Mode, run
from eurostat_assets.postgres.connection import connect, reason, rows, transaction
from eurostat_assets.postgres.errors import BulkLoadError
from eurostat_assets.postgres.folder import File
from eurostat_assets.postgres.loaders import SESSION
from eurostat_assets.postgres.migrations import migrate
from eurostat_assets.postgres.publication import PATIENCE, Patience
from eurostat_assets.postgres.scope import Scope, typed
from eurostat_assets.postgres.switching import Relation, relation
from eurostat_assets.postgres.table import STORE, Column
from eurostat_assets.postgres.workers import OnProgress, Workers

LEAST_ROW = 36
"""Bytes that a row takes at least, whatever is in it: its header, its place in the page, the number of its file."""
TEXTS = ("character varying", "character(")


@dataclass(frozen=True)
class BulkLoad:
    """What was loaded; `skipped` files had been loaded before.

    `deleted` rows were in the table in place of the `rows` loaded; None where the load was only to add.
    """

    table: str
    rows: int
    files: int
    skipped: int
    deleted: int | None
    seconds: float

    def __str__(self) -> str:
        """In a sentence without its end."""
        were = "file was" if self.skipped == 1 else "files were"
        skipped = f"; {self.skipped:,} {were} there already" if self.skipped else ""
        deleted = f"; {self.deleted:,} rows were there before" if self.deleted is not None else ""
        files = f"{self.files:,} {'file' if self.files == 1 else 'files'}"
        rows = f"{self.rows:,} {'row' if self.rows == 1 else 'rows'}"
        return f"{self.table}: {rows} from {files} in {self.seconds:.1f} s{deleted}{skipped}"


def load_parquet(
    url: str,
    paths: Iterable[Path],
    table: str,
    *,
    mode: Mode = "create",
    scope: str | None = None,
    jobs: int = 1,
    on_progress: OnProgress | None = None,
    patience: Patience = PATIENCE,
    room: int | None = None,
) -> BulkLoad:
    """Load all files of `paths` into `table` (`schema.name`).

    The table must not exist yet (`create`), gives its rows away (`replace`), is added to, without the files that are in
    it already (`append`), or gives the rows of `scope` away (`scope`; see scope.py). `jobs` processes share the work;
    `on_progress` gets the rows done and the rows in all. `room`: bytes that the table may take, None where nobody knows.

    Raises MalformedScope and FilesRefused before the table is touched, and BulkLoadError; the table is then as it was.
    """
    started = time.monotonic()
    if (mode == "scope") != (scope is not None):
        raise BulkLoadError(table, "mode scope needs a scope, and no other mode takes one")
    wanted = Scope.parse(scope) if scope is not None else None
    name = _identifier(table)
    found = folder.parquet_files(paths)
    if not found:
        raise BulkLoadError(table, "there are no Parquet files")
    schema = folder.schema_of(found[0])
    columns = folder.columns_of(found[0], schema)
    migrate(url, patience)
    with connect(url) as connection, Workers.of(jobs) as workers:
        rows(connection, SESSION)
        session_locks.lock(connection, f"bulk:{table}", math.inf)
        bulk_tables.clear_leftovers(connection, table)
        with transaction(connection) as cursor:
            present = relation(cursor, name)
            if present:
                columns = _columns_of_table(table, present, columns, mode)
            predicate = typed(cursor, wanted, name, _types(present, columns)) if wanted else None
        files = _numbered(workers.describe(found, schema))
        todo = Job(url, table, name, mode, columns, files, predicate, started=started, patience=patience)
        if present and mode == "append":
            plan = appending.plan(connection, table, name, columns, files)
            todo = replace(todo, files=_numbered(plan.pending), replaced=plan.replaced)
        _refuse_beyond(room, table, todo.files)
        roles.prepare_schema(url, name.strings[0], patience.limits)
        load = bulk_state.begin(connection, table, mode, predicate.text if predicate else None)
        try:
            deleted = run(connection, workers, todo, load, jobs, on_progress)
            rows(connection, sql.SQL("ANALYZE {}").format(name))
        except BaseException as error:
            bulk_state.fail(connection, load, error)
            if not connection.closed:
                bulk_tables.clear_leftovers(connection, table)
            if isinstance(error, psycopg2.Error):
                hint = f"; ALTER TABLE {table} OWNER TO {roles.OWNER} lets us" if _not_ours(error) else ""
                raise BulkLoadError(table, reason(error) + hint) from error
            raise
    return BulkLoad(
        table, sum(file.rows for file in todo.files), len(todo.files), len(files) - len(todo.files),
        deleted if todo.scope or todo.replaced else None, time.monotonic() - started,
    )  # fmt: skip


def count_rows(url: str, table: str) -> int:
    """How many rows the table has now, counted."""
    with connect(url) as connection:
        ((count,),) = rows(connection, sql.SQL("SELECT count(*) FROM {}").format(_identifier(table)))
    return count


def _not_ours(error: psycopg2.Error) -> bool:
    return isinstance(error, psycopg2.errors.InsufficientPrivilege)


def _identifier(table: str) -> sql.Identifier:
    parts = table.split(".")
    if len(parts) != 2 or not all(parts):
        raise BulkLoadError(table, "a table is named as schema.name")
    if not all(map(folder.fits, parts)):
        raise BulkLoadError(table, f"a schema or table name has at most {folder.NAME_BYTES} bytes")
    if parts[0] in (STORE, "information_schema") or parts[0].startswith("pg_"):
        raise BulkLoadError(table, f"schema {parts[0]} is not for tables of users: choose another one")
    return sql.Identifier(*parts)


def _refuse_beyond(room: int | None, table: str, files: list[File]) -> None:
    count = sum(file.rows for file in files)
    if room is not None and count * LEAST_ROW > room:
        raise BulkLoadError(
            table,
            f"its files have {count:,} rows, which take {count * LEAST_ROW / 1e6:,.0f} MB at least, and there is room for"
            f" {max(0, room) / 1e6:,.0f} MB where the database is: free some, or load fewer files",
        )


def _numbered(files: list[File]) -> list[File]:
    return [replace(file, number=number) for number, file in enumerate(files, start=1)]


def _types(present: Relation | None, columns: tuple[Column, ...]) -> dict[str, str]:
    return {column.name: column.type for column in (present.columns.values() if present else columns)}


def _columns_of_table(
    table: str, present: Relation, columns: tuple[Column, ...], mode: Mode
) -> tuple[Column, ...]:
    """The columns as the table has them, in the order of the files. Raises BulkLoadError where these do not fit."""
    if mode == "create":
        raise BulkLoadError(
            table, "it exists already; choose append, replace or scope (--append, --replace, --scope)"
        )
    if present.kind != "r":
        raise BulkLoadError(table, "it is no plain table but a view or partitioned: name another one")
    theirs = {column.name: column for column in columns}
    if odd := sorted(theirs.keys() ^ present.columns.keys()):
        raise BulkLoadError(table, f"its columns are not those of the files: they differ in {', '.join(odd)}")
    for column in columns:
        kind = present.columns[column.name].type
        if kind != column.type and not (column.type == "text" and kind.startswith(TEXTS)):
            raise BulkLoadError(
                table, f"its column {column.name} is {kind}, and that of the files {column.type}"
            )
    return tuple(present.columns[column.name] for column in columns)
