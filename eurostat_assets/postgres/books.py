"""The books: `eurostat.datasets` and `eurostat.releases`, as a publication goes on.

Every attempt is entered before anything else happens, so that whatever a dead loader left behind can be found
and removed by the next one. Not here: what the attempt does.
"""

import json
import logging

import psycopg2
from psycopg2 import sql

from eurostat_assets.model.messages import message
from eurostat_assets.postgres.connection import Connection, Cursor, connect, reason, rows, transaction
from eurostat_assets.postgres.table import SCHEMA, SOURCE, STORE, ReleaseFile, child_name, codes_of

log = logging.getLogger(__name__)

PUBLISHED = """
INSERT INTO eurostat.datasets (dataset, title, table_name, release_id, release, data_updated,
                               structure_updated, rows, bytes, source_bytes, sha256, route, published_at, checked_at,
                               comments)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp(), %s)
ON CONFLICT (dataset) DO UPDATE SET
    title = excluded.title, table_name = excluded.table_name, release_id = excluded.release_id,
    release = excluded.release, data_updated = excluded.data_updated,
    structure_updated = excluded.structure_updated, rows = excluded.rows, bytes = excluded.bytes,
    source_bytes = excluded.source_bytes, sha256 = excluded.sha256, route = excluded.route,
    published_at = excluded.published_at, checked_at = excluded.checked_at, comments = excluded.comments,
    error = NULL, failed_at = NULL, failures = 0, next_attempt_at = NULL, note = NULL,
    waiting_since = NULL
"""
# Tried again after so many seconds, and after twice as long with each further failure, up to a longest wait.
FAILED = """
INSERT INTO eurostat.datasets AS known (dataset, error, failed_at, failures, next_attempt_at)
VALUES (%s, %s, now(), 1, now() + %s * interval '1 second')
ON CONFLICT (dataset) DO UPDATE SET
    error = excluded.error, failed_at = excluded.failed_at, failures = known.failures + 1, note = NULL,
    next_attempt_at = now()
        + least((excluded.next_attempt_at - now()) * 2 ^ least(known.failures, 10), %s * interval '1 second')
"""
NEWER = """
SELECT release FROM eurostat.datasets
WHERE dataset = %s AND release IS NOT NULL AND (data_updated > %s OR structure_updated > %s)
"""
LEFTOVERS = """
SELECT dataset, id, stored_as
FROM (SELECT dataset, id, stored_as, state,
             count(*) FILTER (WHERE state = 'superseded') OVER (PARTITION BY dataset ORDER BY id DESC) AS age
      FROM eurostat.releases) AS release
WHERE stored_as IS NOT NULL AND state <> 'published' AND NOT (state = 'superseded' AND age <= %s)
"""
COMMENTS = """
SELECT coalesce(attname, ''), description
FROM pg_description LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0
WHERE classoid = 'pg_class'::regclass AND objoid = format('%%I.%%I', %s, %s)::regclass
"""
LONGEST_WAIT = 144
"""Times the first wait: a day where that is ten minutes."""

KIND = """
SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END
FROM pg_class WHERE oid = format('%%I.%%I', %s, %s)::regclass
"""


def newer_than(connection: Connection, file: ReleaseFile) -> str | None:
    """The published release of the dataset where its data or structure is newer than the file's; else None.

    Nobody publishes another one while the caller holds the dataset's loader lock.
    """
    found = rows(connection, NEWER, (file.dataset, file.data_updated, file.structure_updated))
    return found[0][0] if found else None


def begin(connection: Connection, file: ReleaseFile, read_seconds: float | None) -> tuple[int, str]:
    """Enter the attempt; returns its id and the name its table will have in STORE."""
    origin = file.provenance
    with transaction(connection) as cursor:
        cursor.execute(
            "INSERT INTO eurostat.releases (dataset, state, release, data_updated, structure_updated, rows,"
            " url, sha256, fetched_at, source_bytes, download_seconds, read_seconds)"
            " VALUES (%s, 'loading', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            (file.dataset, file.release, file.data_updated, file.structure_updated, file.rows, origin.get("url"),
             origin.get("sha256"), origin.get("fetched_at"), origin.get("bytes"), origin.get("seconds"), read_seconds),
        )  # fmt: skip
        (attempt,) = cursor.fetchone() or (0,)
        child = child_name(file.table, attempt)
        cursor.execute("UPDATE eurostat.releases SET stored_as = %s WHERE id = %s", (child, attempt))
    return attempt, child


