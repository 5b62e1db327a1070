"""What the checks said of every release, the numbers they compare, and the releases that a person accepted all the same.

Not here: the checks themselves.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from psycopg2.extras import execute_values

from eurostat_assets.model.characters import NAME
from eurostat_assets.model.messages import line, message
from eurostat_assets.postgres.connection import connect, rows, transaction
from eurostat_assets.postgres.errors import NothingHeldBack

RESULTS = """
INSERT INTO eurostat.check_results (dataset, release, check_name, passed, severity, sentence, numbers, accepted, run_id)
VALUES %s
"""
PROFILE = """
INSERT INTO eurostat.release_profiles (dataset, release, numbers) VALUES (%s, %s, %s)
ON CONFLICT (dataset, release) DO UPDATE SET numbers = excluded.numbers, profiled_at = now()
"""
PUBLISHED_BEFORE = """
SELECT numbers FROM (
    SELECT numbers, published.id
    FROM eurostat.release_profiles AS profile
    JOIN LATERAL (
        SELECT max(id) AS id FROM eurostat.releases
        WHERE dataset = profile.dataset AND release = profile.release AND state IN ('published', 'superseded')
    ) AS published ON published.id IS NOT NULL
    WHERE dataset = %s AND release <> %s
    ORDER BY published.id DESC LIMIT %s
) AS newest ORDER BY id
"""
# Of a release that was published before profiles were kept, at least the rows are known.
ROWS_BEFORE = "SELECT rows FROM eurostat.datasets WHERE dataset = %s AND release <> %s AND rows IS NOT NULL"
# The check parquet_intact speaks of the file that is in the store already, which may be of an earlier release.
HELD_BACK = """
WITH last AS (
    SELECT release, run_id FROM eurostat.check_results
    WHERE dataset = %s AND check_name <> 'parquet_intact' ORDER BY id DESC LIMIT 1
)
SELECT release, array_agg(DISTINCT check_name ORDER BY check_name)
FROM eurostat.check_results JOIN last USING (release)
WHERE dataset = %s AND check_results.run_id IS NOT DISTINCT FROM last.run_id AND NOT passed AND severity = 'block'
GROUP BY release
"""
ACCEPTED = """
SELECT dataset, release, checks, reason, accepted_by, accepted_at FROM eurostat.acceptances
WHERE dataset = %s AND release = %s ORDER BY id
"""
LATEST = """
SELECT dataset, check_name, passed, severity, sentence, release, accepted, numbers, run_id, checked_at
FROM eurostat.checks
"""


class Result(Protocol):
    """The outcome of one check; `numbers` is a JSON object."""

    @property
    def check(self) -> str: ...
    @property
    def passed(self) -> bool: ...
    @property
    def severity(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def numbers(self) -> Mapping[str, Any]: ...
    @property
    def accepted(self) -> str | None: ...


@dataclass(frozen=True)
class CheckResult:
    """What a check said of a dataset last, one row of `eurostat.checks`; `severity` is block or warn, moments are aware."""

    dataset: str
    check: str
    passed: bool
    severity: str
    sentence: str
    release: str
    accepted: str | None
    numbers: Mapping[str, Any]
    run_id: str | None
    checked_at: datetime


@dataclass(frozen=True)
class Acceptance:
    """A release that is to be published although `checks` held it back."""

    dataset: str
    release: str
    checks: tuple[str, ...]
    reason: str
    accepted_by: str
    accepted_at: datetime


def record_checks(
    url: str,
    dataset: str,
    release: str,
    results: Sequence[Result],
    *,
    numbers: Mapping[str, Any] | None = None,
    run_id: str | None = None,
) -> None:
    """Keep what the checks said of a release, and its `numbers` (a JSON object) for later ones to be compared with."""
    values = [
        (dataset, release, one.check, one.passed, one.severity, message(one.sentence), json.dumps(dict(one.numbers)),
         one.accepted, run_id)
        for one in results
    ]  # fmt: skip
    with connect(url) as connection, transaction(connection) as cursor:
        execute_values(cursor, RESULTS, values)
        if numbers is not None:
            cursor.execute(PROFILE, (dataset, release, json.dumps(dict(numbers))))


def published_numbers(url: str, dataset: str, release: str, limit: int = 20) -> list[dict[str, Any]]:
    """The numbers of up to `limit` releases of `dataset` that were published, but for `release`; oldest first."""
    with connect(url) as connection:
        found = rows(connection, PUBLISHED_BEFORE, (dataset, release, limit))
        found = found or [
            ({"rows": count},) for (count,) in rows(connection, ROWS_BEFORE, (dataset, release))
        ]
    return [numbers for (numbers,) in found]


def accept(
    url: str, dataset: str, reason: str, accepted_by: str, *, never: Collection[str] = ()
) -> Acceptance:
    """Let the release of `dataset` pass that the checks held back last; it is due again at once.

    What is forgiven are the checks that failed, and in this release only. Raises NothingHeldBack, also where one of the
    checks `never` failed.
    """
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(HELD_BACK, (dataset, dataset))
        release, failed = cursor.fetchone() or (None, [])
        if release is None or set(failed) & set(never):
            raise NothingHeldBack(dataset, sorted(set(failed) & set(never)))
        cursor.execute(
            "INSERT INTO eurostat.acceptances (dataset, release, checks, reason, accepted_by)"
            " VALUES (%s, %s, %s, %s, %s)",
            (dataset, release, failed, message(reason), line(accepted_by, NAME)),
        )
        cursor.execute("UPDATE eurostat.datasets SET next_attempt_at = NULL WHERE dataset = %s", (dataset,))
        cursor.execute(ACCEPTED, (dataset, release))
        return _acceptance(cursor.fetchall()[-1])


def acceptances(url: str, dataset: str, release: str) -> list[Acceptance]:
    """What was accepted of a release, oldest first."""
    with connect(url) as connection:
        return [_acceptance(row) for row in rows(connection, ACCEPTED, (dataset, release))]


def latest_checks(url: str, dataset: str | None = None) -> list[CheckResult]:
    """What every check said last, of every dataset or of one."""
    with connect(url) as connection:
        found = rows(connection, f"{LATEST} WHERE dataset = coalesce(%s, dataset)", (dataset,))
    return [CheckResult(*row) for row in found]


def _acceptance(row: tuple[Any, ...]) -> Acceptance:
    dataset, release, checks, *rest = row
    return Acceptance(dataset, release, tuple(checks), *rest)
