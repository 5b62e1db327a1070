"""How a bulk load changes hands: what is loaded becomes the table's, and what it replaces goes, at one point for readers.

Where nothing has to go, each worker loads its share into a table of its own, made in the same transaction, so that
nothing goes through the log. When all are whole, one short transaction makes them children of the table (PostgreSQL's
inheritance) and records the files.

Where rows have to go (a scope that has some, files that have changed), everything is one transaction over one connection:
COPY into a new child, DELETE, attach, record. The rows that go and those that come then change hands at one point for
every snapshot there may be, which tables that other transactions have loaded cannot do. It costs parallel COPY: 386 to
629 thousand rows/s on two cores.

Whatever dies before the last commit has changed nothing. What is to be loaded is decided in bulk.py.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from psycopg2 import sql

from eurostat_assets.postgres import appending, bulk_state, bulk_tables, folder, roles
from eurostat_assets.postgres.bulk_state import FILE_COLUMN
from eurostat_assets.postgres.bulk_tables import Member
from eurostat_assets.postgres.connection import Connection, Cursor, transaction
from eurostat_assets.postgres.errors import BulkLoadError, FilesRefused
from eurostat_assets.postgres.folder import File, Share
from eurostat_assets.postgres.publication import PATIENCE, Patience
from eurostat_assets.postgres.scope import Predicate
from eurostat_assets.postgres.switching import definitions, relation
from eurostat_assets.postgres.table import STORE, Column
from eurostat_assets.postgres.workers import OnProgress, Workers

Mode = Literal["create", "replace", "append", "scope"]


@dataclass(frozen=True)
class Job:
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
    patience: Patience = PATIENCE


def run(
    connection: Connection, workers: Workers, todo: Job, load: int, jobs: int, on_progress: OnProgress | None
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


def _scope_has_rows(connection: Connection, todo: Job) -> bool:
    with transaction(connection) as cursor:
        return bool(todo.scope and relation(cursor, todo.name) and _has_rows(cursor, todo, todo.scope))


def _has_rows(cursor: Cursor, todo: Job, scope: Predicate) -> bool:
    cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(todo.name, scope.condition))
    return cursor.fetchone() == (True,)


def _shares(todo: Job, load: int, jobs: int) -> list[Share]:
    """The files dealt out in turn, so that shares are about equal."""
    dealt = [tuple(todo.files[first::jobs]) for first in range(jobs)]
    return [
        Share(todo.url, todo.table, f"bulk#{load}_{n}", todo.columns, files)
        for n, files in enumerate(dealt, 1)
        if files
    ]


def _exchange(cursor: Cursor, todo: Job, load: int, on_progress: OnProgress | None) -> int:
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
    bulk_tables.lock_out_readers(cursor, todo.table, todo.name, todo.patience)
    _attach(cursor, todo, [share.child])
    bulk_state.enter(cursor, todo.table, load, todo.files, deleted, count, time.monotonic() - todo.started)
    return count


def _to_delete(todo: Job, member: Member) -> sql.Composable | None:
    """Which rows of one table go; None: none. Raises BulkLoadError where it could not be recorded whose they were."""
    if todo.scope:
        if member.load and not member.has_files:
            raise BulkLoadError(todo.table, f"its files: {appending.OLD}")
        return todo.scope.condition
    numbers = todo.replaced.get(member.load)
    return (
        sql.SQL("{} = ANY({})").format(sql.Identifier(FILE_COLUMN), sql.Literal(numbers)) if numbers else None
    )


def _refuse_rows_outside(cursor: Cursor, todo: Job, children: list[str]) -> None:
    """Raise FilesRefused where a loaded row is not of the scope."""
    outside = bulk_tables.first_outside(cursor, children, todo.scope) if todo.scope else None
    if todo.scope and outside:
        number, value = outside
        raise FilesRefused(
            [file.path for file in todo.files if file.number == number],
            f"a row of it has {todo.scope.column} {'null' if value is None else value}, which is not of the scope"
            f" {todo.scope.text!r}",
        )


def _refuse_files_with_rows_elsewhere(cursor: Cursor, todo: Job, deleted: dict[tuple[int, int], int]) -> None:
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


def _attach(cursor: Cursor, todo: Job, children: list[str]) -> None:
    """Make the loaded children the table's, and with `replace` nothing else."""
    present = relation(cursor, todo.name)
    if present and todo.mode == "replace":
        old = [member for member in bulk_tables.family(cursor, todo.name) if member.name.strings[0] == STORE]
        bulk_tables.lock_out_readers(cursor, todo.table, todo.name, todo.patience, children=True)
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
