"""Publishing: observations from Parquet files become tables that people query, under their feet.

Here: the embedded server, the project's own tables, COPY, the switch from one release to the next, roles.
Not here: where a file came from and when to publish it (no Eurostat URL, no Dagster, no settings).
"""

from eurostat_assets.postgres.audits import (
    AuditFinding,
    SealState,
    audit_findings,
    record_audits,
    record_strangers,
    seals,
)
from eurostat_assets.postgres.catalogue import (
    CatalogueChange,
    catalogue_size,
    record_catalogue,
    recorded_folders,
)
from eurostat_assets.postgres.checks import (
    Acceptance,
    CheckResult,
    accept,
    acceptances,
    latest_checks,
    published_numbers,
    record_checks,
)
from eurostat_assets.postgres.connection import create_database, must_answer
from eurostat_assets.postgres.digests import Reader, reading
from eurostat_assets.postgres.embedded import EmbeddedPostgres, ServerStatus
from eurostat_assets.postgres.errors import (
    CatalogueShrank,
    DatabaseRefused,
    DatabaseUnavailable,
    DiskFull,
    MirrorMismatch,
    NoCluster,
    NothingHeldBack,
    NotPublished,
    PostgresError,
    PublishError,
    RolesMissing,
    ServerStopped,
)
from eurostat_assets.postgres.freshness import Freshness, Outcome, Stage, faults, freshness, outcomes, stages
from eurostat_assets.postgres.incidents import (
    ChannelState,
    Incidents,
    IncidentState,
    alarm_channels,
    incidents,
    telling,
)
from eurostat_assets.postgres.indexes import Indexes
from eurostat_assets.postgres.limits import ReaderLimits
from eurostat_assets.postgres.loaders import remove_leftovers
from eurostat_assets.postgres.migrations import migrate
from eurostat_assets.postgres.offers import (
    record_checked,
    record_offers,
    record_probe_failures,
    record_waiting,
    settle_offer,
)
from eurostat_assets.postgres.orphans import OrphanedFile, orphaned_files
from eurostat_assets.postgres.polls import Poll, Polled, claim_sweep, poll_failed, poll_succeeded, polls
from eurostat_assets.postgres.publication import Patience, Publication, Storage
from eurostat_assets.postgres.publishing import publish
from eurostat_assets.postgres.relations import relation_sizes
from eurostat_assets.postgres.state import (
    DatasetState,
    claim_mirror,
    claimed_source,
    published_table,
    record_failure,
    states,
)

__all__ = [
    "Acceptance",
    "AuditFinding",
    "CatalogueChange",
    "CatalogueShrank",
    "ChannelState",
    "CheckResult",
    "DatabaseRefused",
    "DatabaseUnavailable",
    "DatasetState",
    "DiskFull",
    "EmbeddedPostgres",
    "Freshness",
    "IncidentState",
    "Incidents",
    "Indexes",
    "MirrorMismatch",
    "NoCluster",
    "NotPublished",
    "NothingHeldBack",
    "OrphanedFile",
    "Outcome",
    "Patience",
    "Poll",
    "Polled",
    "PostgresError",
    "Publication",
    "PublishError",
    "Reader",
    "ReaderLimits",
    "RolesMissing",
    "SealState",
    "ServerStatus",
    "ServerStopped",
    "Stage",
    "Storage",
    "accept",
    "acceptances",
    "alarm_channels",
    "audit_findings",
    "catalogue_size",
    "claim_mirror",
    "claim_sweep",
    "claimed_source",
    "create_database",
    "faults",
    "freshness",
    "incidents",
    "latest_checks",
    "migrate",
    "must_answer",
    "orphaned_files",
    "outcomes",
    "poll_failed",
    "poll_succeeded",
    "polls",
    "publish",
    "published_numbers",
    "published_table",
    "reading",
    "record_audits",
    "record_catalogue",
    "record_checked",
    "record_checks",
    "record_failure",
    "record_offers",
    "record_probe_failures",
    "record_strangers",
    "record_waiting",
    "recorded_folders",
    "relation_sizes",
    "remove_leftovers",
    "seals",
    "settle_offer",
    "stages",
    "states",
    "telling",
]
