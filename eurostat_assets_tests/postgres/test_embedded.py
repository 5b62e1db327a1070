"""The embedded server comes up, stays what it is, and survives whatever happens to it."""

import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg2
import pytest

from eurostat_assets.postgres.embedded import EmbeddedPostgres
from eurostat_assets.postgres.errors import EmbeddedServerError, ServerStopped
from eurostat_assets_tests.living import lives


def checkpointer_of(pid: int | None) -> psutil.Process:
    """Return a postmaster's child that lives as long as itself, unlike others that come and go."""
    for one in psutil.Process(pid).children():
        with suppress(psutil.Error):
            if "checkpointer" in " ".join(one.cmdline()):
                return one
    raise AssertionError("there is no checkpointer")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose parents everybody may traverse."""
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-embedded-") as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "home" / "postgres")
    yield server
    server.stop()


def ask(url: str, query: str) -> object:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(query)
            found = cursor.fetchone() if cursor.description else None
            return found[0] if found else None
    finally:
        connection.close()


def test_start_and_stop_can_be_said_twice_and_data_and_port_stay(server: EmbeddedPostgres) -> None:
    first = server.start()
    assert server.start() == first
    ask(server.url("eurostat"), "CREATE TABLE kept AS SELECT 1 AS a")
    assert server.stop()
    assert not server.stop()
    assert not server.status().running
    with pytest.raises(ServerStopped, match="start it first"):
        server.url("eurostat")
    again = EmbeddedPostgres(server.folder)
    assert again.start().port == first.port
    assert ask(again.url("eurostat"), "SELECT a FROM kept") == 1
    assert int(str(ask(again.url("eurostat"), "SHOW max_connections"))) == 200


def test_only_the_loopback_with_the_right_password_gets_in(server: EmbeddedPostgres) -> None:
    server.start()
    url = server.url("eurostat")
    assert stat.S_IMODE((server.folder / "password").stat().st_mode) == 0o600
    assert ask(url, "SHOW listen_addresses") == "127.0.0.1"
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(url.replace((server.folder / "password").read_text(), "guess"))


def test_who_does_not_log_in_does_not_keep_a_connection(server: EmbeddedPostgres) -> None:
    port = server.start().port
    with socket.create_connection(
        ("127.0.0.1", port), timeout=50
    ) as half_open:  # PostgreSQL's own limit is 60 s
        said = b"\0\x03\0\0user\0eurostat_reader\0database\0postgres\0\0"
        half_open.sendall(struct.pack("!I", len(said) + 4) + said)
        assert half_open.recv(1) == b"R"  # how to log in
        while half_open.recv(1024):
            pass  # until the server closes it


def test_committed_rows_survive_kill_9_of_the_server(server: EmbeddedPostgres) -> None:
    server.start()
    ask(server.url("eurostat"), "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS a")
    for _ in range(3):
        pid = server.status().pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        while server.status().pid == pid:
            time.sleep(0.001)
        assert server.start().pid != pid
        assert ask(server.url("eurostat"), "SELECT count(*) FROM kept") == 1000


@pytest.mark.parametrize("starts", [True, False])
def test_a_child_that_does_not_notice_the_end_of_its_postmaster_is_ended(
    server: EmbeddedPostgres, starts: bool
) -> None:
    pid = server.start().pid
    assert pid
    ask(server.url("mirror"), "CREATE TABLE kept AS SELECT 1 AS one")
    # As one does that waits for a lock whose holder was killed, too: it never looks whether its postmaster lives.
    child = checkpointer_of(pid)
    child.suspend()
    postmaster = psutil.Process(pid)
    postmaster.kill()
    postmaster.wait()
    if starts:
        assert server.start().running
        assert ask(server.url("mirror"), "SELECT one FROM kept") == 1
    else:
        assert not server.stop()
    assert not lives(child)


def test_a_shutdown_that_takes_too_long_is_cut_short_and_loses_nothing(server: EmbeddedPostgres) -> None:
    pid = server.start().pid
    url = server.url("mirror")
    ask(url, "CREATE TABLE kept AS SELECT 1 AS one")
    checkpointer = checkpointer_of(pid)
    checkpointer.suspend()  # a disk that takes for ever
    assert server.stop(fast_for=1)
    assert not server.status().running
    assert not lives(checkpointer)
    server.start()
    assert ask(server.url("mirror"), "SELECT one FROM kept") == 1


def test_a_pid_file_that_names_another_process_does_not_stop_a_start(server: EmbeddedPostgres) -> None:
    server.start()
    lines = (server.data / "postmaster.pid").read_text().splitlines()
    server.stop()
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert server.start().running


def test_five_processes_starting_at_once_share_one_server(server: EmbeddedPostgres) -> None:
    program = (
        "import sys; from pathlib import Path; from eurostat_assets.postgres.embedded import EmbeddedPostgres;"
        "server = EmbeddedPostgres(Path(sys.argv[1])); print(server.start().pid, bool(server.url('eurostat')))"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(server.folder)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    assert {starter.communicate()[0] for starter in starters} == {f"{server.status().pid} True\n"}


def test_a_starter_killed_at_any_moment_leaves_nothing_that_stops_the_next(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from eurostat_assets.postgres.embedded import EmbeddedPostgres;"
        "EmbeddedPostgres(Path(sys.argv[1])).start()"
    )
    for moment in (0.2, 0.5, 0.8, 1.1):
        server = EmbeddedPostgres(folder / f"at-{moment}")
        starter = subprocess.Popen([sys.executable, "-c", program, str(server.folder)])
        time.sleep(moment)
        starter.kill()
        starter.wait()
        try:
            assert server.start().running
            assert ask(server.url("eurostat"), "SELECT 1") == 1
        finally:
            server.stop()


def test_a_taken_port_is_replaced_unless_it_was_asked_for(server: EmbeddedPostgres, folder: Path) -> None:
    taken = server.start().port
    other = EmbeddedPostgres(folder / "other")
    other.folder.mkdir()
    (other.folder / "port").write_text(str(taken))
    try:
        assert other.start().port not in (taken, None)
    finally:
        other.stop()
    with pytest.raises(EmbeddedServerError, match="did not start"):
        EmbeddedPostgres(folder / "third", port=taken).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_as_root_a_folder_behind_a_closed_one_works(folder: Path) -> None:
    folder.chmod(0o700)
    server = EmbeddedPostgres(folder / "home" / "postgres")
    try:
        status = server.start()
        assert ask(server.url("eurostat"), "SELECT 1") == 1
        assert status.user != "root"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        server.stop()
        shutil.rmtree(server.data.parent)
    with pytest.raises(EmbeddedServerError, match="to begin anew"):
        server.start()
