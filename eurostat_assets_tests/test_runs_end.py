"""Every run ends: `sync` stops when it is told to, and when it is killed, its runs are failed and its processes gone."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import psycopg2
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.launcher.base import WorkerStatus

from eurostat_assets import command_runs, dead_runs, launcher, postgres, resources, sandbox
from eurostat_assets.dead_runs import fail_dead_runs
from eurostat_assets.postgres.postmaster import processes_in
from eurostat_assets.sensors.due import in_flight
from eurostat_assets.settings import Settings
from eurostat_assets_tests.living import lives

WAIT = 240  # seconds, on a busy machine
LOOKS = 1000
LOOK_FROM_ANOTHER_HOST = """
import socket, sys
import dagster as dg
socket.sethostname("another-host")
with dg.DagsterInstance.get() as instance:
    runs = [instance.get_run_by_id(run_id) for run_id in sys.argv[2:]]
    said = [instance.run_launcher.check_run_worker_health(runs[n % len(runs)]) for n in range(int(sys.argv[1]))]
print(socket.gethostname(), len(said), {one.status.name for one in said})
"""


@dg.job
def nothing() -> None:
    """A job of which only the run is wanted."""


@dataclass(frozen=True)
class Mirror:
    """A mirror of a slow Eurostat, filled by the command line only."""

    settings: Settings
    database: str
    instance: dg.DagsterInstance
    source: sandbox.Running

    def sync(self, *arguments: str) -> subprocess.Popen[bytes]:
        program = Path(sys.executable).with_name("eurostat-assets")
        return subprocess.Popen([program, "sync", *arguments], start_new_session=True)

    def at_work(self, runs: int) -> list[str]:
        """The ids of so many runs, once they are at work."""
        give_up = time.monotonic() + WAIT
        while True:
            started = self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
            if len(started) >= runs:
                return [run.run_id for run in started]
            assert time.monotonic() < give_up
            time.sleep(0.2)

    def statuses(self, ids: list[str]) -> set[str]:
        return {run.status.value for run in self.instance.get_runs(dg.RunsFilter(run_ids=ids))}

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement, in a transaction of its own."""
        with psycopg2.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchall() if cursor.description else []
        connection.close()
        return found

    def lease(self, column: str) -> list[Any]:
        """This of every lease that is held."""
        held = self.execute(f"SELECT {column} FROM eurostat.run_leases WHERE expired_at IS NULL")  # noqa: S608
        return [value for (value,) in held]


