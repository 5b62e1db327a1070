"""Leases: which runs are alive, by the database's clock, from whatever machine one looks.

The process that executes a run keeps its lease in two ways: it renews a row of `eurostat.run_leases` every few seconds, and
on a session of its own it holds a lock (session_locks.py). A run is dead when it does neither. The row bridges a lost
connection; the lock bridges a process that is starved of processor time, or busy in C code, for longer than a lease lasts.

Not here: what a process does without its lease, and what Dagster is told (run_processes.py, dead_runs.py).
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg2

from eurostat_assets.postgres.books import FAILED, LONGEST_WAIT
from eurostat_assets.postgres.connection import Connection, connect, open_session, rows, transaction
from eurostat_assets.postgres.errors import RunIsDead
from eurostat_assets.postgres.session_locks import try_lock

Kind = Literal["daemon", "sync", "repair"]

LOCK_COUNTS = 600
"""Seconds since the last renewal for which the lock counts: a process that was stopped holds it, too."""
DIED_RETRY = 10
"""Seconds until a dataset whose run died is due again, doubled with each failure in a row; the first time it is at once."""
KEPT_DAYS = 7
SESSION = """
SELECT set_config(name, value, false) FROM pg_settings
JOIN (VALUES ('statement_timeout', '5s'), ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '5'),
             ('tcp_keepalives_count', '3')) AS wanted (name, value) USING (name)
"""
"""Both sides notice within some 20 seconds that the other one is gone; so does this one by what it connects with."""

ACQUIRE = """
INSERT INTO eurostat.run_leases AS lease (run_id, kind, dataset, host, pid, expires_at)
VALUES (%s, %s, %s, %s, %s, clock_timestamp() + %s * interval '1 second')
ON CONFLICT (run_id) DO UPDATE SET
    host = excluded.host, pid = excluded.pid, heartbeat_at = clock_timestamp(), expires_at = excluded.expires_at
WHERE lease.expired_at IS NULL
RETURNING id
"""
RENEW = """
UPDATE eurostat.run_leases
SET heartbeat_at = clock_timestamp(), expires_at = clock_timestamp() + %s * interval '1 second'
WHERE id = %s AND expired_at IS NULL
RETURNING id
"""
DEAD = f"""
expires_at < clock_timestamp() AND (
    heartbeat_at < clock_timestamp() - {LOCK_COUNTS} * interval '1 second'
    OR NOT EXISTS (SELECT FROM eurostat.held_locks WHERE name = 'run:' || lease.id)
)
"""
EXPIRE = f"""
UPDATE eurostat.run_leases AS lease SET expired_at = clock_timestamp()
WHERE expired_at IS NULL AND (%s OR {DEAD}) AND run_id = coalesce(%s, run_id)
RETURNING run_id, kind, dataset, host, pid, heartbeat_at
"""  # noqa: S608 (constants)
AT_ONCE = "UPDATE eurostat.datasets SET next_attempt_at = now() WHERE dataset = %s AND failures = 1"
NEVER_STARTED = """
INSERT INTO eurostat.run_leases (run_id, kind, dataset, host, pid, expires_at)
VALUES (%s, %s, %s, '', 0, clock_timestamp() - interval '1 second') ON CONFLICT (run_id) DO NOTHING
"""
ATTEMPT = """
INSERT INTO eurostat.releases (dataset, state, error, finished_at) VALUES (%s, 'failed', %s, now())
"""
FORGET = f"""
DELETE FROM eurostat.run_leases WHERE expired_at < now() - interval '{KEPT_DAYS} days';
DELETE FROM eurostat.session_locks
WHERE starts_with(name, 'run:') AND NOT EXISTS (SELECT FROM eurostat.run_leases WHERE name = 'run:' || id)
"""  # noqa: S608 (constants)
BEFORE = """
SELECT dataset FROM eurostat.run_leases
WHERE expired_at IS NULL AND dataset <> %s
  AND id < coalesce((SELECT max(id) FROM eurostat.run_leases WHERE dataset = %s AND expired_at IS NULL), 0)
