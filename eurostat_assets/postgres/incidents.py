"""Incidents and who was told of them: `eurostat.incidents`, so that a restart neither repeats nor forgets.

Not here: what is an incident, and the telling.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from psycopg2.extras import execute_values

from eurostat_assets.model.messages import message
from eurostat_assets.postgres.connection import Connection, connect, rows, transaction
from eurostat_assets.postgres.session_locks import try_lock

OPENED = """
INSERT INTO eurostat.incidents (kind, subject, sentence, severity) VALUES %s
ON CONFLICT (kind, subject) WHERE closed_at IS NULL DO UPDATE SET sentence = excluded.sentence
"""
OVER = """
UPDATE eurostat.incidents SET closed_at = now()
WHERE closed_at IS NULL AND kind = ANY(%s)
  AND NOT (kind, subject) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
COLUMNS = "id, kind, subject, sentence, severity, opened_at, closed_at"
# What began and ended unheard stays unheard; so does the end of what was only news.
UNTOLD = f"""
SELECT {COLUMNS} FROM eurostat.incidents
LEFT JOIN eurostat.incidents_told ON incident = id AND channel = %s
WHERE closed_at IS NULL AND told_at IS NULL
   OR closed_at IS NOT NULL AND told_at IS NOT NULL AND cleared_at IS NULL AND severity = 'alarm'
ORDER BY id
"""  # noqa: S608 (constants)
TOLD = """
INSERT INTO eurostat.incidents_told (incident, channel, cleared_at) VALUES %s
ON CONFLICT (incident, channel) DO UPDATE SET cleared_at = excluded.cleared_at
"""
WELL = """
INSERT INTO eurostat.alarm_channels (channel, told_at) VALUES (%s, now())
ON CONFLICT (channel) DO UPDATE SET told_at = excluded.told_at, error = NULL, failures = 0
"""
ILL = """
INSERT INTO eurostat.alarm_channels (channel, failed_at, error, failures) VALUES (%s, now(), %s, 1)
ON CONFLICT (channel) DO UPDATE SET
    failed_at = excluded.failed_at, error = excluded.error, failures = alarm_channels.failures + 1
"""


class Condition(Protocol):
    """Something that is wrong now."""

    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def severity(self) -> str: ...


class Heard(Protocol):
    """An incident as somebody was told of it."""

    @property
    def id(self) -> int: ...
    @property
    def closed_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class IncidentState:
    """One row of `eurostat.incidents`, whose columns are explained there; moments are aware."""

    id: int
    kind: str
    subject: str
    sentence: str
    severity: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class ChannelState:
    """Whether alarms get through a channel; `error` is None where the last one did."""

    channel: str
    told_at: datetime | None
    failed_at: datetime | None
    error: str | None
    failures: int


class Incidents:
    """The incidents of a mirror, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def reconcile(self, conditions: Collection[Condition], looked_at: Collection[str]) -> None:
        """Open an incident for every condition that has none, and close those of the kinds `looked_at` that are over."""
        values = [(one.kind, one.subject, one.sentence, one.severity) for one in conditions]
        kinds, subjects = [value[0] for value in values], [value[1] for value in values]
        with transaction(self._connection) as cursor:
            if values:
                execute_values(cursor, OPENED, values)
            cursor.execute(OVER, (list(looked_at), kinds, subjects))

    def untold(self, channel: str) -> Sequence[IncidentState]:
        """What the channel has to hear: open incidents it was not told of, closed ones whose beginning it was told."""
        return [IncidentState(*row) for row in rows(self._connection, UNTOLD, (channel,))]

    def told(self, channel: str, incidents: Sequence[Heard]) -> None:
        """The channel has heard of these, as they are."""
        with transaction(self._connection) as cursor:
            execute_values(cursor, TOLD, [(one.id, channel, one.closed_at) for one in incidents])
            cursor.execute(WELL, (channel,))

    def failed(self, channel: str, reason: str) -> None:
        """The channel failed."""
        rows(self._connection, ILL, (channel, message(reason)))


@contextmanager
def telling(url: str) -> Iterator[Incidents | None]:
    """The incidents, for the one who may tell of them at the moment; None where another does so already."""
    with connect(url) as connection:
        # Sensor and watchdog do not tell the same twice; the lock goes with the connection.
        yield Incidents(connection) if try_lock(connection, "alarms") else None


def incidents(url: str, *, closed: int = 0) -> list[IncidentState]:
    """The incidents that last, oldest first, and before them up to so many of the latest `closed` ones."""
    query = f"""
        (SELECT {COLUMNS} FROM eurostat.incidents WHERE closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT %s)
        UNION ALL SELECT {COLUMNS} FROM eurostat.incidents WHERE closed_at IS NULL ORDER BY closed_at, opened_at
    """  # noqa: S608 (constants)
    with connect(url) as connection:
        return [IncidentState(*row) for row in rows(connection, query, (closed,))]


def alarm_channels(url: str) -> list[ChannelState]:
    """Every channel that was ever used."""
    query = (
        "SELECT channel, told_at, failed_at, error, failures FROM eurostat.alarm_channels ORDER BY channel"
    )
    with connect(url) as connection:
        return [ChannelState(*row) for row in rows(connection, query)]
