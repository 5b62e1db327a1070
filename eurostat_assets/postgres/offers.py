"""News of single datasets: what Eurostat offers of them, that they were checked, that they have to wait.

Keeps the offered half of `eurostat.datasets`, from which every dataset's state follows. Not here: the catalogue as a
whole (catalogue.py), what was published (books.py) and what failed (state.py).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from psycopg2.extras import execute_values

from eurostat_assets.model.messages import message
from eurostat_assets.postgres.connection import connect, transaction

# Whatever is newer than all that was known is worth another attempt at once.
OFFERED = """
INSERT INTO eurostat.datasets (dataset, title, offered_data, offered_structure, offered_rows, excluded, found_by)
VALUES %s
ON CONFLICT (dataset) DO UPDATE SET
    title = coalesce(datasets.title, excluded.title),
    next_attempt_at = CASE
        WHEN excluded.offered_data > datasets.offered_data
          OR excluded.offered_structure > datasets.offered_structure THEN NULL
        ELSE datasets.next_attempt_at END,
    found_by = CASE
        WHEN datasets.offered_data IS NULL
          OR excluded.offered_data > datasets.offered_data
          OR excluded.offered_structure > datasets.offered_structure THEN excluded.found_by
        ELSE datasets.found_by END,
    probe_error = CASE WHEN excluded.offered_data IS NULL THEN datasets.probe_error END,
    probe_failures = CASE WHEN excluded.offered_data IS NULL THEN datasets.probe_failures ELSE 0 END,
    offered_data = greatest(datasets.offered_data, excluded.offered_data),
    offered_structure = greatest(datasets.offered_structure, excluded.offered_structure),
    offered_rows = coalesce(excluded.offered_rows, datasets.offered_rows),
    excluded = excluded.excluded, withdrawn_at = NULL
"""
UNANSWERED = """
UPDATE eurostat.datasets AS known SET
    probe_error = told.error, probe_failures = probe_failures + 1
FROM (VALUES %s) AS told (dataset, error) WHERE known.dataset = told.dataset
"""


class Dates(Protocol):
    """When data and structure last changed; aware."""

    @property
    def data(self) -> datetime: ...
    @property
    def structure(self) -> datetime: ...


def record_offers(
    url: str,
    releases: Mapping[str, Dates],
    titles: Mapping[str, str] | None = None,
    found_by: Mapping[str, str] | None = None,
    requested: Collection[str] = (),
) -> None:
    """Single datasets were found to have these releases now, by the feed and a look at each; `found_by` says how. Of
    those in `requested` a run is being requested: whoever sees the release sees that too."""
    values = [
        (code, (titles or {}).get(code), dates.data, dates.structure, None, None, (found_by or {}).get(code))
        for code, dates in releases.items()
    ]
    if values:
        with connect(url) as connection, transaction(connection) as cursor:
            execute_values(cursor, OFFERED, values)
            cursor.execute(
                "UPDATE eurostat.datasets SET requested_at = now() WHERE dataset = ANY(%s)",
                (list(requested),),
            )


def record_probe_failures(url: str, errors: Mapping[str, str]) -> None:
    """The feed tells of news of these datasets, and Eurostat did not answer for them: they are not known to be current."""
    if not errors:
        return
    with connect(url) as connection, transaction(connection) as cursor:
        execute_values(cursor, UNANSWERED, sorted(errors.items()))


def settle_offer(url: str, code: str, dates: Dates) -> None:
    """The dataset itself says what its release is: this is believed even where the feed or the inventory promised more."""
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(
            "UPDATE eurostat.datasets SET offered_data = %s, offered_structure = %s, probe_error = NULL,"
            " probe_failures = 0 WHERE dataset = %s",
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


def record_waiting(url: str, code: str, note: str, seconds: float, *, room_needed: int | None = None) -> None:
    """Nothing failed, but `code` has to wait, because of `note`; it is due again in so many seconds.

    `room_needed`: the bytes that have to be free for it, where that is what it waits for.
    """
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(
            "INSERT INTO eurostat.datasets AS known (dataset, note, next_attempt_at, waiting_since, room_needed)"
            " VALUES (%s, %s, now() + %s * interval '1 second', now(), %s) ON CONFLICT (dataset) DO UPDATE SET"
            " note = excluded.note, next_attempt_at = excluded.next_attempt_at,"
            " waiting_since = coalesce(known.waiting_since, excluded.waiting_since), room_needed = excluded.room_needed",
            (code, message(note), seconds, room_needed),
        )
