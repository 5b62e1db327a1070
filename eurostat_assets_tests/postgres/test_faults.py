"""Whatever happens to a publication, the last good release is whole, nothing is left over, and a re-run succeeds."""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.postgres import encoding
from eurostat_assets.postgres.bulk import load_parquet
from eurostat_assets.postgres.connection import connect
from eurostat_assets.postgres.embedded import EmbeddedPostgres
from eurostat_assets.postgres.errors import (
    AnotherLoader,
    ConnectionLost,
    CountMismatch,
    DatabaseRefused,
    DatabaseUnavailable,
    MalformedDatabaseAddress,
    MalformedTableName,
    NewerPublished,
    NotObservations,
    PostgresError,
    PublishError,
)
from eurostat_assets.postgres.loaders import remove_leftovers
from eurostat_assets.postgres.migrations import migrate
from eurostat_assets.postgres.publication import Patience, Storage
from eurostat_assets.postgres.publishing import publish
from eurostat_assets.postgres.session_locks import try_lock
from eurostat_assets.postgres.state import states
from eurostat_assets_tests.postgres.conftest import Query, Write, observations

WHOLE = "SELECT count(*), min(obs_value), max(obs_value) FROM eurostat.hlth_test"
STORED = "SELECT count(*) FROM pg_class WHERE starts_with(relname, 'hlth_test_') AND relkind = 'r'"

LAST = "SELECT state, error FROM eurostat.releases ORDER BY id DESC LIMIT 1"


