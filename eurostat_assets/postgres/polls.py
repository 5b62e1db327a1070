"""When Eurostat was last asked for news, and whether it answered: the table `eurostat.polls`.

Not here: what the answer said about a dataset, which is in offers.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from eurostat_assets.model.messages import message
from eurostat_assets.postgres.connection import connect, rows, transaction

Polled = Literal["feed", "sweep"]

SUCCEEDED = """
INSERT INTO eurostat.polls (source, succeeded_at, found) VALUES (%s, now(), %s)
ON CONFLICT (source) DO UPDATE SET
    succeeded_at = excluded.succeeded_at, found = excluded.found, error = NULL, failures = 0
"""
FAILED = """
INSERT INTO eurostat.polls (source, failed_at, error, failures) VALUES (%s, now(), %s, 1)
ON CONFLICT (source) DO UPDATE SET
    failed_at = excluded.failed_at, error = excluded.error, failures = polls.failures + 1
"""
CLAIMED = """
INSERT INTO eurostat.polls (source, requested_at) VALUES ('sweep', now())
ON CONFLICT (source) DO UPDATE SET requested_at = excluded.requested_at
    WHERE polls.requested_at IS NULL OR polls.requested_at < now() - %s * interval '1 second'
RETURNING source
"""


@dataclass(frozen=True)
class Poll:
    """The last looks at the `source` of news; moments are aware.

    `error` is that of the last look, None where it succeeded; `failures` counts those in a row; `found` is what the last
    good one said, in numbers.
    """

    source: str
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None
    failures: int = 0
    found: Mapping[str, Any] | None = None

    @property
    def tried_at(self) -> datetime | None:
        """The last look, good or bad."""
        return max((at for at in (self.succeeded_at, self.failed_at) if at), default=None)


def polls(url: str) -> dict[Polled, Poll]:
    """Both sources of news, whether they were ever asked or not."""
    with connect(url) as connection:
        query = "SELECT source, succeeded_at, failed_at, error, failures, found FROM eurostat.polls"
        known = {row[0]: Poll(*row) for row in rows(connection, query)}
    return {source: known.get(source, Poll(source)) for source in ("feed", "sweep")}


def claim_sweep(url: str, seconds: float) -> bool:
    """Whether the caller is the one to request a sweep now; nobody else is within the next so many `seconds`."""
    with connect(url) as connection:
        return bool(rows(connection, CLAIMED, (seconds,)))


def poll_succeeded(url: str, source: Polled, found: Mapping[str, Any]) -> None:
    """Note a good look, and what it `found` (a JSON object of numbers)."""
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(SUCCEEDED, (source, json.dumps(found)))


def poll_failed(url: str, source: Polled, error: BaseException | str) -> None:
    """Note a look that failed."""
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(FAILED, (source, message(error)))
