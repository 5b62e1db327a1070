"""Any folder of Parquet files into one table, however many and small they are, by COPY.

Where nothing has to go, each worker loads its share into a table of its own, made in the same transaction, so that
nothing goes through the log. When all are whole, one short transaction makes them children of the table (PostgreSQL's
inheritance) and records the files.

Where rows have to go (a scope that has some, files that have changed), everything is one transaction over one connection:
COPY into a new child, DELETE, attach, record. The rows that go and those that come then change hands at one point for
every snapshot there may be, which tables that other transactions have loaded cannot do. It costs parallel COPY: 386 to
629 thousand rows/s on two cores.

Whatever dies before the last commit has changed nothing, and no file is loaded twice.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import psycopg2
from psycopg2 import sql

from eurostat_assets.postgres import appending, bulk_state, bulk_tables, folder, roles
from eurostat_assets.postgres.bulk_state import FILE_COLUMN, LOCK
from eurostat_assets.postgres.bulk_tables import Member
from eurostat_assets.postgres.connection import Connection, Cursor, connect, reason, rows, transaction
from eurostat_assets.postgres.errors import BulkLoadError, FilesRefused
from eurostat_assets.postgres.folder import File, Share
from eurostat_assets.postgres.loaders import SESSION
from eurostat_assets.postgres.migrations import migrate
from eurostat_assets.postgres.scope import Predicate, Scope, typed
from eurostat_assets.postgres.switching import Relation, definitions, relation
from eurostat_assets.postgres.table import STORE, Column
from eurostat_assets.postgres.workers import OnProgress, Workers

Mode = Literal["create", "replace", "append", "scope"]
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
        skipped = f"; {self.skipped:,} files were there already" if self.skipped else ""
        deleted = f"; {self.deleted:,} rows were there before" if self.deleted is not None else ""
        return f"{self.table}: {self.rows:,} rows from {self.files:,} files in {self.seconds:.1f} s{deleted}{skipped}"


@dataclass(frozen=True)
class _Job:
    """What is to be done: `files` into `table`, in place of the rows of `scope` or of the `replaced` files."""

    url: str
    table: str
    name: sql.Identifier
    mode: Mode
    columns: tuple[Column, ...]
    files: list[File]
    scope: Predicate | None = None
    replaced: dict[int, list[int]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)


def load_parquet(
    url: str,
    paths: Iterable[Path],
    table: str,
    *,
    mode: Mode = "create",
    scope: str | None = None,
    jobs: int = 1,
    on_progress: OnProgress | None = None,
) -> BulkLoad:
    """Load all files of `paths` into `table` (`schema.name`).

    The table must not exist yet (`create`), gives its rows away (`replace`), is added to, without the files that are in
    it already (`append`), or gives the rows of `scope` away (`scope`; see scope.py). `jobs` processes share the work;
    `on_progress` gets the rows done and the rows in all.

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
    migrate(url)
    with connect(url) as connection, Workers.of(jobs) as workers:
        rows(connection, SESSION)
        rows(connection, "SELECT pg_advisory_lock(%s, hashtext(%s))", (LOCK, table))
        bulk_tables.clear_leftovers(connection, table)
        with transaction(connection) as cursor:
            present = relation(cursor, name)
            if present:
                columns = _columns_of_table(table, present, columns, mode)
            predicate = typed(cursor, wanted, name, _types(present, columns)) if wanted else None
        files = _numbered(workers.describe(found, schema))
        todo = _Job(url, table, name, mode, columns, files, predicate, started=started)
        if present and mode == "append":
            plan = appending.plan(connection, table, name, columns, files)
            todo = replace(todo, files=_numbered(plan.pending), replaced=plan.replaced)
        roles.prepare_schema(url, name.strings[0])
        load = bulk_state.begin(connection, table, mode, predicate.text if predicate else None)
        try:
            deleted = _run(connection, workers, todo, load, jobs, on_progress)
            rows(connection, sql.SQL("ANALYZE {}").format(name))
        except BaseException as error:
            bulk_state.fail(connection, load, error)
            if not connection.closed:
                bulk_tables.clear_leftovers(connection, table)
            if isinstance(error, psycopg2.Error):
                raise BulkLoadError(table, reason(error)) from error
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


def _identifier(table: str) -> sql.Identifier:
    parts = table.split(".")
    if len(parts) != 2 or not all(parts):
        raise BulkLoadError(table, "a table is named as schema.name")
    return sql.Identifier(*parts)


def _numbered(files: list[File]) -> list[File]:
    return [replace(file, number=number) for number, file in enumerate(files, start=1)]


def _types(present: Relation | None, columns: tuple[Column, ...]) -> dict[str, str]:
    return {column.name: column.type for column in (present.columns.values() if present else columns)}


def _columns_of_table(
    table: str, present: Relation, columns: tuple[Column, ...], mode: Mode
) -> tuple[Column, ...]:
    """The columns as the table has them, in the order of the files. Raises BulkLoadError where these do not fit."""
    if mode == "create":
        raise BulkLoadError(table, "it exists already: add to it with append, or replace it")
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


def _run(
    connection: Connection, workers: Workers, todo: _Job, load: int, jobs: int, on_progress: OnProgress | None
) -> int:
    """Load, by the way that fits; returns how many rows went."""
    if todo.replaced or _scope_has_rows(connection, todo):
        with transaction(connection) as cursor:
            return _exchange(cursor, todo, load, on_progress)
    children = workers.load(_shares(todo, load, jobs), on_progress)
    with transaction(connection) as cursor:
        if todo.scope and relation(cursor, todo.name):
            # No rows come between this look and the end of the transaction.
            cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(todo.name))
            if _has_rows(cursor, todo, todo.scope):
                raise BulkLoadError(
                    todo.table, "somebody wrote rows of the scope while it was loaded: run it again"
                )
        _refuse_rows_outside(cursor, todo, children)
        _attach(cursor, todo, children)
        bulk_state.enter(cursor, todo.table, load, todo.files, {}, 0, time.monotonic() - todo.started)
    return 0


