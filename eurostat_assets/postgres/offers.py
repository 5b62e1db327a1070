"""What Eurostat offers, as far as it told us: the catalogue, news of single datasets, and what became of them.

Keeps `eurostat.catalogue` and the offered half of `eurostat.datasets`, from which every dataset's state follows. Not
here: what was published (books.py) and what failed (state.py).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from psycopg2 import sql
from psycopg2.extras import execute_values

from eurostat_assets.postgres.connection import Cursor, connect, transaction
from eurostat_assets.postgres.errors import CatalogueShrank, PostgresError

CATALOGUE = """
INSERT INTO eurostat.catalogue (dataset, title, type, in_theme, folders, data_updated, structure_updated,
                                period_start, period_end, obs_count)
VALUES %s
ON CONFLICT (dataset) DO UPDATE SET
    title = excluded.title, type = excluded.type, in_theme = excluded.in_theme, folders = excluded.folders,
    data_updated = excluded.data_updated, structure_updated = excluded.structure_updated,
    period_start = excluded.period_start, period_end = excluded.period_end, obs_count = excluded.obs_count,
    last_seen = now(), withdrawn_at = NULL
"""
# Whatever is newer than all that was known is worth another attempt at once.
OFFERED = """
INSERT INTO eurostat.datasets (dataset, title, offered_data, offered_structure, offered_rows, excluded)
VALUES %s
ON CONFLICT (dataset) DO UPDATE SET
    title = coalesce(datasets.title, excluded.title),
    next_attempt_at = CASE
        WHEN excluded.offered_data > datasets.offered_data
          OR excluded.offered_structure > datasets.offered_structure THEN NULL
        ELSE datasets.next_attempt_at END,
    offered_data = greatest(datasets.offered_data, excluded.offered_data),
    offered_structure = greatest(datasets.offered_structure, excluded.offered_structure),
    offered_rows = coalesce(excluded.offered_rows, datasets.offered_rows),
    excluded = excluded.excluded, withdrawn_at = NULL
