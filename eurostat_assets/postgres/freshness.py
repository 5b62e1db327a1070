"""How far each dataset is behind its source, and what the books say in numbers.

Not here: what is done about it, and the text that shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from eurostat_assets.postgres.connection import connect, rows

FRESHNESS = """
SELECT dataset, state, released_at, offered_at, published_at, behind_since
FROM eurostat.freshness ORDER BY behind_since, dataset
"""
OUTCOMES = """
SELECT CASE state WHEN 'superseded' THEN 'published' ELSE state END, count(*), coalesce(sum(rows), 0),
       coalesce(sum(source_bytes), 0)
FROM eurostat.releases WHERE state <> 'loading' GROUP BY 1
"""
FAULTS = """
SELECT coalesce(failed_in, 'died'), count(*) FROM eurostat.releases
WHERE state IN ('failed', 'interrupted') GROUP BY 1
"""
STAGES = """
SELECT count(download_seconds), coalesce(sum(download_seconds), 0), count(read_seconds), coalesce(sum(read_seconds), 0),
       count(seconds), coalesce(sum(seconds), 0)
FROM eurostat.releases WHERE state IN ('published', 'superseded')
"""


@dataclass(frozen=True)
class Freshness:
    """A dataset against its source; moments are aware.

    `released_at`: of the release published here; `offered_at`: of the newest one known at Eurostat; `behind_since`: when
    that was offered, None where nothing is missing here.
    """

    dataset: str
    state: str
    released_at: datetime | None
    offered_at: datetime | None
    published_at: datetime | None
    behind_since: datetime | None

    def lag(self, now: datetime) -> float:
        """Seconds behind the source; 0 where nothing is missing here."""
        return max(0.0, (now - self.behind_since).total_seconds()) if self.behind_since else 0.0


@dataclass(frozen=True)
class Outcome:
    """All attempts to publish that ended alike: how many, their rows, the bytes of their raw files."""

    count: int
    rows: int
    source_bytes: int


@dataclass(frozen=True)
class Stage:
    """What one stage (download, read, publish) took of all releases that were published: of `count`, in all."""

    count: int
    seconds: float


def freshness(url: str) -> list[Freshness]:
    """Every dataset, those behind for the longest first."""
    with connect(url) as connection:
        return [Freshness(*row) for row in rows(connection, FRESHNESS)]


def outcomes(url: str) -> Mapping[str, Outcome]:
    """Every attempt there ever was, by how it ended: `published`, `failed` or `interrupted`."""
    with connect(url) as connection:
        return {
            state: Outcome(count, int(total), int(size))
            for state, count, total, size in rows(connection, OUTCOMES)
        }


def stages(url: str) -> Mapping[str, Stage]:
    """What each stage took of all releases that were published: `download`, `read`, `publish`."""
    with connect(url) as connection:
        ((downloads, downloading, reads, reading, publications, publishing),) = rows(connection, STAGES)
    return {
        "download": Stage(downloads, downloading),
        "read": Stage(reads, reading),
        "publish": Stage(publications, publishing),
    }


def faults(url: str) -> Mapping[str, int]:
    """How many attempts failed in each stage: `download`, `read`, `check`, `publish`; `died`: its process did."""
    with connect(url) as connection:
        return dict(rows(connection, FAULTS))