def _scope_has_rows(connection: Connection, todo: _Job) -> bool:
    with transaction(connection) as cursor:
        return bool(todo.scope and relation(cursor, todo.name) and _has_rows(cursor, todo, todo.scope))


def _has_rows(cursor: Cursor, todo: _Job, scope: Predicate) -> bool:
    cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(todo.name, scope.condition))
    return cursor.fetchone() == (True,)


def _shares(todo: _Job, load: int, jobs: int) -> list[Share]:
    """The files dealt out in turn, so that shares are about equal."""
    dealt = [tuple(todo.files[first::jobs]) for first in range(jobs)]
    return [
        Share(todo.url, f"bulk#{load}_{n}", todo.columns, files) for n, files in enumerate(dealt, 1) if files
    ]


def _exchange(cursor: Cursor, todo: _Job, load: int, on_progress: OnProgress | None) -> int:
    """Load the files and delete the rows they replace, within one transaction; returns how many rows went."""
    total = sum(file.rows for file in todo.files)
    share = _shares(todo, load, 1)[0]
    report: Callable[[int], None] = lambda done: on_progress(done, total) if on_progress else None  # noqa: E731
    folder.fill(cursor, share, report, freeze=False)
    _refuse_rows_outside(cursor, todo, [share.child])
    # A child whose scope is another one need not be read.
    cursor.execute("SET LOCAL constraint_exclusion = on")
    deleted: dict[tuple[int, int], int] = {}
    count = 0
    for member in bulk_tables.family(cursor, todo.name):
        condition = _to_delete(todo, member)
        if condition:
            gone = bulk_tables.delete(cursor, member, condition)
            count += sum(gone.values())
            deleted |= {(member.load, number): n for number, n in gone.items() if number}
    _refuse_files_with_rows_elsewhere(cursor, todo, deleted)
    bulk_tables.lock_out_readers(cursor, todo.table, todo.name)
    _attach(cursor, todo, [share.child])
    bulk_state.enter(cursor, todo.table, load, todo.files, deleted, count, time.monotonic() - todo.started)
    return count


def _to_delete(todo: _Job, member: Member) -> sql.Composable | None:
    """Which rows of one table go; None: none. Raises BulkLoadError where it could not be recorded whose they were."""
    if todo.scope:
        if member.load and not member.has_files:
            raise BulkLoadError(todo.table, f"its files: {appending.OLD}")
        return todo.scope.condition
    numbers = todo.replaced.get(member.load)
    return (
        sql.SQL("{} = ANY({})").format(sql.Identifier(FILE_COLUMN), sql.Literal(numbers)) if numbers else None
    )


def _refuse_rows_outside(cursor: Cursor, todo: _Job, children: list[str]) -> None:
    """Raise FilesRefused where a loaded row is not of the scope."""
    outside = bulk_tables.first_outside(cursor, children, todo.scope) if todo.scope else None
    if todo.scope and outside:
        number, value = outside
        raise FilesRefused(
            [file.path for file in todo.files if file.number == number],
            f"a row of it has {todo.scope.column} {'null' if value is None else value}, which is not of the scope"
            f" {todo.scope.text!r}",
        )


def _refuse_files_with_rows_elsewhere(
    cursor: Cursor, todo: _Job, deleted: dict[tuple[int, int], int]
) -> None:
    """Raise FilesRefused where a file's earlier state has rows in the table that stay, beside those it has now."""
    recorded = bulk_state.recorded_files(cursor.connection, todo.table)
    known = {file: recorded[str(file.path)] for file in todo.files if str(file.path) in recorded}
    doubtful = {
        file: (entry.load, entry.number or 0)
        for file, entry in known.items()
        if entry.replaced + deleted.get((entry.load, entry.number or 0), 0) < entry.rows
    }
    if not doubtful:
        return
    there = bulk_tables.count_files(cursor, todo.name, {load for load, _ in doubtful.values()})
    if twice := [file.path for file, key in doubtful.items() if there.get(key)]:
        raise FilesRefused(
            twice,
            f"when they were loaded into {todo.table} before, they had rows outside the scope, which would stay: choose a"
            " scope that covers those, too",
        )


def _attach(cursor: Cursor, todo: _Job, children: list[str]) -> None:
    """Make the loaded children the table's, and with `replace` nothing else."""
    present = relation(cursor, todo.name)
    if present and todo.mode == "replace":
        old = [member for member in bulk_tables.family(cursor, todo.name) if member.name.strings[0] == STORE]
        bulk_tables.lock_out_readers(cursor, todo.table, todo.name)
        cursor.execute(sql.SQL("TRUNCATE {}").format(todo.name))
        for member in old:
            cursor.execute(sql.SQL("DROP TABLE {}").format(member.name))
    if not present:
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(todo.name, definitions(todo.columns)))
    if not present or todo.mode == "replace":
        bulk_state.forget(cursor, todo.table)
    bulk_tables.attach(cursor, todo.name, children, todo.scope)
    ours = [todo.name] if not present or bulk_state.made(cursor, todo.table) else []
    family = bulk_tables.family(cursor, todo.name)
    roles.hand_over_tables(cursor, [*ours, *(member.name for member in family if member.load)])
    roles.let_read(cursor, todo.name)
