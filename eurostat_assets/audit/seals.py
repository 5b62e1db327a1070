"""What is known before anything is compared: the books, a look at the table, the file's outside, and the seal of both.

Here are the words of a comparison; what is concluded from them is in comparison.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from eurostat_assets.audit.differences import BucketedTable
from eurostat_assets.audit.digest import Column, Readable
from eurostat_assets.audit.findings import OF_A_TABLE, Finding, Kind


class Look(Protocol):
    """What can be seen of a table without opening a row; `evidence` (JSON) is equal as long as nobody wrote to it."""

    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def rows(self) -> int: ...
    @property
    def written_at_once(self) -> bool: ...
    @property
    def evidence(self) -> Mapping[str, Any]: ...


class Server(BucketedTable, Protocol):
    """The published tables, in a database."""

    def look(self, dataset: str) -> Look | None: ...
    def digest(self, dataset: str, columns: Sequence[Column]) -> tuple[int, int]: ...
    def hash_codes(self, codes: Sequence[str], seed: int) -> Sequence[int]: ...
    def hash_numbers(self, numbers: Sequence[float], seed: int) -> Sequence[int]: ...
    def hash_keys(self, keys: Sequence[int], seed: int) -> Sequence[int]: ...


@dataclass(frozen=True)
class Published:
    """What the mirror's books say of a dataset; `raw` is the sha256 of the body it was read from."""

    dataset: str
    release: str
    rows: int
    raw: str | None
    published_at: datetime


@dataclass(frozen=True)
class Seal:
    """What a table and its file looked like when their checksum was last the same."""

    published_at: datetime
    checksum: int
    evidence: Mapping[str, Any]
    sealed_at: datetime | None = None


@dataclass(frozen=True)
class Audited:
    """One audit of one table.

    `compared`: by checksum, not only by a look; `seal`: what holds from now on; `checked`: kinds of findings that this audit
    decides about, so that earlier ones of them are over unless they are here again.
    """

    dataset: str
    findings: tuple[Finding, ...]
    rows: int = 0
    compared: bool = False
    seal: Seal | None = None
    checked: frozenset[Kind] = OF_A_TABLE


def evidence_of(parquet: Readable) -> dict[str, int]:
    """Size in bytes and date (ns since 1970) of the file; as little of it as its store tells."""
    seen: dict[str, int] = {}
    stat = getattr(parquet, "stat", None)
    if stat:
        about = stat()
        seen["bytes"] = int(about.st_size)
        with suppress(AttributeError, TypeError, ValueError):
            seen["modified"] = int(getattr(about, "st_mtime_ns", None) or about.st_mtime * 1e9)
    return seen
