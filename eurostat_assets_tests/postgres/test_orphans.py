"""What a crash leaves in the data folder goes before the first client comes, and nothing else does."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
import pytest

from eurostat_assets.postgres import DatabaseRefused, EmbeddedPostgres, orphaned_files, orphans
from eurostat_assets.postgres.orphans import orphans as names_of_orphans
from eurostat_assets.postgres.postmaster import processes_in


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-orphans-") as place:
        Path(place).chmod(0o755)
        server = EmbeddedPostgres(Path(place) / "postgres", settings={"fsync": "off"})
        server.start()
        yield server
        server.stop()


def kill_in_copy(server: EmbeddedPostgres, database: str) -> str:
    """Kill -9 the server in the middle of a COPY FREEZE into a table of its own transaction; returns the table's file."""
    connection = psycopg2.connect(server.url(database))
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE half (line text)")
    cursor.execute("SELECT pg_relation_filepath('half')")
    (path,) = cursor.fetchone() or ("",)
    reading, writing = os.pipe()

    def copy() -> None:
        with os.fdopen(reading, "rb") as lines, pytest.raises(psycopg2.Error):
            cursor.copy_expert("COPY half FROM STDIN (FREEZE)", lines)

    copying = threading.Thread(target=copy)
    copying.start()
    with os.fdopen(writing, "wb") as lines:
        lines.write(b"0123456789\n" * 200_000)
        lines.flush()
        while not (server.data / path).stat().st_size:
            time.sleep(0.01)
        # All at once, as a power failure does: a process that lives on for a moment removes what it had begun.
        for kind in (signal.SIGSTOP, signal.SIGKILL):
            for pid in processes_in(server.data):
                with suppress(ProcessLookupError):
                    os.kill(pid, kind)
    copying.join()
    connection.close()
    return path


def test_what_a_copy_left_in_a_crash_is_gone_before_the_first_client(server: EmbeddedPostgres) -> None:
    with closing(psycopg2.connect(server.url("eurostat"))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(
            "CREATE TABLE kept AS SELECT n, repeat(n::text, 9000) AS long FROM generate_series(1, 300) AS n"
        )
        cursor.execute("CREATE INDEX ON kept (n)")
        cursor.execute("CREATE UNLOGGED TABLE passing AS SELECT 1 AS a")
        cursor.execute("CREATE SEQUENCE counted")
        cursor.execute("VACUUM FULL pg_class")  # a mapped catalogue, whose file is no other's number
        cursor.execute("VACUUM FULL pg_database")
        cursor.execute("VACUUM kept")
    left = [kill_in_copy(server, "eurostat")]
    server.start()
    left.append(kill_in_copy(server, "dagster"))
    empty = server.data / Path(left[0]).with_name("999999999")
    folder = server.data / "base" / "888888888"
    for file in (empty, folder / "PG_VERSION", folder / "16384"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x" * (file != empty))
    assert (server.data / left[1]).stat().st_size > 0
    server.start()
    assert not [path for path in left if (server.data / path).exists()]
    assert not empty.exists()
    assert not folder.exists()
    assert orphaned_files(server.url("eurostat")) == []
    with closing(psycopg2.connect(server.url("eurostat"))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(length(long)) FROM kept")
        assert cursor.fetchone() == (300, 9000 * (9 + 90 * 2 + 201 * 3))
        cursor.execute("SELECT count(*) FROM passing")
        cursor.execute("SELECT nextval('counted')")
        cursor.execute("SELECT count(*) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid")


def test_a_file_of_a_running_transaction_is_no_orphan_and_one_of_nobody_is(server: EmbeddedPostgres) -> None:
    url = server.url("eurostat")
    with closing(psycopg2.connect(url)) as running, running.cursor() as cursor:
        cursor.execute("CREATE TABLE mine AS SELECT 1 AS a")
        cursor.execute("SELECT pg_relation_filepath('mine')")
        (mine,) = cursor.fetchone() or ("",)
        strange = server.data / Path(mine).with_name("999999999_vm.1")
        strange.write_bytes(b"x" * 7)
        an_hour_ago = time.time() - 3600
        os.utime(strange, (an_hour_ago, an_hour_ago))
        time.sleep(1.5)
        assert orphaned_files(url) == [orphans.OrphanedFile(str(strange.relative_to(server.data)), 7)]
        running.commit()
    time.sleep(1.5)
    assert [file.bytes for file in orphaned_files(url)] == [7]


def test_who_may_not_look_is_told(server: EmbeddedPostgres) -> None:
    url = server.url("eurostat")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE ROLE nosy LOGIN PASSWORD 'nosy'")
        connection.commit()
    nosy = url.replace("postgres:", "nosy:").replace((server.folder / "password").read_text(), "nosy")
    with pytest.raises(DatabaseRefused, match="nosy may not list"):
        orphaned_files(nosy)


def test_only_names_of_relation_files_are_looked_at() -> None:
    names = ["16385", "16386", "16386.1", "16386_fsm", "16386_init", "2619", "t3_16390", "PG_VERSION", "pg_filenode.map",
             "16386.bak", "16386_vm.2", "pg_internal.init.7"]  # fmt: skip
    assert sorted(names_of_orphans(names, {16385})) == [
        "16386",
        "16386.1",
        "16386_fsm",
        "16386_init",
        "16386_vm.2",
    ]
