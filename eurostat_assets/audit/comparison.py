"""One published table against its Parquet file: a fast look where that is proof enough, else the checksum.

A release's table never changes after its load, so all its rows were written by one transaction (`xmin`) and their number
is known. Once a table was compared by checksum, what could be seen of it and of the file without reading values (rows,
transaction, size and date of the file) is kept as its seal. The **fast look** (every day) takes the seal again: it scans
the table, but opens no row, and of the file it reads the footer. While the seal is whole the two are still equal. A table
without one (a new release, one restored from a dump) or with a broken one is compared by **checksum**, as is every
table in a deep audit (weekly, or on request): that finds also what changed behind the server's and the file system's back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from eurostat_assets.audit.differences import differences
from eurostat_assets.audit.digest import (
    Column,
    Digest,
    OnProgress,
    Readable,
    columns_of,
    digest,
    open_parquet,
)
from eurostat_assets.audit.errors import HashesDiffer
from eurostat_assets.audit.findings import Finding, Kind, Remedy
from eurostat_assets.audit.seals import Audited, Look, Published, Seal, Server, evidence_of

if TYPE_CHECKING:
    import pyarrow.parquet as pq

ON_ITS_WAY = timedelta(hours=1)
EXAMPLES = (0.0, 1.0, -0.1, 1e300, 5e-324, float("nan"), float("inf"))


def compare(
    server: Server,
    parquet: Readable,
    published: Published,
    seal: Seal | None,
    now: datetime,
    *,
    deep: bool = False,
    on_progress: OnProgress | None = None,
) -> Audited:
    """Audit the table of a dataset. Raises AuditError, and whatever `server` raises when it cannot answer."""
    code = published.dataset
    if seal and seal.published_at != published.published_at:
        seal = None
    look = server.look(code)
    if look is None:
        story = f"{code}: {published.release} is said to be published, but there is no table eurostat.{code.lower()}"
        return _found(code, "table_missing", story, remedy="publish")
    try:
        return _compare_file(server, parquet, published, look, seal, now, deep, on_progress)
    except FileNotFoundError:
        story = f"{code}: its Parquet file is gone, so the table cannot be compared with it"
        return _found(code, "parquet_missing", story, remedy="read")


def _compare_file(
    server: Server,
    parquet: Readable,
    published: Published,
    look: Look,
    seal: Seal | None,
    now: datetime,
    deep: bool,
    on_progress: OnProgress | None,
) -> Audited:
    import pyarrow as pa

    code, evidence = published.dataset, dict(look.evidence) | evidence_of(parquet)
    try:
        with open_parquet(parquet) as file:
            if other := _other_release(file, published):
                modified = evidence.get("modified")
                if modified and now.timestamp() - modified / 1e9 < ON_ITS_WAY.total_seconds():
                    return Audited(code, (), file.metadata.num_rows, checked=frozenset())
                return _found(code, "other_release", other, remedy="read")
            columns = columns_of(code, file.schema_arrow)
            if strange := _other_columns(code, columns, look):
                return strange
            intact = look.written_at_once and seal is not None and dict(seal.evidence) == evidence
            if intact and not deep and look.rows == file.metadata.num_rows:
                return Audited(code, (), look.rows)
            _prove_hashes(server)
            ours = digest(file, code, columns, server.hash_codes, on_progress)
            theirs = Digest(*server.digest(code, columns))
            if ours == theirs:
                new = Seal(published.published_at, ours.checksum, evidence) if look.written_at_once else None
                return Audited(code, (), ours.rows, compared=True, seal=new)
            return _differ(server, file, published, columns, look, seal, ours, theirs)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        story = f"{code}: its Parquet file cannot be read ({' '.join(str(error).split())[:200]})"
        return _found(code, "parquet_unreadable", story, remedy="read")


def _differ(
    server: Server,
    file: pq.ParquetFile,
    published: Published,
    columns: Sequence[Column],
    look: Look,
    seal: Seal | None,
    ours: Digest,
    theirs: Digest,
) -> Audited:
    """Which of both changed, and where."""
    code = published.dataset
    where = differences(file, server, code, columns, server.hash_codes)
    numbers = {
        "rows in the table": theirs.rows,
        "rows in the Parquet file": ours.rows,
        "checksum of the table": str(theirs.checksum),
        "checksum of the Parquet file": str(ours.checksum),
        "rows that differ, at least": where.buckets,
        "examples": list(where.examples),
    }
    kind, what = _culprit(published, look, seal, ours, theirs)
    since = f" since {seal.sealed_at:%Y-%m-%d %H:%M} UTC" if seal and seal.sealed_at else ""
    story = (
        f"{code}: {what}{since}: {theirs.rows:,} rows in the table, {ours.rows:,} in the Parquet file;"
        f" {'; '.join(where.examples[:3])}"
    )
    found = _found(code, kind, story, numbers, remedy="read" if kind == "parquet_changed" else "publish")
    return Audited(code, found.findings, theirs.rows, compared=True)


def _culprit(
    published: Published, look: Look, seal: Seal | None, ours: Digest, theirs: Digest
) -> tuple[Kind, str]:
    """Whether table or file is not what it was, as far as that can be known."""
    if seal and seal.checksum == ours.checksum:
        return "table_changed", "its table was changed by hand"
    if seal and seal.checksum == theirs.checksum:
        return "parquet_changed", "its Parquet file was changed"
    if ours.rows != published.rows:
        return "parquet_changed", f"its Parquet file has not the {published.rows:,} rows that were published"
    if theirs.rows != published.rows or not look.written_at_once:
        return "table_changed", "its table was changed by hand"
    return "table_differs", "its table differs from its Parquet file"


def _found(
    code: str, kind: Kind, story: str, numbers: Mapping[str, Any] | None = None, *, remedy: Remedy
) -> Audited:
    help_: dict[Remedy, str] = {
        "publish": f"`eurostat-assets audit {code} --repair` publishes the Parquet file again.",
        "read": f"`eurostat-assets audit {code} --repair` reads the raw file and publishes it again.",
    }
    return Audited(code, (Finding(code, kind, f"{story}. {help_[remedy]}", numbers or {}, remedy),))


def _other_release(file: pq.ParquetFile, published: Published) -> str | None:
    """Where the file is not of what is published, the sentence that says so."""
    import json

    metadata = file.schema_arrow.metadata or {}
    about = json.loads(metadata.get(b"provenance", b"{}"))
    release, raw = about.get("release"), about.get("sha256")
    whose = json.loads(metadata.get(b"jsonstat", b"{}")).get("dataset") or published.dataset
    if whose != published.dataset:
        return f"{published.dataset}: its Parquet file is of the dataset {whose}"
    if (raw or published.raw) == published.raw and (release or published.release) == published.release:
        return None
    return (
        f"{published.dataset}: its Parquet file is of another release ({release}, sha256 {str(raw)[:12]}) than its table"
        f" ({published.release}, sha256 {str(published.raw)[:12]})"
    )


def _other_columns(code: str, columns: Sequence[Column], look: Look) -> Audited | None:
    missing = [column.name for column in columns if column.name not in look.columns]
    if not missing:
        return None
    story = f"{code}: its table lacks {', '.join(missing)}, which the Parquet file has"
    return _found(code, "columns_differ", story, {"missing": missing}, remedy="publish")


def _prove_hashes(server: Server) -> None:
    """Raises HashesDiffer unless the server hashes numbers as hashing.py does."""
    import numpy as np

    from eurostat_assets.audit.hashing import hash_float8, hash_int4

    numbers, keys = np.array(EXAMPLES), np.array([0, 1, -1, 19_000, -(2**31)], np.int32)
    for ours, theirs, examples in (
        (hash_float8(numbers, 3), server.hash_numbers(numbers.tolist(), 3), numbers),
        (hash_int4(keys, 3), server.hash_keys(keys.tolist(), 3), keys),
    ):
        if wrong := np.flatnonzero(ours.view(np.int64) != np.array(theirs, np.int64)).tolist():
            raise HashesDiffer(examples[wrong[0]].item())
