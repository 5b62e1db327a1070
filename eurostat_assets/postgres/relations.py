"""What tables the mirror's two schemas have, and which of them something refers to.

For the audit, which names the others. A table is referred to while rows of it can be read through another one, or
while a record of this mirror says that it is in use. Not here: what is said about the others (audit/belonging.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eurostat_assets.postgres.connection import connect, rows, transaction
from eurostat_assets.postgres.table import SCHEMA, STORE, codes_of

# A table with a parent (inheritance or partition) is read through that; one of an extension is the extension's.
TABLES = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('r', 'p', 'f', 'm') AND relname <> ALL(%s)
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)
  AND NOT EXISTS (SELECT FROM pg_depend
                  WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
"""
RELEASES = """
SELECT stored_as, dataset,
       state IN ('published', 'superseded') OR state = 'loading' AND started_at > now() - interval '1 day'
FROM eurostat.releases WHERE stored_as IS NOT NULL
"""
BULK = """
SELECT relname, table_name,
       state = 'loaded' OR state = 'loading' AND EXISTS (
           SELECT FROM eurostat.held_locks WHERE name = 'bulk:' || table_name)
FROM pg_class JOIN eurostat.bulk_loads ON starts_with(relname, format('bulk#%%s_', id))
WHERE relnamespace = to_regnamespace(%s)
"""


@dataclass(frozen=True)
class RelationSizes:
    """Tables that are none of our own records, by name, in bytes; see `audit.Relations`."""

    tables: Mapping[str, int]
    releases: Mapping[str, int]
    referred: frozenset[str]
    removed_by: Mapping[str, str]


def relation_sizes(url: str) -> RelationSizes:
    """The tables of both schemas of the mirror, and the releases that something refers to."""
    with connect(url) as connection, transaction(connection) as cursor:
        # Tables and records of one moment: a publication goes on in both at once.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        loaded = [name for (name,) in rows(connection, "SELECT table_name FROM eurostat.bulk_loads")]
        by_hand = [name.removeprefix(f"{SCHEMA}.") for name in loaded]
        tables = dict(rows(connection, TABLES, (SCHEMA, [*own_tables(), *by_hand])))
        releases = dict(rows(connection, TABLES, (STORE, [])))
        published = rows(connection, RELEASES)
        bulk = rows(connection, BULK, (STORE,))
        datasets = rows(connection, "SELECT lower(dataset) FROM eurostat.datasets WHERE release IS NOT NULL")
    referred = {f"{name}{suffix}" for (name,) in datasets for suffix in ("#coded", "#codes")}
    removed_by: dict[str, str] = {}
    for name, dataset, in_use in published:
        for stored in (name, codes_of(name)):
            if in_use:
                referred.add(stored)
            else:
                removed_by[stored] = f"publication of {dataset}"
    for name, table, in_use in bulk:
        if in_use:
            referred.add(name)
        else:
            removed_by[name] = f"load into {table}"
    return RelationSizes(tables, releases, frozenset(referred), removed_by)


def own_tables() -> set[str]:
    """The tables in schema eurostat that the mirror keeps for itself: those that its migrations make."""
    made = "".join(file.read_text() for file in Path(__file__).parent.glob("migrations/*.sql"))
    return {
        "migrations",
        *re.findall(rf"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?{SCHEMA}\.(\w+)", made),
    }
