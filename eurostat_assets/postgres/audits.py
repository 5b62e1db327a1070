"""What audits found and when they looked (`eurostat.audits`, `eurostat.seals`).

Not here: the looking itself (digests.py, relations.py), and whether something is as it should be.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from psycopg2.extras import execute_values

from eurostat_assets.model.messages import message
from eurostat_assets.postgres.connection import Cursor, connect, rows, transaction

FOUND = """
INSERT INTO eurostat.audits (subject, kind, severity, sentence, numbers, remedy) VALUES %s
ON CONFLICT (subject, kind) WHERE resolved_at IS NULL DO UPDATE SET
    sentence = excluded.sentence, numbers = excluded.numbers, severity = excluded.severity, remedy = excluded.remedy,
    last_seen = now()
"""
OVER = """
UPDATE eurostat.audits SET resolved_at = now()
WHERE resolved_at IS NULL AND kind = ANY(%s) AND (%s IS NULL OR subject = %s)
  AND NOT (subject, kind) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
AUDITED = """
INSERT INTO eurostat.seals (dataset, compared_at) VALUES (%s, CASE WHEN %s THEN now() END)
ON CONFLICT (dataset) DO UPDATE SET
    audited_at = now(), compared_at = coalesce(excluded.compared_at, seals.compared_at)
"""
SEALED = """
UPDATE eurostat.seals SET published_at = %s, checksum = %s, evidence = %s, sealed_at = now() WHERE dataset = %s
"""
SEALS = """
SELECT dataset, published_at, checksum::text, evidence, sealed_at, audited_at, compared_at FROM eurostat.seals
"""
FINDINGS = """
SELECT subject, kind, severity, sentence, numbers, remedy, first_seen, last_seen, resolved_at FROM eurostat.audits
WHERE %s OR resolved_at IS NULL ORDER BY severity, first_seen, subject, kind
"""


class Found(Protocol):
    """Something an audit found."""

    @property
    def subject(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def numbers(self) -> Mapping[str, Any]: ...
    @property
    def remedy(self) -> str: ...


class Sealed(Protocol):
    """Table and file were the same."""

    @property
    def published_at(self) -> datetime: ...
    @property
    def checksum(self) -> int: ...
    @property
    def evidence(self) -> Mapping[str, Any]: ...


class Audit(Protocol):
    """What came of looking at one dataset; `checked` are the kinds of findings it decided about."""

    @property
    def dataset(self) -> str: ...
    @property
    def findings(self) -> Sequence[Found]: ...
    @property
    def checked(self) -> Collection[str]: ...
    @property
    def compared(self) -> bool: ...
    @property
    def seal(self) -> Sealed | None: ...


@dataclass(frozen=True)
class AuditFinding:
    """One row of `eurostat.audits`, whose columns are explained there; moments are aware."""

    subject: str
    kind: str
    severity: Literal["error", "warning"]
    sentence: str
    numbers: Mapping[str, Any]
    remedy: str
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None


@dataclass(frozen=True)
class SealState:
    """One row of `eurostat.seals`, whose columns are explained there; moments are aware."""

    dataset: str
    published_at: datetime | None
    checksum: int | None
    evidence: Mapping[str, Any] | None
    sealed_at: datetime | None
    audited_at: datetime
    compared_at: datetime | None


def record_audits(url: str, audits: Iterable[Audit]) -> None:
    """Note what became of these datasets: their findings, those that are over, their seals."""
    with connect(url) as connection, transaction(connection) as cursor:
        for audit in audits:
            _record(cursor, audit.findings, audit.checked, audit.dataset)
            cursor.execute(AUDITED, (audit.dataset, audit.compared))
            if audit.seal:
                seal = audit.seal
                cursor.execute(
                    SEALED, (seal.published_at, seal.checksum, json.dumps(dict(seal.evidence)), audit.dataset)
                )


def record_strangers(url: str, findings: Sequence[Found], checked: Collection[str]) -> None:
    """Note all there is of the `checked` kinds; whatever else of them was known is over."""
    with connect(url) as connection, transaction(connection) as cursor:
        _record(cursor, findings, checked, None)


def audit_findings(url: str, *, resolved: bool = False) -> list[AuditFinding]:
    """Whatever is open, errors first, the oldest first; with `resolved` also what is over."""
    with connect(url) as connection:
        return [AuditFinding(*row) for row in rows(connection, FINDINGS, (resolved,))]


def seals(url: str) -> dict[str, SealState]:
    """When each dataset was audited, and its seal, by code."""
    with connect(url) as connection:
        found = rows(connection, SEALS)
    return {
        row[0]: SealState(row[0], row[1], int(row[2]) if row[2] is not None else None, *row[3:])
        for row in found
    }


def _record(cursor: Cursor, findings: Sequence[Found], checked: Collection[str], subject: str | None) -> None:
    values = [
        (
            one.subject,
            one.kind,
            one.severity,
            message(one.sentence),
            json.dumps(dict(one.numbers), default=str),
            one.remedy,
        )
        for one in findings
    ]
    if values:
        execute_values(cursor, FOUND, values)
    subjects, kinds = [value[0] for value in values], [value[1] for value in values]
    cursor.execute(OVER, (list(checked), subject, subject, subjects, kinds))
