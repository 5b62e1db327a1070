"""What a load has to do so that each of its files is in the table once: which to load, which to put in place of old rows.

The records are not believed but compared with the rows that are there. Not here: the loading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from psycopg2 import sql

from eurostat_assets.postgres import bulk_state, bulk_tables
from eurostat_assets.postgres.bulk_state import Recorded
from eurostat_assets.postgres.connection import Connection, transaction
from eurostat_assets.postgres.errors import FilesRefused, MalformedScope
from eurostat_assets.postgres.folder import File
from eurostat_assets.postgres.scope import Scope
from eurostat_assets.postgres.table import Column, open_parquet

OLD = "they were loaded by an earlier version, which did not keep which rows are of which file: load all with --replace"


@dataclass(frozen=True)
class Appending:
    """The files to load, and the files (by load and number) whose rows go because they are loaded again."""

    pending: list[File]
    replaced: dict[int, list[int]]


def plan(
    connection: Connection, table: str, name: sql.Identifier, columns: Sequence[Column], files: Sequence[File]
) -> Appending:
    """Compare the files with the records, and the records with the rows. Raises FilesRefused, which tells what helps."""
    recorded = bulk_state.recorded_files(connection, table)
    known = {file: recorded[str(file.path)] for file in files if str(file.path) in recorded}
    if old := [file.path for file, entry in known.items() if entry.number is None]:
        raise FilesRefused(old, OLD)
    if gone := [file.path for file, entry in known.items() if entry.replaced]:
        raise FilesRefused(
            gone,
            f"rows of theirs in {table} were replaced by a later load of a scope: leave them out, or load all files of"
            " that scope again by --scope",
        )
    changed = {file: entry for file, entry in known.items() if not _same(file, entry)}
    same = {file: entry for file, entry in known.items() if file not in changed}
    _compare(connection, table, name, columns, same)
    replaced: dict[int, list[int]] = {}
    for entry in changed.values():
        replaced.setdefault(entry.load, []).append(entry.number or 0)
    return Appending([file for file in files if file not in same], replaced)


def _same(file: File, entry: Recorded) -> bool:
    return (file.size, file.modified_ns) == (entry.size, entry.modified_ns)


def _compare(
    connection: Connection,
    table: str,
    name: sql.Identifier,
    columns: Sequence[Column],
    same: Mapping[File, Recorded],
) -> None:
    """Raise FilesRefused where the table has not the rows of a file that was loaded into it."""
    with transaction(connection) as cursor:
        there = bulk_tables.count_files(cursor, name, {entry.load for entry in same.values()})
    odd = {
        file: there.get((entry.load, entry.number or 0), 0)
        for file, entry in same.items()
        if there.get((entry.load, entry.number or 0), 0) != entry.rows
    }
    if not odd:
        return
    rows, found = sum(same[file].rows for file in odd), sum(odd.values())
    remedy = _mending_scope([file.path for file in odd], columns, bulk_state.last_scope(connection, table))
    helps = (
        f"load all files of its rows again with --scope {remedy!r}" if remedy else "load all with --replace"
    )
    raise FilesRefused(
        [file.path for file in odd],
        f"{rows:,} rows were loaded from them into {table}, and {found:,} are there now: somebody changed it. To mend it,"
        f" {helps}",
    )


def _mending_scope(paths: Sequence[Path], columns: Sequence[Column], last: str | None) -> str | None:
    """The days that these files are of, as a scope: by the column of the `last` scope, else the first one with days."""
    days = [column.name for column in columns if column.type == "date" or column.type.startswith("timestamp")]
    wanted = _column_of(last)
    column = wanted if wanted in days else next(iter(days), None)
    values = [value for path in paths for value in _range(path, column)] if column else []
    if not values:
        return None
    name = column if column and column.isidentifier() else f'"{column}"'
    first, end = min(values), max(values) + timedelta(days=1)
    if end - first == timedelta(days=1):
        return f"{name} = {first}"
    return f"{name} >= {first} AND {name} < {end}"


def _column_of(scope: str | None) -> str | None:
    try:
        return Scope.parse(scope).column if scope else None
    except MalformedScope:
        return None


def _range(path: Path, column: str) -> list[date]:
    """The first and the last day of a file's column; none where it has no values."""
    import pyarrow.compute as pc

    with open_parquet(path) as parquet:
        about, place = parquet.metadata, parquet.schema_arrow.names.index(column)
        groups = [about.row_group(n).column(place).statistics for n in range(about.num_row_groups)]
        if all(group is not None and group.has_min_max for group in groups):
            return [_day(value) for group in groups for value in (group.min, group.max)]
        values = pc.call_function("min_max", [parquet.read([column]).column(0)]).as_py()
        return [_day(value) for value in values.values() if value is not None]


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value
