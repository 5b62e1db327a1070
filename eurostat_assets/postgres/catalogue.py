"""The catalogue: all that Eurostat offers of the theme, and what becomes of a dataset that comes, goes or returns.

Keeps `eurostat.catalogue`, and with it what `eurostat.datasets` says of every dataset's offer. Not here: news of single
datasets (offers.py).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from psycopg2 import sql
from psycopg2.extras import execute_values

from eurostat_assets.postgres.connection import Cursor, connect, rows, transaction
from eurostat_assets.postgres.errors import CatalogueShrank, PostgresError
from eurostat_assets.postgres.offers import OFFERED, Dates

CATALOGUE = """
INSERT INTO eurostat.catalogue (dataset, title, type, in_theme, folders, data_updated, structure_updated,
                                period_start, period_end, obs_count)
VALUES %s
ON CONFLICT (dataset) DO UPDATE SET
    title = CASE WHEN excluded.title = excluded.dataset THEN catalogue.title ELSE excluded.title END,
    type = excluded.type, in_theme = excluded.in_theme, folders = excluded.folders,
    data_updated = excluded.data_updated, structure_updated = excluded.structure_updated,
    period_start = excluded.period_start, period_end = excluded.period_end, obs_count = excluded.obs_count,
    last_seen = now(), withdrawn_at = NULL
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


def recorded_folders(url: str) -> dict[str, tuple[str, ...]]:
    """The folders in which each dataset of the catalogue was last seen, by code."""
    with connect(url) as connection:
        found = rows(connection, "SELECT dataset, folders FROM eurostat.catalogue")
    return {code: tuple(folders) for code, folders in found}


def catalogue_size(url: str) -> int:
    """How many datasets Eurostat offers of the theme."""
    with connect(url) as connection:
        query = "SELECT count(*) FROM eurostat.catalogue WHERE in_theme AND withdrawn_at IS NULL"
        return rows(connection, query)[0][0]


def _row(offer: Offer) -> tuple[object, ...]:
    return (
        offer.code, offer.title, offer.type, True, list(offer.folders),
        offer.release and offer.release.data, offer.release and offer.release.structure,
        offer.period_start, offer.period_end, offer.values,
    )  # fmt: skip


def _offered(cursor: Cursor, offers: Iterable[Offer], excluded: Mapping[str, str]) -> None:
    values = [
        (offer.code, offer.title, offer.release and offer.release.data, offer.release and offer.release.structure,
         offer.values, excluded.get(offer.code), "sweep")
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
