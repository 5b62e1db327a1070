"""A full disk under the embedded server: what is given up, what is said, and that nothing is lost."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest

from eurostat_assets.postgres import DiskFull, EmbeddedPostgres, ballast
from eurostat_assets.postgres.ballast import Ballast
from eurostat_assets.postgres.postmaster import processes_in

Usage = namedtuple("Usage", "total used free")
MB = 1_000_000


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 300 MB of this test's own, where the machine allows that."""
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-disk-") as place:
        Path(place).chmod(0o755)
        mounted = Path(place, "disk")
        mounted.mkdir()
        mount = shutil.which("mount")
        if os.geteuid() or not mount:
            pytest.skip("only root may mount a disk")
        command = [mount, "-t", "tmpfs", "-o", "size=300m,mode=755", "tmpfs", str(mounted)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no disk may be mounted here: {done.stderr.strip()}")
        for name in ("home", "second"):
            (mounted / name).mkdir()
            (mounted / name).chmod(0o755)  # else the cluster would lie elsewhere, where there is room
        try:
            yield mounted
        finally:
            for name in ("home", "second"):
                EmbeddedPostgres(mounted / name / "postgres").stop()
            subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def fill(disk: Path) -> Path:
    """Take all that is free on the disk."""
    file = disk / "filler"
    with file.open("ab", buffering=0) as filler:
        for block in (1 << 20, 1 << 12):
            try:
                while True:
                    filler.write(b"x" * block)
            except OSError:
                continue
    return file


def test_the_ballast_goes_when_the_disk_is_full_and_is_back_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [5000 * MB]
    monkeypatch.setattr(ballast.shutil, "disk_usage", lambda _: Usage(6000 * MB, 0, free[0]))
    kept = Ballast(tmp_path / "data", most=256 * MB)
    assert kept.restore() == 50 * MB
    assert kept.file.stat().st_blocks * 512 >= 50 * MB
    assert kept.restore() == 0
    assert kept.give_up() == 0
    free[0] = ballast.FULL - 1
    assert kept.give_up() == 50 * MB
    assert not list(tmp_path.iterdir())
    assert kept.restore() == kept.give_up() == 0
    free[0] = 500_000 * MB
    assert Ballast(tmp_path / "data", most=20 * MB).restore() == 20 * MB


def test_a_server_on_a_full_disk_comes_back_with_all_its_rows(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballast, "SHARE", 0.2)
    server = EmbeddedPostgres(small_disk / "home" / "postgres", ballast=64 * MB)
    server.start()
    connection = psycopg2.connect(server.url("eurostat"))
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS a")
    given_up = server.ballast.file.stat().st_size
    assert given_up > 20 * MB
    filler = fill(small_disk)
    with pytest.raises(psycopg2.errors.DiskFull):
        cursor.execute("CREATE TABLE too_big AS SELECT repeat('x', 1000) FROM generate_series(1, 1000000)")
    connection.close()
    for kind in (signal.SIGSTOP, signal.SIGKILL):
        for pid in processes_in(server.data):
            with suppress(ProcessLookupError):
                os.kill(pid, kind)

    server.start()  # by what the ballast was
    assert not server.ballast.file.exists()
    assert rows(server) == 1000
    fill(small_disk)
    second = EmbeddedPostgres(small_disk / "second" / "postgres")
    with pytest.raises(DiskFull, match="free some space there"):
        second.start()

    filler.unlink()
    second.start()
    second.stop()
    server.start()
    assert server.ballast.file.exists()
    assert rows(server) == 1000
    server.stop()


def rows(server: EmbeddedPostgres) -> int:
    with psycopg2.connect(server.url("eurostat")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept")
        (count,) = cursor.fetchone() or (0,)
    connection.close()
    return count
