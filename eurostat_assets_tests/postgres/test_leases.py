"""A run is dead when it neither renews its lease nor holds its lock, and then everybody agrees about it, once."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import psycopg2
import pytest

from eurostat_assets.postgres import DatabaseUnavailable, leases, states
from eurostat_assets.postgres.errors import RunIsDead
from eurostat_assets.postgres.leases import Holder, Lease, Terms

SHORT = Terms(lasts=0.5, renewed_every=0.1)
RUN = Holder("run-1", "daemon", "HLTH_TEST")
WAIT = 60  # seconds, on a busy machine


def until(condition) -> None:
    give_up = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def ignore(why: str) -> None:
    pass


def hold(url: str) -> None:
    Lease(url, RUN, SHORT, ignore)
    time.sleep(600)


@contextmanager
def holding(mirror: str, query) -> Iterator[BaseProcess]:
    """A process that holds the lease, and its lock."""
    process = multiprocessing.get_context("forkserver").Process(target=hold, args=(mirror,))
    process.start()
    try:
        until(lambda: query("SELECT 1 FROM eurostat.held_locks WHERE starts_with(name, 'run:')"))
        yield process
    finally:
        process.kill()
        process.join()


def sleep_past_expiry(query) -> None:
    until(lambda: query("SELECT 1 FROM eurostat.run_leases WHERE expires_at < clock_timestamp()"))


def test_a_killed_run_is_found_dead_by_one_of_many_who_look(mirror, query):
    with holding(mirror, query) as process:
        assert leases.expire(mirror, 600) == []
        process.kill()
        process.join()
        sleep_past_expiry(query)
        with ThreadPoolExecutor(8) as lookers:
            found = [
                dead for some in lookers.map(lambda _: leases.expire(mirror, 600), range(24)) for dead in some
            ]
    assert [dead.run_id for dead in found] == ["run-1"]
    assert leases.is_held(mirror, "run-1") is False
    state = states(mirror)["HLTH_TEST"]
    assert state.failures == 1
    assert state.error == f"HLTH_TEST: {found[0]}"
    assert query("SELECT next_attempt_at - now() < interval '0 s' FROM eurostat.datasets") == [(True,)]
    assert [dead.run_id for dead in leases.unreported(mirror)] == ["run-1"]
    leases.reported(mirror, "run-1")
    assert leases.unreported(mirror) == []
    with pytest.raises(RunIsDead):
        Lease(mirror, RUN, SHORT, ignore)


def test_a_dataset_whose_runs_die_again_and_again_waits_longer_and_longer(mirror, query):
    waits = []
    for n in range(12):
        Lease(mirror, Holder(f"run-{n}", "sync", "HLTH_TEST"), SHORT, ignore).stop()
        assert len(leases.expire(mirror, 600, f"run-{n}", certain=True)) == 1
        waits += query(
            "SELECT extract(epoch FROM next_attempt_at - failed_at)::integer FROM eurostat.datasets"
        )
    assert [wait for (wait,) in waits] == [0, *(10 * 2**n for n in range(1, 11)), 10 * 2**10]


def test_a_repair_that_dies_says_nothing_about_its_dataset(mirror):
    Lease(mirror, Holder("run-1", "repair", "HLTH_TEST"), SHORT, ignore).stop()
    assert len(leases.expire(mirror, 600, "run-1", certain=True)) == 1
    assert states(mirror) == {}


def test_a_process_that_gets_no_processor_time_is_alive(mirror, query):
    with holding(mirror, query) as process:
        os.kill(process.pid or 0, signal.SIGSTOP)
        sleep_past_expiry(query)
        assert [leases.expire(mirror, 600) for _ in range(100)] == [[]] * 100
        # But not for ever.
        query("UPDATE eurostat.run_leases SET heartbeat_at = now() - interval '601 s'")
        assert [dead.run_id for dead in leases.expire(mirror, 600)] == ["run-1"]


def test_a_lost_connection_is_made_anew_and_costs_no_run_its_life(mirror, query):
    terms, lost = Terms(lasts=30, renewed_every=0.05), []
    lease = Lease(mirror, RUN, terms, lost.append)
    for _ in range(10):
        until(
            lambda: query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'eurostat-assets lease'"
            )
        )
        assert leases.expire(mirror, 600) == []
        until(lambda: query("SELECT 1 FROM eurostat.run_leases WHERE heartbeat_at > now() - interval '1 s'"))
    lease.release()
    assert lost == []
    assert leases.is_held(mirror, "run-1") is None


def test_a_run_that_was_found_dead_or_lost_its_database_is_told(mirror, query):
    told, event = [], threading.Event()

    def on_lost(why: str) -> None:
        told.append(why)
        event.set()

    lease = Lease(mirror, RUN, Terms(lasts=30, renewed_every=0.05), on_lost)
    leases.expire(mirror, 600, "run-1", certain=True)
    assert event.wait(WAIT)
    lease.stop()
    event.clear()
    lease = Lease(mirror, Holder("run-2", "sync"), SHORT, on_lost)
    name = query("SELECT current_database()")[0][0]
    with psycopg2.connect(mirror, dbname="postgres") as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.commit()
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND application_name = 'eurostat-assets lease'",
            (name,),
        )
        assert event.wait(WAIT)
        lease.stop()
        with pytest.raises(DatabaseUnavailable):
            Lease(mirror, Holder("run-3", "sync"), SHORT, on_lost)
        cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    connection.close()
    assert len(told) == 2
    assert "out of reach" in told[1]


def test_a_launcher_hands_its_lease_over(mirror, query):
    lease = Lease(mirror, RUN, SHORT, ignore)
    lease.stop(lasts=60)
    assert query("SELECT expires_at > clock_timestamp() + interval '50 s' FROM eurostat.run_leases") == [
        (True,)
    ]
    Lease(mirror, RUN, SHORT, ignore).release()
    assert leases.is_held(mirror, "run-1") is None