def enter(cursor: Cursor, file: ReleaseFile, attempt: int, size: int) -> dict[str, str]:
    """The attempt is what readers see; written in the transaction of the switch, so that both agree.

    Returns the comments of ours that the table had before.
    """
    cursor.execute(
        "UPDATE eurostat.releases SET state = 'superseded' WHERE dataset = %s AND state = 'published'",
        (file.dataset,),
    )
    cursor.execute(
        "UPDATE eurostat.releases SET state = 'published', bytes = %s, finished_at = clock_timestamp()"
        " WHERE id = %s",
        (size, attempt),
    )
    cursor.execute("SELECT comments FROM eurostat.datasets WHERE dataset = %s", (file.dataset,))
    (ours,) = cursor.fetchone() or ({},)
    comments = json.dumps(_comments(file))
    cursor.execute(
        PUBLISHED,
        (file.dataset, file.title, f"{SCHEMA}.{file.table}", attempt, file.release, file.data_updated,
         file.structure_updated, file.rows, size, file.provenance.get("bytes"), file.provenance.get("sha256"),
         file.provenance.get("route", "whole"), comments),
    )  # fmt: skip
    return ours


def _comments(file: ReleaseFile) -> dict[str, str]:
    """By column; the table's own under the empty name."""
    table = {
        "": f"{file.title} (Eurostat, {file.dataset}). One row per observation: the reader has proven"
        " that no two have the same dimensions, so there is no key to pay for."
    }
    return table | {column.name: column.comment for column in (*file.columns, SOURCE) if column.comment}


def comment(cursor: Cursor, file: ReleaseFile, ours: dict[str, str]) -> None:
    """Comment the table and its columns anew, except where another's comment stands instead of `ours`."""
    wanted = _comments(file)
    if wanted == ours:
        return
    cursor.execute(COMMENTS, (SCHEMA, file.table))
    present = dict(cursor.fetchall())
    cursor.execute(KIND, (SCHEMA, file.table))
    (kind,) = cursor.fetchone() or ("TABLE",)
    table = sql.Identifier(SCHEMA, file.table)
    for name, text in wanted.items():
        if present.get(name) in (None, ours.get(name)):
            column = sql.SQL("COLUMN {}.{}").format(table, sql.Identifier(name))
            what = column if name else sql.SQL("{} {}").format(sql.SQL(kind), table)
            cursor.execute(sql.SQL("COMMENT ON {} IS {}").format(what, sql.Literal(text)))


def finish(connection: Connection, attempt: int, seconds: float) -> None:
    """Note how long it took. Being an ordinary commit, it also makes the switch before it durable."""
    with transaction(connection) as cursor:
        cursor.execute("UPDATE eurostat.releases SET seconds = %s WHERE id = %s", (seconds, attempt))


def fail(url: str, dataset: str, attempt: int, why: str, retry: float) -> None:
    """The attempt failed; the next may come after `retry` seconds.

    Told over a new connection, as the old one may be what broke; never raises.
    """
    why = message(why)
    try:
        with connect(url) as connection, transaction(connection) as cursor:
            cursor.execute(
                "UPDATE eurostat.releases SET state = 'failed', failed_in = 'publish', error = %s, finished_at = now()"
                " WHERE id = %s AND state = 'loading'",
                (why, attempt),
            )
            if cursor.rowcount:  # else the switch was committed, and only the answer got lost
                cursor.execute(FAILED, (dataset, why, retry, LONGEST_WAIT * retry))
    except Exception as error:  # noqa: BLE001 (the first error is the one to tell)
        log.warning("%s: its failure could not be recorded either: %s", dataset, error)


def to_sweep(connection: Connection, keep_releases: int) -> list[str]:
    """The datasets of which dead loaders, or loaders still at work, left more than the books say."""
    return sorted({dataset for dataset, _, _ in rows(connection, LEFTOVERS, (keep_releases,))})


def sweep(connection: Connection, dataset: str, keep_releases: int) -> None:
    """Drop what dead loaders left and releases beyond `keep_releases`.

    For the holder of the dataset's loader lock only: whatever is still 'loading' is then dead.
    """
    rows(
        connection,
        "UPDATE eurostat.releases SET state = 'interrupted', finished_at = now(),"
        " error = 'the loader or the server died before the release was whole'"
        " WHERE dataset = %s AND state = 'loading'",
        (dataset,),
    )
    for _, attempt, child in rows(connection, f"{LEFTOVERS} AND dataset = %s", (keep_releases, dataset)):
        try:
            with transaction(connection) as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
                for name in (child, codes_of(child)):
                    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(STORE, name)))
                cursor.execute("UPDATE eurostat.releases SET stored_as = NULL WHERE id = %s", (attempt,))
        except psycopg2.Error as error:  # somebody reads it or built upon it: we try again next time
            log.warning("%s.%s of an earlier release stays for now: %s", STORE, child, reason(error))