"""
GONE = """
UPDATE eurostat.datasets SET withdrawn_at = now() WHERE withdrawn_at IS NULL AND dataset = ANY(%s)
RETURNING dataset, table_name, comments ->> ''
"""
BACK = """
SELECT dataset, table_name, comments ->> '' FROM eurostat.datasets WHERE withdrawn_at IS NOT NULL AND dataset = ANY(%s)
"""
COMMENTED = (
    "SELECT obj_description(to_regclass(%s), 'pg_class'), relkind FROM pg_class WHERE oid = to_regclass(%s)"
)
WITHDRAWN = " WITHDRAWN from Eurostat; noticed on "


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


@dataclass(frozen=True)
class CatalogueChange:
    """What a new look at the catalogue brought, as dataset codes.

    `withdrawn`: gone from Eurostat; `dropped`: still there, but not of this mirror's theme any more.
    """

    new: tuple[str, ...]
    withdrawn: tuple[str, ...]
    dropped: tuple[str, ...]
    returned: tuple[str, ...]


def record_catalogue(
    url: str,
    offers: Iterable[Offer],
    *,
    elsewhere: Collection[str] = (),
    excluded: Mapping[str, str] | None = None,
    may_shrink: float = 1.0,
    withdraw: bool = True,
) -> CatalogueChange:
    """Make the catalogue say what Eurostat offers of the theme now: `offers`, complete.

    A dataset that is no longer among them is withdrawn, or excluded when Eurostat has it `elsewhere`; its table stays.
    `excluded`: offers that are not wanted, with the reason. Without `withdraw`, what is missing stays as it is.

    Raises PostgresError for no offers at all and CatalogueShrank when more than the share `may_shrink` of the datasets
    (and more than three) went at once: nothing is recorded then, as a catalogue that could not be read is not an empty one.
    """
    offered = {offer.code: offer for offer in offers}
    if not offered:
        raise PostgresError("the catalogue has no entries: nothing was recorded")
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(
            "SELECT dataset FROM eurostat.catalogue WHERE withdrawn_at IS NULL AND in_theme FOR UPDATE"
        )
        known = {code for (code,) in cursor.fetchall()}
        gone = known - offered.keys()
        if len(gone) > max(3, may_shrink * len(known)):
            raise CatalogueShrank(len(known), sorted(gone), may_shrink)
        cursor.execute(BACK, (list(offered),))
        returned = cursor.fetchall()
        execute_values(cursor, CATALOGUE, [_row(offer) for offer in offered.values()], page_size=1000)
        _offered(cursor, offered.values(), excluded or {})
        dropped = sorted(gone & set(elsewhere))
        withdrawn = sorted(gone - set(elsewhere)) if withdraw else []
        cursor.execute("UPDATE eurostat.catalogue SET in_theme = false WHERE dataset = ANY(%s)", (dropped,))
        cursor.execute(
            "UPDATE eurostat.catalogue SET withdrawn_at = now() WHERE dataset = ANY(%s)", (withdrawn,)
        )
        cursor.execute(
            "UPDATE eurostat.datasets SET excluded = 'no longer of the theme this mirror is set to'"
            " WHERE dataset = ANY(%s)",
            (dropped,),
        )
        cursor.execute(GONE, (withdrawn,))
        for _, table, comment in cursor.fetchall():
            _mark(cursor, table, comment, withdrawn=True)
        for _, table, comment in returned:
            _mark(cursor, table, comment, withdrawn=False)
    new = sorted(offered.keys() - known)
    return CatalogueChange(
        tuple(new), tuple(withdrawn), tuple(dropped), tuple(sorted(code for code, *_ in returned))
    )


def record_offers(url: str, releases: Mapping[str, Dates], titles: Mapping[str, str] | None = None) -> None:
    """Single datasets were found to have these releases now, by the feed and a look at each."""
    values = [
        (code, (titles or {}).get(code), dates.data, dates.structure, None, None)
        for code, dates in releases.items()
    ]
    if values:
        with connect(url) as connection, transaction(connection) as cursor:
            execute_values(cursor, OFFERED, values)


def settle_offer(url: str, code: str, dates: Dates) -> None:
    """The dataset itself says what its release is: this is believed even where the feed or the inventory promised more."""
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(
            "UPDATE eurostat.datasets SET offered_data = %s, offered_structure = %s WHERE dataset = %s",
            (dates.data, dates.structure, code),
        )


def record_checked(url: str, code: str) -> None:
    """The source was asked, and what is published is its newest release."""
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(
            "UPDATE eurostat.datasets SET checked_at = now(), note = NULL, waiting_since = NULL,"
            " next_attempt_at = NULL, failures = 0, error = NULL, failed_at = NULL WHERE dataset = %s",
            (code,),
        )


def record_waiting(url: str, code: str, note: str, seconds: float) -> None:
    """Nothing failed, but `code` has to wait, because of `note`; it is due again in so many seconds."""
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(
            "INSERT INTO eurostat.datasets AS known (dataset, note, next_attempt_at, waiting_since)"
            " VALUES (%s, %s, now() + %s * interval '1 second', now()) ON CONFLICT (dataset) DO UPDATE SET"
            " note = excluded.note, next_attempt_at = excluded.next_attempt_at,"
            " waiting_since = coalesce(known.waiting_since, excluded.waiting_since)",
            (code, note, seconds),
        )


def _row(offer: Offer) -> tuple[object, ...]:
    return (
        offer.code, offer.title, offer.type, True, list(offer.folders),
        offer.release and offer.release.data, offer.release and offer.release.structure,
        offer.period_start, offer.period_end, offer.values,
    )  # fmt: skip


def _offered(cursor: Cursor, offers: Iterable[Offer], excluded: Mapping[str, str]) -> None:
    values = [
        (offer.code, offer.title, offer.release and offer.release.data, offer.release and offer.release.structure,
         offer.values, excluded.get(offer.code))
        for offer in offers
    ]  # fmt: skip
    execute_values(cursor, OFFERED, values, page_size=1000)


def _mark(cursor: Cursor, table: str | None, comment: str | None, *, withdrawn: bool) -> None:
    """Add to a table's comment that its dataset is withdrawn, or take that away; another's comment is left alone."""
    if table is None or comment is None:
        return
    cursor.execute(COMMENTED, (table, table))
    present, kind = cursor.fetchone() or (None, None)
    if present != comment:
        return
    plain = comment.partition(WITHDRAWN)[0]
    cursor.execute("SELECT current_date")
    (today,) = cursor.fetchone() or ("",)
    text = f"{plain}{WITHDRAWN}{today}." if withdrawn else plain
    what = sql.SQL("VIEW" if kind == "v" else "TABLE")
    name = sql.Identifier(*table.split(".", 1))
    cursor.execute(sql.SQL("COMMENT ON {} {} IS {}").format(what, name, sql.Literal(text)))
    cursor.execute(
        "UPDATE eurostat.datasets SET comments = jsonb_set(comments, ARRAY[''], to_jsonb(%s::text)) WHERE table_name = %s",
        (text, table),
    )
