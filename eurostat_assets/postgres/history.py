"""How the mirror came to be what it is: the latest changes, and what was published on each day.

Told from `eurostat.releases`. Not here: where datasets stand now (state.py).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from eurostat_assets.postgres.connection import connect, rows

CHANGES = """
SELECT attempt.dataset, dataset.title, attempt.state, attempt.release, attempt.rows, attempt.rows - before.rows,
       attempt.seconds, attempt.error, attempt.finished_at
FROM eurostat.releases AS attempt
LEFT JOIN eurostat.datasets AS dataset USING (dataset)
LEFT JOIN LATERAL (
    SELECT rows FROM eurostat.releases
    WHERE dataset = attempt.dataset AND id < attempt.id AND state IN ('published', 'superseded')
    ORDER BY id DESC LIMIT 1
) AS before ON attempt.state IN ('published', 'superseded')
WHERE attempt.finished_at IS NOT NULL
ORDER BY attempt.finished_at DESC, attempt.id DESC LIMIT %s
"""
DAYS = """
WITH attempts AS (
    SELECT (finished_at AT TIME ZONE 'UTC')::date AS day, state IN ('published', 'superseded') AS published,
           rows - coalesce(lag(rows) OVER (PARTITION BY dataset, state IN ('published', 'superseded') ORDER BY id), 0)
               AS more
    FROM eurostat.releases WHERE finished_at IS NOT NULL
)
SELECT day, count(*) FILTER (WHERE published), count(*) FILTER (WHERE NOT published),
       coalesce(sum(more) FILTER (WHERE published), 0)::bigint
FROM attempts GROUP BY day ORDER BY day
"""


@dataclass(frozen=True)
class Change:
    """An attempt to publish a release that has ended; `more` is rows against the release before, None for a first one."""

    dataset: str
    title: str | None
    state: str
    release: str | None
    rows: int | None
    more: int | None
    seconds: float | None
    error: str | None
    finished_at: datetime


@dataclass(frozen=True)
class Day:
    """What one day (UTC) brought, and how many rows the mirror had at its end."""

    day: date
    published: int
    failed: int
    rows: int


def changes(url: str, limit: int = 40) -> list[Change]:
    """The latest attempts to publish, newest first."""
    with connect(url) as connection:
        return [Change(*row) for row in rows(connection, CHANGES, (limit,))]


def days(url: str, until: date, count: int = 60) -> list[Day]:
    """The `count` days that end with `until`, oldest first, also those on which nothing happened."""
    with connect(url) as connection:
        found = {day: (published, failed, more) for day, published, failed, more in rows(connection, DAYS)}
    first = until - timedelta(days=count - 1)
    total = sum(more for day, (_, _, more) in found.items() if day < first)
    history = []
    for day in (first + timedelta(days=number) for number in range(count)):
        published, failed, more = found.get(day, (0, 0, 0))
        total += more
        history.append(Day(day, published, failed, total))
    return history
