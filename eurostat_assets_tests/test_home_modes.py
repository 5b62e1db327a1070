"""What other accounts of the machine can do with a home: nothing."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from eurostat_assets import home_modes, launcher
from eurostat_assets.code_server import LONGEST_SOCKET, Address
from eurostat_assets.postgres.embedded import EmbeddedPostgres
from eurostat_assets.settings import Settings


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def home() -> Iterator[Path]:
    """A home-to-be in a folder that everybody can reach; what a test sets as umask ends with it."""
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-modes-") as folder, umask(0):
        Path(folder).chmod(0o755)
        yield Path(folder) / "home"


def open_to_others(home: Path) -> list[Path]:
    found = [path for path in (home, *home.rglob("*")) if not path.is_symlink()]
    return [path for path in found if path.stat().st_mode & home_modes.FOR_NOBODY_ELSE]


def test_a_new_home_is_closed_and_so_is_all_that_is_made_in_it_later(home: Path):
    launcher.close_home(Settings(home=home))
    (home / "store" / "raw").mkdir(parents=True)
    (home / "store" / "raw" / "file").write_text("x")
    made = "from pathlib import Path; import sys; Path(sys.argv[1]).write_text('x')"
    subprocess.run([sys.executable, "-c", made, home / "by a child"], check=True)
    assert home.stat().st_mode & 0o777 == 0o750
    assert (home / "store" / "raw" / "file").stat().st_mode & 0o777 == 0o640
    assert open_to_others(home) == []


def test_a_home_of_before_is_closed_when_it_is_started_again(home: Path):
    (home / "store").mkdir(parents=True)
    (home / "store" / "table.parquet").write_text("x")
    (home / "password").touch(mode=0o600)
    (home / "elsewhere").symlink_to("/etc/hostname")
    before = Path("/etc/hostname").stat().st_mode
    assert open_to_others(home)
    launcher.close_home(Settings(home=home))
    assert open_to_others(home) == []
    assert (home / "password").stat().st_mode & 0o777 == 0o600
    assert Path("/etc/hostname").stat().st_mode == before


def test_the_embedded_server_works_in_a_closed_home_and_its_data_are_its_own(home: Path):
    server = EmbeddedPostgres(home / "postgres")
    home.mkdir()
    server.start()  # in a home of before, which is open
    try:
        server.stop()
        launcher.close_home(Settings(home=home))
        server.start()
        with closing(psycopg2.connect(server.url("eurostat"))):
            pass
        assert server.data.is_relative_to(home.resolve())
        assert server.data.stat().st_mode & 0o777 == 0o700
        assert home.stat().st_mode & 0o777 == 0o750
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a moment")
def test_another_account_reaches_neither_the_files_nor_the_code_server(home: Path):
    launcher.close_home(Settings(home=home))
    (home / "dagster").mkdir()
    address = Address.within(home / "dagster")
    assert address.socket
    (home / "store").mkdir()
    (home / "store" / "table.parquet").write_text("x")
    listen = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); input()"
    server = subprocess.Popen([sys.executable, "-c", listen, address.socket], stdin=subprocess.PIPE)
    try:
        while not address.answers():
            assert server.poll() is None
        connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        look = "import sys; open(sys.argv[1])"
        for code, place in ((connect, address.socket), (look, home / "store" / "table.parquet")):
            tried = subprocess.run(
                ["/usr/bin/env", "python3", "-c", code, place], user=65534, group=65534, extra_groups=[],
                capture_output=True, text=True, cwd="/",
            )  # fmt: skip
            assert "PermissionError" in tried.stderr, tried.stderr
    finally:
        server.communicate(b"\n")


def test_a_home_too_deep_for_a_socket_has_a_port(tmp_path: Path):
    deep = tmp_path / ("x" * LONGEST_SOCKET)
    assert Address.within(tmp_path).socket or len(str(tmp_path)) > LONGEST_SOCKET - 10
    address = Address.within(deep)
    assert address.socket is None
    assert address.port
    assert address.options[:2] == ["-h", "127.0.0.1"]
    assert not address.answers()
    address.write_workspace(tmp_path / "workspace.yaml")
    assert f'"port": {address.port}' in (tmp_path / "workspace.yaml").read_text()
