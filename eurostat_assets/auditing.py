"""The audit itself: every published table against its Parquet file, and all that is there against the mirror's books.

The same for the job `audit` and the command line; what it finds is kept in `eurostat.audits`. It only reads: what is done
about a finding is decided by a person, or by `eurostat-assets audit --repair` (repairing.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from eurostat_assets.audit import (
    OF_HIERARCHIES,
    OF_THE_SERVER,
    OF_THE_WHOLE,
    Audited,
    Finding,
    HashesDiffer,
    Published,
    Seal,
    Shelf,
    codes_of,
    compare,
    hierarchies,
    implausible,
    orphaned,
    strangers,
)
from eurostat_assets.io_managers import ParquetStore, RawStore
from eurostat_assets.postgres import (
    DatabaseRefused,
    DatabaseUnavailable,
    DatasetState,
    NotPublished,
    Reader,
    SealState,
    orphaned_files,
    reading,
    record_audits,
    record_strangers,
    relation_sizes,
    seals,
    states,
)
from eurostat_assets.resources import Mirror, embedded_server

WRITTEN_AT_ONCE = 50

OnDataset = Callable[[int, int, str], None]
"""How many are done, how many there are, the dataset that comes next."""


@dataclass(frozen=True)
class Report:
    """One audit of the mirror, or of some datasets; `strangers` only of the whole mirror.

    `not_looked_at`: what this audit of the whole could not see, and why; empty where that is nothing.
    """

    audited: tuple[Audited, ...]
    strangers: tuple[Finding, ...]
    deep: bool
    seconds: float
    not_looked_at: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything found, errors first."""
        every = [finding for one in self.audited for finding in one.findings]
        return tuple(sorted([*every, *self.strangers], key=lambda finding: finding.severity))

    @property
    def compared(self) -> int:
        """How many tables were compared by checksum; the others by a look at their seals."""
        return sum(one.compared for one in self.audited)

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.audited)


def audit(
    mirror: Mirror,
    codes: Sequence[str] | None = None,
    *,
    deep: bool = False,
    on_dataset: OnDataset | None = None,
) -> Report:
    """Audit the published ones of `codes`, or the whole mirror; with `deep` by checksum also where the seal is whole.

    A dataset that cannot be audited is a finding. Raises NotPublished for codes without a table, PostgresError when the
    database is away, and HashesDiffer.
    """
    started = time.monotonic()
    known = states(mirror.database)
    for code in codes or ():
        if code not in known or known[code].release is None:
            raise NotPublished(code)
    chosen = [
        state for code, state in known.items() if state.release and (codes is None or code in set(codes))
    ]
    sealed, audited, waiting = seals(mirror.database), list[Audited](), list[Audited]()
    try:
        with reading(mirror.database) as server:
            for done, state in enumerate(chosen):
                if on_dataset:
                    on_dataset(done, len(chosen), state.dataset)
                one = _audit_one(mirror, server, state, sealed.get(state.dataset), deep)
                waiting.append(one)
                audited.append(one)
                if len(waiting) == WRITTEN_AT_ONCE:
                    record_audits(mirror.database, waiting)
                    waiting.clear()
    finally:
        record_audits(mirror.database, waiting)
    others, not_looked_at = (), ""
    if codes is None:
        others = _strangers(mirror)
        left, not_looked_at = _left_by_crashes(mirror)
        others += left
    return Report(tuple(audited), others, deep, time.monotonic() - started, not_looked_at)


def _audit_one(
    mirror: Mirror, server: Reader, state: DatasetState, sealed: SealState | None, deep: bool
) -> Audited:
    """The audit of one published dataset, whatever happens to it meanwhile."""
    parquet = ParquetStore(mirror.settings.store).path(state.dataset)
    try:
        result = compare(server, parquet, _published(state), _seal(sealed), datetime.now(UTC), deep=deep)
        if result.compared and not result.findings:
            result = _with_hierarchies(server, result, codes_of(parquet))
    except (DatabaseUnavailable, HashesDiffer):
        raise
    except Exception as error:  # noqa: BLE001 (whatever is wrong with this one, the others are looked at)
        story = f"{state.dataset}: it could not be audited ({type(error).__name__}: {error})"
        result = Audited(state.dataset, (Finding(state.dataset, "not_audited", story),))
    if result.findings and states(mirror.database)[state.dataset].published_at != state.published_at:
        # Published anew in the meantime: what was compared is not what readers see now. The next audit will tell.
        return Audited(state.dataset, (), checked=frozenset())
    return result


def _with_hierarchies(server: Reader, result: Audited, codes: Mapping[str, frozenset[str]]) -> Audited:
    found: list[Finding] = []
    for hierarchy in hierarchies(codes):
        compared, off, worst = server.implausible(result.dataset, hierarchy)
        if off:
            found.append(implausible(result.dataset, hierarchy, compared, off, worst))
    return replace(result, findings=tuple(found), checked=result.checked | OF_HIERARCHIES)


def _strangers(mirror: Mirror) -> tuple[Finding, ...]:
    """Whatever belongs nowhere, written down; looked for after the tables, with the books of that moment."""
    store = mirror.settings.store
    # What there is comes first: whatever is made meanwhile is then in the books that are read after it.
    shelves = [Shelf("raw", RawStore(store).codes()), Shelf("observations", ParquetStore(store).codes())]
    sizes = relation_sizes(mirror.database)
    known = states(mirror.database)
    published = [code for code, state in known.items() if state.release]
    found = tuple(strangers(sizes, shelves, known, published))
    record_strangers(mirror.database, found, OF_THE_WHOLE)
    return found


def _left_by_crashes(mirror: Mirror) -> tuple[tuple[Finding, ...], str]:
    """What the server's crashes left in its data folder, written down; or why that is not known.

    The embedded server removes it whenever it starts, and its files are nothing for the platform to list.
    """
    if embedded_server(mirror.settings):
        return (), ""
    try:
        found = tuple(orphaned(orphaned_files(mirror.database, everywhere=False)))
    except DatabaseRefused as error:
        return (), f"files that a crash may have left in the server's data folder ({error.reason})"
    record_strangers(mirror.database, found, OF_THE_SERVER)
    return found, ""


def _published(state: DatasetState) -> Published:
    assert state.release is not None
    assert state.published_at is not None
    return Published(state.dataset, state.release, state.rows or 0, state.sha256, state.published_at)


def _seal(known: SealState | None) -> Seal | None:
    if known is None or known.published_at is None or known.checksum is None:
        return None
    return Seal(known.published_at, known.checksum, known.evidence or {}, known.sealed_at)