@pytest.fixture
def survives(mirror: str, release: Write, query: Query) -> Callable[..., None]:
    """Release 1 is published. Called after a fault: readers still see it, the books tell, a re-run leaves no trace."""
    publish(mirror, release(day=1))

    def check(state: str = "failed") -> None:
        assert query(WHOLE) == [(1000, 1.0, 1.0)]
        if state == "failed":
            assert query(LAST)[0][0] == "failed"
            assert states(mirror)["HLTH_TEST"].error == query(LAST)[0][1]
        publish(mirror, release(day=3, rows=300))
        assert query(WHOLE) == [(300, 3.0, 3.0)]
        assert query(STORED) == [(1,)]
        assert states(mirror)["HLTH_TEST"].error is None
        assert not query("SELECT 1 FROM eurostat.releases WHERE state = 'loading'")

    return check


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that may be killed, with a migrated database `eurostat`."""
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-faults-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "server", settings={"fsync": "off"})
        server.start()
        migrate(server.url("eurostat"))
        yield server
        server.stop()


def test_a_loader_killed_at_200_random_moments_harms_nothing(
    mirror: str, release: Write, query: Query, survives: Callable[..., None]
) -> None:
    publish(mirror, release(day=1))
    started = time.monotonic()
    second = release(day=1, rows=30_000)
    publish(mirror, second)
    seconds = time.monotonic() - started
    publish(mirror, release(day=1))

    whole: set[tuple[object, ...]] = set()
    program = [sys.executable, str(Path(__file__).with_name("killed_loader.py")), mirror, str(second), "200"]
    killer = subprocess.Popen([*program, str(seconds)], stdout=subprocess.PIPE, text=True)
    while killer.poll() is None:
        whole.update(query(WHOLE))
        time.sleep(0.01)
    tries = int(killer.communicate()[0])
    assert killer.returncode == 0
    assert whole <= {(1000, 1.0, 1.0), (30_000, 1.0, 1.0)}
    interrupted = query("SELECT count(*) FROM eurostat.releases WHERE state IN ('interrupted', 'loading')")
    assert 0 < interrupted[0][0] <= 200
    assert query("SELECT count(*) FROM eurostat.releases")[0][0] <= tries + 3
    remove_leftovers(mirror)
    assert query(STORED) == [(1,)]
    publish(mirror, release(day=1))
    survives("interrupted")


def test_a_connection_cut_during_copy_changes_nothing(
    mirror: str, release: Write, query: Query, survives: Callable[..., None]
) -> None:
    def cut(rows: int) -> None:
        if rows > 100_000:
            query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                  " WHERE application_name = 'eurostat-assets' AND datname = current_database()")  # fmt: skip

    with pytest.raises(ConnectionLost, match="run it again when the database is up"):
        publish(mirror, release(day=2, rows=300_000), on_progress=cut)
    survives()


def test_a_server_restarted_during_copy_has_the_last_good_release(
    own_server: EmbeddedPostgres, release: Write
) -> None:
    publish(own_server.url("eurostat"), release(day=1))
    for how in (signal.SIGKILL, signal.SIGINT):
        victim = own_server.status().pid

        def restart(rows: int, how: int = how, victim: int | None = victim) -> None:
            if rows > 100_000 and victim and own_server.status().pid == victim:
                os.kill(victim, how)
                while own_server.status().pid == victim:
                    time.sleep(0.01)
                own_server.start()

        with pytest.raises(ConnectionLost):
            publish(own_server.url("eurostat"), release(day=2, rows=400_000), on_progress=restart)
        connection = psycopg2.connect(own_server.url("eurostat"))
        with connection, connection.cursor() as cursor:
            cursor.execute(WHOLE)
            assert cursor.fetchall() == [(1000, 1.0, 1.0)]
            cursor.execute(STORED)
            assert cursor.fetchall() == [(1,)]
        connection.close()
    publish(own_server.url("eurostat"), release(day=3))
    assert states(own_server.url("eurostat"))["HLTH_TEST"].error is None


def test_a_statement_timeout_fails_the_publication_with_a_remedy(
    mirror: str, release: Write, survives: Callable[..., None]
) -> None:
    with pytest.raises(PublishError, match="statement_timeout"):
        publish(f"{mirror}?options=-c%20statement_timeout%3D100", release(day=2, rows=500_000))
    survives()


def test_a_transaction_timeout_does_not_end_a_load(own_server: EmbeddedPostgres, release: Write) -> None:
    def slowly(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer]:
        time.sleep(1.5)
        yield from encoding.binary(batches)

    short = f"{own_server.url('eurostat')}?options=-c%20transaction_timeout%3D1s"
    publish(short, release(day=2), encoder=slowly)
    load_parquet(short, [release(day=3)], "public.loaded", on_progress=lambda *_: time.sleep(1.5))


def test_a_role_that_is_read_only_by_default_is_named_as_the_reason(
    mirror: str, release: Write, query: Query
) -> None:
    publish(mirror, release(day=1))
    with pytest.raises(PostgresError, match="default_transaction_read_only"):
        publish(f"{mirror}?options=-c%20default_transaction_read_only%3Don", release(day=2))
    assert query("SELECT max(obs_value) FROM eurostat.hlth_test") == [(1.0,)]


def test_a_quota_on_the_server_fails_the_publication_and_nothing_else(
    own_server: EmbeddedPostgres, release: Write
) -> None:
    url = own_server.url("eurostat")
    publish(url, release(day=1))
    big = release(day=2, rows=400_000)
    own_server.stop()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, limits[1]))
    own_server.start()  # and inherits the limit
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(PublishError, match=r"could not (extend|write)"):
        publish(url, big)
    assert states(url)["HLTH_TEST"].rows == 1000
    assert states(url)["HLTH_TEST"].error
    own_server.stop()
    own_server.start()
    assert publish(url, big).rows == 400_000


def test_a_full_disk_is_told_with_a_remedy(own_server: EmbeddedPostgres, release: Write) -> None:
    url = own_server.url("eurostat")
    publish(url, release(day=1))
    small = own_server.data.parent / "small"
    small.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", small]).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        own_server.user.own(small)
        small.chmod(0o700)
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLESPACE small LOCATION %s", (str(small),))
        connection.close()
        with pytest.raises(PublishError, match="free some space"):
            publish(f"{url}?options=-c%20default_tablespace%3Dsmall", release(day=2, rows=400_000))
        assert states(url)["HLTH_TEST"].rows == 1000
        assert publish(url, release(day=2, rows=400_000)).rows == 400_000
    finally:
        own_server.stop()
        subprocess.run(["umount", small], check=True)


def test_two_loaders_of_one_dataset_come_one_after_the_other(
    mirror: str, release: Write, query: Query
) -> None:
    files = [release(day=day, rows=20_000 + day) for day in range(1, 7)]
    too_late: list[NewerPublished] = []

    def load(file: Path) -> None:
        try:
            publish(mirror, file)
        except NewerPublished as refusal:
            too_late.append(refusal)

    loaders = [threading.Thread(target=load, args=(file,)) for file in files]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()
    states = dict(query("SELECT state, count(*) FROM eurostat.releases GROUP BY 1"))
    assert states.pop("published") == 1
    assert states.pop("superseded", 0) + len(too_late) == 5
    assert not states
    assert query(WHOLE)[0] == (20_006, 6, 6)  # the newest, whoever came last
    assert query(STORED) == [(1,)]


def test_a_loader_that_never_ends_does_not_hold_up_others_for_ever(
    mirror: str, release: Write, survives: Callable[..., None]
) -> None:
    with connect(mirror) as other:
        assert try_lock(other, "dataset:HLTH_TEST")
        with pytest.raises(AnotherLoader, match=rf"more than 0\.2 s: pid {other.info.backend_pid} "):
            publish(mirror, release(day=2), patience=Patience(loader=0.2))
        assert publish(mirror, release("HLTH_OTHER")).rows == 1000
    survives("refused")


def test_the_start_clears_up_after_the_dead_and_leaves_the_living_alone(
    mirror: str, release: Write, query: Query
) -> None:
    for dataset in ("HLTH_TEST", "HLTH_OTHER"):
        for day in (1, 2, 3):
            publish(mirror, release(dataset, day=day), storage=Storage(keep_releases=5))
    with connect(mirror) as other:
        assert try_lock(other, "dataset:HLTH_TEST")
        assert remove_leftovers(mirror, keep_releases=1, patience=0.2) == ["HLTH_OTHER"]
        assert query(STORED) == [(3,)]
    assert remove_leftovers(mirror, keep_releases=0) == ["HLTH_OTHER", "HLTH_TEST"]
    assert query(STORED) == [(1,)]
    assert remove_leftovers(mirror) == []


def test_the_start_clears_up_after_a_bulk_load_that_died(mirror: str, release: Write, query: Query) -> None:
    stored = "SELECT count(*) FROM pg_class WHERE starts_with(relname, 'bulk#') AND relkind = 'r'"
    file = release()
    load_parquet(mirror, [file], "public.whole")
    # Loaded into a table of its own that is no part of the other one yet: then it is killed.
    die = "from eurostat_assets.postgres import bulk, bulk_transactions\n"
    die += "bulk_transactions._attach = lambda *_: bulk_transactions.time.os.kill(0, 9)\n"
    die = (
        "import os, signal, sys; from pathlib import Path\n"
        "from eurostat_assets.postgres import bulk, bulk_transactions\n"
        "bulk_transactions._attach = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "bulk.load_parquet(sys.argv[1], [Path(sys.argv[2])], 'public.died')\n"
    )
    assert subprocess.run([sys.executable, "-c", die, mirror, str(file)]).returncode == -signal.SIGKILL
    assert query(stored) == [(2,)]
    assert remove_leftovers(mirror) == ["public.died"]
    assert query(stored) == [(1,)]
    assert query("SELECT state FROM eurostat.bulk_loads ORDER BY id") == [("loaded",), ("interrupted",)]
    assert query("SELECT count(*) FROM public.whole") == [(1000,)]
    assert remove_leftovers(mirror) == []


def test_a_value_out_of_range_fails_the_publication(
    mirror: str, tmp_path: Path, survives: Callable[..., None]
) -> None:
    table = observations("HLTH_TEST", 1000, 2)
    days = pa.array([2**31 - 1] * 1000, pa.int32()).cast(pa.date32())
    place = table.schema.get_field_index("period_end")
    pq.write_table(table.set_column(place, table.schema.field(place), days), tmp_path / "far.parquet")
    with pytest.raises(PublishError, match="out of range"):
        publish(mirror, tmp_path / "far.parquet")
    survives()


def test_an_empty_chunk_in_midstream_loses_no_rows(mirror: str, release: Write, query: Query) -> None:
    def hesitant(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer | bytes]:
        for chunk in encoding.binary(batches):
            yield b""
            yield chunk
            yield b""

    publish(mirror, release(rows=200_000), encoder=hesitant)
    assert query("SELECT count(*) FROM eurostat.hlth_test") == [(200_000,)]


def test_rows_that_an_encoder_loses_are_missed(
    mirror: str, release: Write, survives: Callable[..., None]
) -> None:
    def forgetful(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer | bytes]:
        return encoding.binary(batch.slice(1) for batch in batches)

    with pytest.raises(CountMismatch, match="loaded 199,996 rows where the Parquet file has 200,000"):
        publish(mirror, release(day=2, rows=200_000), encoder=forgetful)
    survives()


def test_an_error_of_ours_in_midstream_is_told_as_it_was(
    mirror: str, release: Write, survives: Callable[..., None]
) -> None:
    def broken(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer | bytes]:
        chunks = encoding.binary(batches)
        yield next(chunks)
        yield next(chunks)
        raise KeyboardInterrupt("somebody pressed Ctrl-C")

    with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
        publish(mirror, release(day=2, rows=200_000), encoder=broken)
    survives()


@pytest.mark.parametrize(
    "code", ["../../x", "hlth'; drop", "", "releases", "x" * 64, "_X", "HLTH X", "HLTH\n"]
)
def test_what_is_no_code_names_no_table(mirror: str, tmp_path: Path, query: Query, code: str) -> None:
    pq.write_table(observations(code, 10, 1), tmp_path / "bad.parquet")
    with pytest.raises((MalformedTableName, NotObservations)):
        publish(mirror, tmp_path / "bad.parquet")
    assert query("SELECT count(*) FROM eurostat.releases") == [(0,)]


def test_files_that_are_not_what_they_should_be_are_refused(
    mirror: str, release: Write, tmp_path: Path, survives: Callable[..., None]
) -> None:
    with pytest.raises(NotObservations, match="is of dataset HLTH_TEST"):
        publish(mirror, release(day=2), dataset="HLTH_OTHER")
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(release(day=2).read_bytes()[:-100])
    with pytest.raises(NotObservations, match="make it again"):
        publish(mirror, cut, dataset="HLTH_TEST")
    with pytest.raises(FileNotFoundError):
        publish(mirror, tmp_path / "none.parquet")
    survives("refused")


def test_a_file_damaged_in_the_middle_fails_the_publication(
    mirror: str, release: Write, survives: Callable[..., None]
) -> None:
    file = release(day=2, rows=300_000)
    body = bytearray(file.read_bytes())
    body[200:2000] = b"\xff" * 1800
    file.write_bytes(body)
    with pytest.raises(NotObservations, match="make it again"):
        publish(mirror, file)
    survives()


def test_a_table_of_somebody_else_is_not_touched(mirror: str, release: Write, query: Query) -> None:
    query("CREATE TABLE eurostat.hlth_test AS SELECT 'mine' AS a")
    with pytest.raises(PublishError, match="rename or drop it"):
        publish(mirror, release())
    assert query("SELECT * FROM eurostat.hlth_test") == [("mine",)]


def test_a_database_without_our_tables_is_told(database: str, release: Write) -> None:
    with pytest.raises(DatabaseRefused, match=r"eurostat\.session_locks"):
        publish(database, release())


def test_a_database_that_is_down_is_told_before_anything_else(release: Write) -> None:
    with pytest.raises(DatabaseUnavailable):
        publish("postgresql://nobody@127.0.0.1:1/none", release())


def test_an_address_that_cannot_be_read_is_refused_without_showing_any_of_it() -> None:
    for address in (
        "postgresql://user:hunter2@[::1/x",
        "postgresql://user:hunter2@127.0.0.1:1/x?nosuch=1",
        "x hunter2",
    ):
        with pytest.raises(MalformedDatabaseAddress) as refusal, connect(address):
            pass
        assert "hunter2" not in str(refusal.value)
        assert refusal.value.__cause__ is None


@pytest.mark.parametrize("date", ["9999-12-31T23:59:59-0100", "0001-01-01T00:00:00+0100", "yesterday", 5])
def test_a_release_whose_date_is_none_is_refused(mirror: str, release: Write, date: object) -> None:
    path = release()
    table = pq.read_table(path)
    about = json.dumps({"dataset": "HLTH_TEST", "update_data": date}).encode()
    pq.write_table(table.replace_schema_metadata({b"jsonstat": about}), path)
    with pytest.raises(NotObservations, match="the date of its release"):
        publish(mirror, path)