@pytest.fixture
def mirror(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with sandbox.running(profile="tests", latency=2.0) as source:
        for name, value in {
            "HOME": tmp_path, "API_URL": source.api_url, "THEME": "HLTH_SILC", "THEME_INCLUDE": "HLTH_RS_BDS",
            "DATABASE_URL": database, "STORE_URL": "", "PARALLEL_RUNS": 2,
        }.items():  # fmt: skip
            monkeypatch.setenv(f"EUROSTAT_{name}", str(value))
        for name in ("DAGSTER_HOME", "DAGSTER_PG_PASSWORD"):  # prepare_dagster sets them, among others
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
        settings = Settings()
        launcher.start_databases(settings)
        launcher.prepare_dagster(settings)
        with dg.DagsterInstance.get() as instance:
            yield Mirror(settings, database, instance, source)


def gone(tree: list[psutil.Process]) -> bool:
    return not any(map(lives, tree))


def await_end_of(tree: list[psutil.Process]) -> None:
    give_up = time.monotonic() + WAIT
    while not gone(tree):
        assert time.monotonic() < give_up, tree
        time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_sync_ends_when_it_is_told_to_and_its_runs_are_cancelled(mirror, how):
    sync = mirror.sync("--all", "--force")
    runs = mirror.at_work(2)
    tree = psutil.Process(sync.pid).children(recursive=True)
    sync.send_signal(how)
    assert sync.wait(WAIT) == 130
    await_end_of(tree)
    assert mirror.statuses(runs) == {"CANCELED"}
    assert in_flight(mirror.instance) == set()
    assert mirror.lease("run_id") == []
    # What waited was dropped, and nothing of this is a failure of a dataset.
    assert {state.error for state in postgres.states(mirror.database).values()} == {None}
    assert len(mirror.instance.get_runs(dg.RunsFilter(run_ids=runs))) == 2


@pytest.mark.parametrize(
    "trigger",
    [
        # The switch has begun, and readers still read.
        "TRIGGER hold BEFORE UPDATE ON eurostat.datasets",
        # All of it is done and locked, and the commit is under way.
        "CONSTRAINT TRIGGER hold AFTER UPDATE ON eurostat.datasets DEFERRABLE INITIALLY DEFERRED",
    ],
)
def test_a_run_told_to_end_within_the_switch_leaves_the_old_or_the_new_release(mirror, trigger):
    code = "HLTH_RS_BDS"
    assert mirror.sync(code).wait(WAIT) == 0
    published = {postgres.states(mirror.database)[code].release: mirrored(mirror, code)}
    mirror.source.release(code)
    # The server waits within the transaction of the switch, as it might for its disk, until the gate opens.
    mirror.execute("CREATE TABLE public.gate (is_open boolean); INSERT INTO public.gate VALUES (false)")
    mirror.execute(
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " WHILE NOT (SELECT is_open FROM public.gate) LOOP PERFORM pg_sleep(0.05); END LOOP; RETURN NEW; END $$"
    )
    mirror.execute(
        f"CREATE {trigger} FOR EACH ROW WHEN (NEW.release IS DISTINCT FROM OLD.release) EXECUTE FUNCTION public.hold()"
    )
    sync = mirror.sync(code)
    await_switch(mirror, under_way=True)
    tree = psutil.Process(sync.pid).children(recursive=True)
    sync.terminate()
    assert sync.wait(WAIT) == 130
    await_end_of(tree)
    mirror.execute("UPDATE public.gate SET is_open = true")
    await_switch(mirror, under_way=False)
    found = (postgres.states(mirror.database)[code].release, mirrored(mirror, code))
    assert mirror.sync(code).wait(WAIT) == 0
    published[postgres.states(mirror.database)[code].release] = mirrored(mirror, code)
    assert len(published) == 2
    # What readers saw after the end was one of the two, whole, and what is recorded is the same one.
    assert found in published.items()
    assert postgres.states(mirror.database)[code].error is None


def test_a_run_whose_database_goes_away_says_so_in_one_line(monkeypatch, caplog):
    def gone(_: object) -> None:
        raise psycopg2.OperationalError("server closed the connection unexpectedly\nand more\n")

    monkeypatch.setattr(dg.DagsterInstance, "from_ref", gone)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    command_runs._work(sender, Settings(), None, command_runs.Request("HLTH_X", "sync"))  # type: ignore[arg-type]
    sender.close()
    with pytest.raises(EOFError):  # by which the parent knows that it ended without an outcome
        receiver.recv()
    (line,) = [record.getMessage() for record in caplog.records if record.name == command_runs.__name__]
    assert line == "HLTH_X: its run ended: server closed the connection unexpectedly"


def mirrored(mirror: Mirror, code: str) -> list[str]:
    return [row for (row,) in mirror.execute(f"SELECT t::text FROM eurostat.{code} AS t ORDER BY 1")]  # noqa: S608


def await_switch(mirror: Mirror, *, under_way: bool) -> None:
    give_up = time.monotonic() + WAIT
    looking = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    while bool(mirror.execute(looking)) != under_way:
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_a_killed_sync_leaves_no_process_and_no_dataset_in_flight(mirror):
    sync = mirror.sync("--all", "--force")
    runs = mirror.at_work(2)
    tree = psutil.Process(sync.pid).children(recursive=True)
    sync.kill()
    sync.wait()
    await_end_of(tree)
    assert in_flight(mirror.instance)  # for some seconds, until the leases expire
    ours, give_up = resources.Mirror(mirror.settings), time.monotonic() + WAIT
    while in_flight(mirror.instance):
        assert time.monotonic() < give_up
        fail_dead_runs(mirror.instance, ours)
        time.sleep(0.5)
    assert mirror.statuses(runs) == {"FAILURE"}
    tags = {run.tags.get("eurostat/why") for run in mirror.instance.get_runs(dg.RunsFilter(run_ids=runs))}
    assert tags == {"sync"}
    died = [state for state in postgres.states(mirror.database).values() if state.error]
    assert len(died) == 2
    assert all("is gone: killed" in (state.error or "") for state in died)
    # The places of the dead in the pool are free again: nothing keeps the next one from its work.
    pool = mirror.instance.event_log_storage.get_concurrency_info("eurostat_api")
    assert pool.active_slot_count == 0
    assert mirror.sync("--all").wait(WAIT) == 0
    assert {state.state for state in postgres.states(mirror.database).values()} == {"current"}


def test_a_sync_whose_database_is_gone_ends_with_a_sentence_and_the_next_one_goes_on(tmp_path):
    home = tmp_path / "home"
    server = postgres.EmbeddedPostgres(home / "postgres")
    program = str(Path(sys.executable).with_name("eurostat-assets"))
    with sandbox.running(profile="tests", latency=2.0) as source:
        wanted = {"API_URL": source.api_url, "HOME": home, "THEME": "HLTH_RS_BDS", "DATABASE_URL": ""}
        environment = {**os.environ, **{f"EUROSTAT_{name}": str(value) for name, value in wanted.items()}}
        sync = subprocess.Popen(
            [program, "sync", "--all"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            await_run(server)
            tree = psutil.Process(sync.pid).children(recursive=True)
            for kind in (signal.SIGSTOP, signal.SIGKILL):
                for pid in processes_in(server.data):
                    with suppress(ProcessLookupError):
                        os.kill(pid, kind)
            _, said = sync.communicate(timeout=WAIT)
            assert sync.returncode == 4
            assert "no connection to the database at 127.0.0.1" in said
            assert "Traceback" not in said
            await_end_of([one for one in tree if one.is_running()])
            again = subprocess.run(
                [program, "sync", "--all"], env=environment, capture_output=True, check=False
            )
            assert again.returncode == 0
        finally:
            sync.kill()
            server.stop()


def await_run(server: postgres.EmbeddedPostgres) -> None:
    """Wait until a run has its lease."""
    give_up = time.monotonic() + WAIT
    while time.monotonic() < give_up:
        with suppress(postgres.PostgresError, psycopg2.Error):
            connection = psycopg2.connect(f"{server.url('postgres').rpartition('/')[0]}/eurostat")
            with closing(connection), connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM eurostat.run_leases")
                if (cursor.fetchone() or (0,))[0]:
                    return
        time.sleep(0.2)
    raise AssertionError("no run has begun")


def test_a_run_whose_daemon_died_before_it_had_a_lease_is_failed_and_due_at_once(mirror, monkeypatch):
    assert mirror.sync("--all").wait(WAIT) == 0
    code, ours = min(postgres.states(mirror.database)), resources.Mirror(mirror.settings)
    run = mirror.instance.create_run_for_job(nothing, tags={"dagster/partition": code})
    starting = DagsterEvent(DagsterEventType.PIPELINE_STARTING.value, run.job_name, message="starting")
    mirror.instance.report_dagster_event(starting, run.run_id)
    assert mirror.statuses([run.run_id]) == {"STARTING"}
    assert not fail_dead_runs(mirror.instance, ours)  # it may be about to get one
    monkeypatch.setattr(dead_runs, "SECONDS_TO_TAKE_A_LEASE", -1)
    assert fail_dead_runs(mirror.instance, ours) == [run.run_id]
    assert mirror.statuses([run.run_id]) == {"FAILURE"}
    assert not in_flight(mirror.instance)
    state = postgres.states(mirror.database)[code]
    assert "while it was starting this run" in (state.error or "")
    assert not fail_dead_runs(mirror.instance, ours)  # once


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"),
    reason="a process with another host name takes Linux, unshare and root",
)
def test_a_run_is_alive_for_a_host_of_another_name(mirror):
    sync = mirror.sync("--all", "--force")
    try:
        runs = mirror.at_work(2)
        for pid in mirror.lease("pid"):
            os.kill(pid, signal.SIGSTOP)  # so that they are at work for as long as the other one looks
        # From here on, only their locks tell.
        while not all(mirror.lease("expires_at < clock_timestamp()")):
            time.sleep(0.5)
        looker = ["unshare", "--uts", sys.executable, "-c", LOOK_FROM_ANOTHER_HOST, str(LOOKS), *runs]
        looked = subprocess.run(looker, check=True, capture_output=True, text=True)
        assert looked.stdout.split(maxsplit=2) == [
            "another-host",
            str(LOOKS),
            f"{{'{WorkerStatus.RUNNING.name}'}}\n",
        ]
        assert mirror.statuses(runs) == {"STARTED"}

    finally:
        sync.kill()
        sync.wait()
