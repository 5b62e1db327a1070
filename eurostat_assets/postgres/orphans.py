"""Files of relations that no catalogue names: what a crash leaves of a table that was being made, and PostgreSQL keeps.

Here: finding them, on a server that serves others and on one that lets nobody in yet, and removing them there. Not
here: tables that are in the catalogue and in no record of the mirror (relations.py), and tablespaces beside `base`.
"""

import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import make_dsn

from eurostat_assets.postgres.connection import connect, rows
from eurostat_assets.postgres.errors import DatabaseRefused
from eurostat_assets.postgres.standalone import Standalone

RELATION_FILE = re.compile(r"(\d+)(_fsm|_vm|_init)?(\.\d+)?")
FIRST_NORMAL_OID = 16_384
"""Below are the files of the catalogues that initdb made (PostgreSQL, access/transam.h)."""
INVALID = -2
"""`datconnlimit` of a database that was being dropped (PostgreSQL, catalog/pg_database.h): it cannot be opened."""
IN_USE = (
    "SELECT node::text FROM pg_catalog.pg_class, pg_catalog.pg_relation_filenode(oid) AS node WHERE node > 0"
)
DATABASES = "SELECT oid || ' ' || datconnlimit || ' ' || datname FROM pg_catalog.pg_database"
MAY_LOOK = """
SELECT pg_catalog.has_function_privilege('pg_catalog.pg_ls_dir(text)', 'EXECUTE')
   AND pg_catalog.has_function_privilege('pg_catalog.pg_stat_file(text, boolean)', 'EXECUTE')
   AND pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
"""
# A second, as the clock of a file system is behind the server's.
FILES = """
SELECT name, size, modification < (
    SELECT pg_catalog.min(coalesce(xact_start, pg_catalog.now())) FROM pg_catalog.pg_stat_activity
) - interval '1 second' AND NOT EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts)
FROM (SELECT 'base/' || oid AS folder FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AS own,
    pg_catalog.pg_ls_dir(folder) AS name, pg_catalog.pg_stat_file(folder || '/' || name, true)
WHERE size > 0
"""
HERE = "SELECT oid, datname FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"
ELSEWHERE = """
SELECT oid, datname FROM pg_catalog.pg_database
WHERE datallowconn AND datconnlimit <> -2 AND pg_catalog.has_database_privilege(oid, 'CONNECT') ORDER BY oid
"""


@dataclass(frozen=True, order=True)
class OrphanedFile:
    """A file, by its path in the data folder, that no relation of its database has."""

    path: str
    bytes: int


def orphaned_files(url: str, *, everywhere: bool = True) -> list[OrphanedFile]:
    """Return the orphaned files of every database that the user of `url` may connect to, or of its own only.

    Empty files are none. Others may be at work: what is newer than the oldest transaction that runs may be that one's, and
    is left out. Raises DatabaseRefused where the user may not list the data folder (superusers may), DatabaseUnavailable.
    """
    found: list[OrphanedFile] = []
    with connect(url) as connection:
        if not rows(connection, MAY_LOOK)[0][0]:
            raise DatabaseRefused(
                str(connection.info.host),
                f"{connection.info.user} may not list the server's files; a superuser may",
            )
        databases = rows(connection, ELSEWHERE if everywhere else HERE)
    for oid, name in databases:
        with connect(make_dsn(url, dbname=name)) as connection:
            # The files first: the table of a transaction that ended meanwhile is then in the catalogue that is read after.
            files = [(file, size) for file, size, settled in rows(connection, FILES) if settled]
            in_use = {int(number) for (number,) in rows(connection, IN_USE)}
        sizes = dict(files)
        found += [OrphanedFile(f"base/{oid}/{file}", sizes[file]) for file in orphans(sizes, in_use)]
    return found


def remove_orphaned_files(server: Standalone) -> list[OrphanedFile]:
    """Remove the orphaned files of a cluster whose server does not run, and return them; the cluster is recovered first.

    Nothing can be made meanwhile, so whatever no catalogue names is nobody's. Raises EmbeddedServerError where a
    database does not open; its files stay, and those of the databases after it.
    """
    databases = [line.split(" ", 2) for line in server.column("template1", DATABASES)]
    if any((server.data / "pg_twophase").iterdir()):
        return []  # a prepared transaction has files that no catalogue shows yet
    base, found = server.data / "base", list[OrphanedFile]()
    for folder in _numbered(base, {int(oid) for oid, _, _ in databases}):
        size = sum(file.stat().st_size for file in folder.iterdir())
        shutil.rmtree(folder)
        found.append(OrphanedFile(f"base/{folder.name}", size))
    for oid, limit, name in databases:
        if int(limit) == INVALID or not (base / oid).is_dir():
            continue
        in_use = {int(number) for number in server.column(name, IN_USE)}
        for file in orphans([path.name for path in (base / oid).iterdir()], in_use):
            path = base / oid / file
            found.append(OrphanedFile(f"base/{oid}/{file}", path.stat().st_size))
            path.unlink()
    return found


def orphans(names: Iterable[str], in_use: Collection[int]) -> Iterator[str]:
    """The names of files of a database's folder that are a relation's whose number is not `in_use`."""
    for name in names:
        parts = RELATION_FILE.fullmatch(name)
        if parts and int(parts[1]) >= FIRST_NORMAL_OID and int(parts[1]) not in in_use:
            yield name


def _numbered(base: Path, known: Collection[int]) -> list[Path]:
    """The folders of `base` that are a database's which is not `known`: it was being created, or dropped."""
    return [
        folder
        for folder in base.iterdir()
        if folder.name.isdecimal() and int(folder.name) >= FIRST_NORMAL_OID and int(folder.name) not in known
    ]