"""
UNREPORTED = """
SELECT run_id, kind, dataset, host, pid, heartbeat_at FROM eurostat.run_leases
WHERE expired_at IS NOT NULL AND NOT reported ORDER BY id
"""


@dataclass(frozen=True)
class Terms:
    """How long a lease lasts and how often it is renewed, in seconds."""

    lasts: float = 20
    renewed_every: float = 4


@dataclass(frozen=True)
class Holder:
    """Whose lease: a Dagster run, what started it, the dataset it is for where it is one."""

    run_id: str
    kind: Kind
    dataset: str | None = None


@dataclass(frozen=True)
class DeadRun:
    """A run whose lease expired: `host` and `pid` of the process that had it, and its last sign of life."""

    run_id: str
    kind: Kind
    dataset: str | None
    host: str
    pid: int
    heartbeat_at: datetime

    def __str__(self) -> str:
        if not self.pid:
            return "the daemon ended while it was starting this run"
        return (
            f"its process (pid {self.pid} on {self.host}) is gone: killed, or the machine or its connection to the"
            f" database went down; last sign of life {self.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"
        )


TERMS = Terms()


class Lease:
    """A lease that this process holds, renewed by a thread until `stop`."""

    def __init__(self, url: str, holder: Holder, terms: Terms, on_lost: Callable[[str], object]) -> None:
        """Acquire it. Raises RunIsDead, DatabaseUnavailable."""
        self._url = url
        self._holder = holder
        self._terms = terms
        self._on_lost = on_lost
        self._connection: Connection | None = None
        self._locked = False
        with connect(url) as connection:
            found = rows(connection, ACQUIRE, (
                holder.run_id, holder.kind, holder.dataset, socket.gethostname(), os.getpid(), terms.lasts,
            ))  # fmt: skip
            rows(connection, FORGET)
        if not found:
            raise RunIsDead(holder.run_id)
        ((self._id,),) = found
        self._renewed = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def stop(self, lasts: float = 0) -> None:
        """Renew it no more; it expires, or first lasts for so many seconds, in which another process may acquire it."""
        self._stopped.set()
        self._thread.join()
        if lasts:
            with suppress(psycopg2.Error), self._connected() as connection:
                rows(connection, RENEW, (lasts, self._id))
        self._disconnect()

    def release(self) -> None:
        """Give it back: the run has ended and Dagster knows it."""
        self.stop()
        with suppress(psycopg2.Error), self._connected() as connection:
            rows(
                connection,
                "DELETE FROM eurostat.run_leases WHERE id = %s AND expired_at IS NULL",
                (self._id,),
            )
        self._disconnect()

    def _keep(self) -> None:
        while True:
            try:
                alive = self._renew()
            except psycopg2.Error as error:
                self._disconnect()
                if time.monotonic() - self._renewed > self._terms.lasts:
                    said = str(error).strip().partition("\n")[0]
                    return self._lost(f"the database was out of reach for {self._terms.lasts:g} s ({said})")
            else:
                if not alive:
                    return self._lost(
                        "it was taken for dead, as the database had not heard of it for too long"
                    )
            if self._stopped.wait(self._terms.renewed_every):
                return None

    def _lost(self, why: str) -> None:
        if not self._stopped.is_set():
            self._on_lost(why)

    def _renew(self) -> bool:
        with self._connected() as connection:
            if not self._locked:
                self._locked = try_lock(connection, f"run:{self._id}")
            alive = bool(rows(connection, RENEW, (self._terms.lasts, self._id)))
        self._renewed = time.monotonic()
        return alive

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        if self._connection is None:
            self._connection = open_session(
                self._url, connect_timeout=5, keepalives_idle=5, keepalives_interval=5, keepalives_count=3,
                tcp_user_timeout=10_000, fallback_application_name="eurostat-assets lease",
            )  # fmt: skip
            rows(self._connection, SESSION)
        yield self._connection

    def _disconnect(self) -> None:
        self._locked = False
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def expire(url: str, retry: float, run_id: str | None = None, *, certain: bool = False) -> list[DeadRun]:
    """Find dead runs, or that one if it is dead or `certain` to be, and write down once and for all that they are.

    Their datasets are due again: at once where it is the first failure, else after longer and longer waits, at most 144
    times `retry`. (That of a repair is not: it was published before.) Raises DatabaseUnavailable.
    """
    with connect(url) as connection, transaction(connection) as cursor:
        cursor.execute(EXPIRE, (certain, run_id))
        dead = [DeadRun(*row) for row in cursor.fetchall()]
        for run in dead:
            if run.dataset and run.kind != "repair":
                story = f"{run.dataset}: {run}"
                cursor.execute(ATTEMPT, (run.dataset, story))
                cursor.execute(FAILED, (run.dataset, story, min(DIED_RETRY, retry), LONGEST_WAIT * retry))
                cursor.execute(AT_ONCE, (run.dataset,))
    return dead


def record_never_started(url: str, holder: Holder) -> None:
    """Enter a lease that has expired already, for a run whose launcher ended before it took one: `expire` then finds it.

    A run that has a lease keeps it. Raises DatabaseUnavailable.
    """
    with connect(url) as connection:
        rows(connection, NEVER_STARTED, (holder.run_id, holder.kind, holder.dataset))


def drop(url: str, run_id: str) -> None:
    """There is no lease of this run any more: it has ended, as Dagster knows. Raises DatabaseUnavailable."""
    with connect(url) as connection:
        rows(
            connection, "DELETE FROM eurostat.run_leases WHERE run_id = %s AND expired_at IS NULL", (run_id,)
        )


def is_held(url: str, run_id: str) -> bool | None:
    """Whether the lease of this run has not been found expired; None: there is none. Raises DatabaseUnavailable."""
    with connect(url) as connection:
        found = rows(
            connection, "SELECT expired_at IS NULL FROM eurostat.run_leases WHERE run_id = %s", (run_id,)
        )
    return found[0][0] if found else None


def at_work_before(url: str, dataset: str) -> set[str]:
    """The datasets whose runs are at work and began before that of `dataset`."""
    with connect(url) as connection:
        return {code for (code,) in rows(connection, BEFORE, (dataset, dataset))}


def unreported(url: str) -> list[DeadRun]:
    """Dead runs of which Dagster may not know yet, oldest first."""
    with connect(url) as connection:
        return [DeadRun(*row) for row in rows(connection, UNREPORTED)]


def reported(url: str, run_id: str) -> None:
    """Dagster knows of the end of this run."""
    with connect(url) as connection:
        rows(connection, "UPDATE eurostat.run_leases SET reported = true WHERE run_id = %s", (run_id,))
