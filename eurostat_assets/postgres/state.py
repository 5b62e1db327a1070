"""What the database knows about datasets: published releases, failures, the catalogue, the source it mirrors.

Not here: publishing itself, which keeps these tables in its own transactions.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from psycopg2.extras import execute_values

from eurostat_assets.postgres.books import FAILED
from eurostat_assets.postgres.connection import connect, rows, transaction, where
from eurostat_assets.postgres.errors import MirrorMismatch, NotPublished, PostgresError

STATES = """
SELECT dataset, title, table_name, release, data_updated, structure_updated, rows, bytes, source_bytes, sha256,
       published_at, error, failed_at
FROM eurostat.datasets
"""
OFFERED = """
INSERT INTO eurostat.catalogue (dataset, title, type, in_theme, folders, data_updated, structure_updated,
                                period_start, period_end, obs_count)
VALUES %s
ON CONFLICT (dataset) DO UPDATE SET
    title = excluded.title, type = excluded.type, in_theme = excluded.in_theme, folders = excluded.folders,
    data_updated = excluded.data_updated, structure_updated = excluded.structure_updated,
    period_start = excluded.period_start, period_end = excluded.period_end, obs_count = excluded.obs_count,
    last_seen = now(), withdrawn_at = NULL
"""


@dataclass(frozen=True)
class DatasetState:
    """One row of `eurostat.datasets`; dates are aware.

    `release` and all about it are None where nothing was published yet; `error` is the last failure since the
    last publication. `bytes`: the table on disk with indexes; `source_bytes`: the raw file.
    """

    dataset: str
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
    error: str | None
    failed_at: datetime | None


class Dates(Protocol):
    """When data and structure last changed; aware."""

    @property
    def data(self) -> datetime: ...
    @property
    def structure(self) -> datetime: ...


class Offer(Protocol):
    """A dataset that Eurostat offers. Periods are Eurostat's literals, `values` counts observations."""

    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def release(self) -> Dates | None: ...
    @property
    def period_start(self) -> str | None: ...
    @property
    def period_end(self) -> str | None: ...
    @property
    def values(self) -> int | None: ...
    @property
    def folders(self) -> tuple[str, ...]: ...


def published(url: str) -> dict[str, DatasetState]:
    """Every dataset that was ever published or failed, by code; its `release` says which of the two."""
    with connect(url) as connection:
        return {row[0]: DatasetState(*row) for row in rows(connection, f"{STATES} ORDER BY dataset")}


def published_table(url: str, code: str) -> DatasetState:
    """The state of one dataset that readers can query. Raises NotPublished."""
    with connect(url) as connection:
        found = rows(connection, f"{STATES} WHERE dataset = %s AND release IS NOT NULL", (code.upper(),))
    if not found:
        raise NotPublished(code)
    return DatasetState(*found[0])


def record_failure(url: str, code: str, error: BaseException | str) -> None:
    """Note that `code` could not be fetched or read. A failed `publish` has recorded itself; telling it again, in a
    longer sentence, is no second failure."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute("SELECT error FROM eurostat.datasets WHERE dataset = %s", (code,))
        (known,) = cursor.fetchone() or (None,)
        if known and known != text and known in text:
            return
        cursor.execute(
            "INSERT INTO eurostat.releases (dataset, state, error, finished_at)"
            " VALUES (%s, 'failed', %s, now())",
            (code, text),
        )
        cursor.execute(FAILED, (code, text))


def record_catalogue(url: str, offers: Iterable[Offer], theme: Collection[str] | None = None) -> None:
    """Make `eurostat.catalogue` say what Eurostat offers now; what is no longer offered is marked withdrawn.

    `theme`: the codes that are mirrored here; all of them where None. Raises PostgresError for no offers at
    all: a catalogue that could not be read is not an empty one.
    """
    values = [
        (offer.code, offer.title, offer.type, theme is None or offer.code in theme, list(offer.folders),
         offer.release and offer.release.data, offer.release and offer.release.structure,
         offer.period_start, offer.period_end, offer.values)
        for offer in offers
    ]  # fmt: skip
    if not values:
        raise PostgresError("the catalogue has no entries: nothing was recorded")
    with connect(url) as connection, transaction(connection) as cursor:
        execute_values(cursor, OFFERED, values, page_size=1000)
        cursor.execute(
            "UPDATE eurostat.catalogue SET withdrawn_at = now()"
            " WHERE withdrawn_at IS NULL AND NOT dataset = ANY(%s)",
            ([value[0] for value in values],),
        )


def catalogue_size(url: str) -> int:
    """How many datasets Eurostat offers of the theme."""
    with connect(url) as connection:
        query = "SELECT count(*) FROM eurostat.catalogue WHERE in_theme AND withdrawn_at IS NULL"
        return rows(connection, query)[0][0]


def claim_mirror(url: str, api_url: str) -> None:
    """Reserve this database for the data of `api_url`. Raises MirrorMismatch where it is another's."""
    source = api_url.rstrip("/")
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute("INSERT INTO eurostat.mirror (api_url) VALUES (%s) ON CONFLICT DO NOTHING", (source,))
        cursor.execute("SELECT api_url FROM eurostat.mirror")
        (claimed,) = cursor.fetchone() or ("",)
    if claimed != source:
        raise MirrorMismatch(where(url), claimed, source)
