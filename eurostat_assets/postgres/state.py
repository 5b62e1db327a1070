"""What the database knows about datasets: where each stands, its failures, the source it mirrors.

Not here: publishing itself, which keeps these tables in its own transactions, and what Eurostat offers (offers.py).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from eurostat_assets.model.addresses import without_user
from eurostat_assets.model.messages import message
from eurostat_assets.postgres.books import FAILED, LONGEST_WAIT
from eurostat_assets.postgres.connection import connect, rows, transaction, where
from eurostat_assets.postgres.errors import MirrorMismatch, NotPublished

State = Literal["new", "current", "stale", "failed", "withdrawn", "excluded"]
STATES = """
SELECT dataset, state, title, table_name, release, data_updated, structure_updated, rows, bytes, source_bytes, sha256,
       published_at, route, offered_data, offered_structure, offered_rows, checked_at, error, failed_at, failures,
       next_attempt_at, note, waiting_since, withdrawn_at, excluded, found_by, requested_at, probe_error, probe_failures,
       behind_since, CASE WHEN note IS NOT NULL THEN room_needed END
FROM eurostat.datasets LEFT JOIN (SELECT dataset, behind_since FROM eurostat.freshness) AS behind USING (dataset)
"""


@dataclass(frozen=True)
class DatasetState:
    """One row of `eurostat.datasets`, whose columns are explained there; moments are aware.

    `release` and all about it are None where nothing was published yet; `error` is the last failure since the
    last publication. `bytes`: the table on disk with indexes; `source_bytes`: the raw file. `behind_since` is that of
    the view `eurostat.freshness`, which defines what "behind" means.
    """

    dataset: str
    state: State
    title: str | None
    table: str | None
    release: str | None
    data_updated: datetime | None
    structure_updated: datetime | None
    rows: int | None
    bytes: int | None
    source_bytes: int | None
    sha256: str | None
    published_at: datetime | None
    route: str | None
    offered_data: datetime | None
    offered_structure: datetime | None
    offered_rows: int | None
    checked_at: datetime | None
    error: str | None
    failed_at: datetime | None
    failures: int
    next_attempt_at: datetime | None
    note: str | None
    waiting_since: datetime | None
    withdrawn_at: datetime | None
    excluded: str | None
    found_by: str | None = None
    requested_at: datetime | None = None
    probe_error: str | None = None
    probe_failures: int = 0
    behind_since: datetime | None = None
    room_needed: int | None = None

    @property
    def behind(self) -> bool:
        """Whether Eurostat has a release that is wanted here and not published here."""
        return self.behind_since is not None

    @property
    def unanswered(self) -> str | None:
        """Why nobody knows whether the dataset is current; None where Eurostat answers for it."""
        if self.probe_error is None:
            return None
        return f"Eurostat tells of news and does not answer for it: {self.probe_error}"

    def due(self, now: datetime) -> bool:
        """Whether the dataset is behind and may be tried at this moment."""
        return self.behind and not (self.next_attempt_at is not None and self.next_attempt_at > now)


def states(url: str) -> dict[str, DatasetState]:
    """Every dataset of the mirror, by code."""
    with connect(url) as connection:
        return {row[0]: DatasetState(*row) for row in rows(connection, f"{STATES} ORDER BY dataset")}


def published_table(url: str, code: str) -> DatasetState:
    """The state of one dataset that readers can query. Raises NotPublished."""
    with connect(url) as connection:
        found = rows(connection, f"{STATES} WHERE dataset = %s AND release IS NOT NULL", (code.upper(),))
    if not found:
        raise NotPublished(code)
    return DatasetState(*found[0])


def record_failure(
    url: str,
    code: str,
    error: BaseException | str,
    *,
    failed_in: str | None = None,
    retry: float = 600,
    worth_retrying: bool = True,
) -> None:
    """Note that `code` could not be fetched or read, and in which stage (`failed_in`; None: its process died).

    It is due again after `retry` seconds, six times as long where that is hardly `worth_retrying`, and with each further
    failure after twice as long as before, up to 144 times (a day).

    A failed `publish` has recorded itself; telling it again, in a longer sentence, is no second failure.
    """
    text = message(error if isinstance(error, str) else f"{type(error).__name__}: {error}")
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute("SELECT error FROM eurostat.datasets WHERE dataset = %s", (code,))
        (known,) = cursor.fetchone() or (None,)
        if known and known != text and known in text:
            return
        cursor.execute(
            "INSERT INTO eurostat.releases (dataset, state, failed_in, error, finished_at)"
            " VALUES (%s, 'failed', %s, %s, now())",
            (code, failed_in, text),
        )
        wait = retry if worth_retrying else 6 * retry
        cursor.execute(FAILED, (code, text, wait, LONGEST_WAIT * retry))


def claim_mirror(url: str, source: str, *, reserve: bool = True, formerly: str | None = None) -> None:
    """Reserve this database for the data of `source`; without `reserve`, only see that it is not another's.

    A database that was reserved under the name that the source had `formerly` is its own. Raises MirrorMismatch where it
    is another's.
    """
    source = without_user(source.rstrip("/"))
    with connect(url) as connection, transaction(connection) as cursor:
        if reserve:
            cursor.execute(
                "INSERT INTO eurostat.mirror (api_url) VALUES (%s) ON CONFLICT DO NOTHING", (source,)
            )
            if formerly:
                cursor.execute(
                    "UPDATE eurostat.mirror SET api_url = %s WHERE api_url = %s", (source, formerly)
                )
        cursor.execute("SELECT api_url FROM eurostat.mirror")
        (claimed,) = cursor.fetchone() or (source,)
    if claimed not in (source, formerly):
        raise MirrorMismatch(where(url), claimed, source)


def claimed_source(url: str) -> str | None:
    """Return whose data this database is reserved for; None before it is."""
    with connect(url) as connection:
        found = rows(connection, "SELECT api_url FROM eurostat.mirror")
    return found[0][0] if found else None
