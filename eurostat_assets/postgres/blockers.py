"""The sessions that hold a lock on tables which somebody wants to change: who they are, and the ending of one.

Here: what the server says of them. Not here: how long they are waited for, and which of them are ended (waiting.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql

from eurostat_assets.postgres.connection import Connection, rows
from eurostat_assets.postgres.limits import ReaderLimits

# A session's state, and how long it lasts, are shown only to those who may act as its role or as pg_read_all_stats.
# Ours are superusers, whoever may act as the owner, and the role of this session. A reader's limits are the deployment's:
# those of the role are not asked for, since a session may lift them for itself, and for its role (ALTER ROLE), for good.
BLOCKERS = """
WITH RECURSIVE family (relation) AS (
    SELECT to_regclass(format('%%I.%%I', space, name))::oid FROM unnest(%s::text[], %s::text[]) AS wanted (space, name)
    UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = relation
), holding AS (
    SELECT DISTINCT pid, virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND granted AND relation IN (SELECT relation FROM family) AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), sessions AS (
    SELECT *, extract(epoch FROM clock_timestamp() - xact_start)::float AS in_transaction,
           extract(epoch FROM clock_timestamp() - state_change)::float AS in_state,
           coalesce(rolsuper OR pg_has_role(usesysid, to_regrole('eurostat_owner'), 'MEMBER'), false)
               OR usesysid IS NOT DISTINCT FROM (SELECT usesysid FROM pg_stat_activity WHERE pid = pg_backend_pid())
               OR usesysid IS NULL AS is_ours,
           coalesce(pg_has_role(usesysid, to_regrole('eurostat_reader'), 'MEMBER'), false) AS is_reader
    FROM holding JOIN pg_stat_activity USING (pid) LEFT JOIN pg_roles ON pg_roles.oid = usesysid
)
SELECT pid, virtualtransaction, coalesce(usename, backend_type), application_name, coalesce(state, ''),
       coalesce(in_state, 0), in_transaction,
       NOT is_ours AND (pg_has_role('pg_signal_backend', 'USAGE') OR pg_has_role(usesysid, 'USAGE')),
       NOT is_ours AND is_reader AND coalesce(
           in_transaction > %s OR state = 'active' AND in_state > %s OR starts_with(state, 'idle in') AND in_state > %s,
           false)
FROM sessions ORDER BY starts_with(state, 'idle in') DESC NULLS LAST, xact_start
"""
GRACE = 5.0
"""Seconds beyond a limit, in which the server itself may end what is over it."""
END = """
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE pid = %s AND virtualtransaction = %s LIMIT 1
"""


@dataclass(frozen=True)
class Blocker:
    """A session that holds a lock, as it is in one moment; `transaction` is the server's name of its present one.

    `seconds` in this state and `transaction_seconds` are 0 and None where the server hides them from us; `state` is
    then empty. `may_end`: it is none of our own roles', and we have the right to end it. `over_limit`: it is a reader's
    and has been at this for longer than readers may.
    """

    pid: int
    transaction: str
    user: str
    application: str
    state: str
    seconds: float
    transaction_seconds: float | None
    may_end: bool
    over_limit: bool

    @property
    def is_idle(self) -> bool:
        """Whether it does nothing but hold its locks."""
        return self.state.startswith("idle in transaction")

    def __str__(self) -> str:
        doing = f"{self.state} for {self.seconds:.0f} s" if self.state else "doing what only its role may see"
        since = self.transaction_seconds
        began = (
            f", its transaction for {since:.0f} s" if since is not None and since > self.seconds + 1 else ""
        )
        return f"pid {self.pid} ({self.user}, {self.application or 'no application_name'}): {doing}{began}"


def blockers(connection: Connection, tables: Sequence[sql.Identifier], limits: ReaderLimits) -> list[Blocker]:
    """Return who else holds a lock on these tables or those below: first who is idle in a transaction, then the oldest.

    `limits` are what readers are held to.
    """
    rows(connection, "SELECT pg_stat_clear_snapshot()")  # else a transaction sees again what it saw before
    names = [table.strings for table in tables]
    times = (limits.transaction_timeout, limits.statement_timeout, limits.idle_in_transaction_timeout)
    most = [seconds + GRACE if seconds else None for seconds in times]
    found = rows(connection, BLOCKERS, ([space for space, _ in names], [name for _, name in names], *most))
    return [Blocker(*row) for row in found]


def end(connection: Connection, blocker: Blocker) -> bool:
    """End that session, unless it has gone on to another transaction; return whether it was ended."""
    return rows(connection, END, (blocker.pid, blocker.transaction)) == [(True,)]
