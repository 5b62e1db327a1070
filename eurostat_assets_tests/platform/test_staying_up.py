"""`up` stays up whatever dies below it, and leaves nothing behind however it ends itself. Real processes, killed."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from eurostat_assets import launcher, ports, postgres, process_tree, resources, sandbox
from eurostat_assets.processes import REGISTER, launcher_of
from eurostat_assets.settings import Settings
from eurostat_assets_tests.living import lives

PATIENCE = 300.0
CODE = "HLTH_RS_BDS"


@dataclass
class Up:
    """An `eurostat-assets up` of its own home, and the Eurostat it mirrors."""

    process: subprocess.Popen[bytes]
    source: sandbox.Running
    settings: Settings

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def server(self) -> postgres.EmbeddedPostgres:
        return postgres.EmbeddedPostgres(self.home / "postgres")

    def log(self) -> str:
        log = self.home / "logs" / "launcher.log"
        return log.read_text() if log.exists() else ""

    def release(self) -> str | None:
        """The release of the dataset that readers see; None while the database is away."""
        try:
            state = postgres.states(resources.Mirror(self.settings).database).get(CODE)
        except postgres.PostgresError:
            return None
        return state.release if state else None

    def members(self) -> dict[psutil.Process, str]:
        return process_tree.members(self.home)


def wait_for(done: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < give_up, what
        time.sleep(0.2)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-up-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # as root, PostgreSQL runs as another user
        yield Path(name)


@pytest.fixture
def small_disk(folder: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """A file system of its own for the home, where the test asks for it."""
    if "full_disk" not in request.node.name:
        yield
        return
    (folder / "mirror").mkdir(mode=0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "none", folder / "mirror"],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder / "mirror"], check=True)


@pytest.fixture
def up(folder: Path, small_disk: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Up]:  # noqa: ARG001
    with sandbox.running(folder=folder / "sandbox", profile="tests") as source:
        variables = {
            "EUROSTAT_HOME": str(folder / "mirror"),
            "EUROSTAT_API_URL": source.api_url,
            "EUROSTAT_THEME": CODE,
            "EUROSTAT_POLL_INTERVAL": "2",
            "EUROSTAT_REQUEST_INTERVAL": "2",
            "EUROSTAT_DATABASE_URL": "",
            "EUROSTAT_STORE_URL": "",
            "EUROSTAT_WEBSERVER_PORT": str(random.randrange(10_000, 20_000)),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        process = subprocess.Popen(command("up"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running = Up(process, source, Settings())
        try:
            yield running
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
            launcher.stop(running.settings)


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from eurostat_assets.cli import main; main()", *words]


def test_whatever_dies_below_up_is_started_again_and_nothing_outlives_up(up):
    wait_for(up.release, "the first load")
    for name in ("code-server", "dagster-webserver", "dagster-daemon"):
        before = {process for process, started_as in up.members().items() if started_as == name}
        min(before, key=lambda process: process.create_time()).kill()
        wait_for(lambda: not any(map(lives, before)), f"the end of all of {name}")  # noqa: B023
        wait_for(lambda: f"{name} was started again" in up.log(), f"the next {name}")  # noqa: B023
        assert f"{name} has ended (signal 9)" in up.log()
    postmaster, port = up.server.status().pid, up.server.status().port
    os.kill(postmaster, signal.SIGKILL)
    wait_for(lambda: "PostgreSQL was started again" in up.log(), "the next PostgreSQL")
    assert up.server.status().port == port

    before = up.release()
    up.source.release(CODE)
    wait_for(lambda: up.release() not in (None, before), "a release after all these deaths")
    assert up.process.poll() is None

    up.process.kill()
    up.process.wait()
    wait_for(lambda: not up.members() and not up.server.status().running, "the end of all processes")


def test_ctrl_c_during_the_start_leaves_nothing_running(up):
    wait_for(lambda: "PostgreSQL is up" in up.log(), "PostgreSQL")
    assert up.server.status().running
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(PATIENCE) == 130
    assert not up.members()
    assert not up.server.status().running


def test_down_finds_a_home_without_its_files_and_by_another_spelling_and_no_other_home(up, folder):
    wait_for(lambda: "PostgreSQL is up" in up.log() and up.members(), "a process of the platform")
    postmaster = psutil.Process(up.server.status().pid)
    (up.home / REGISTER).unlink()
    (up.server.data / "postmaster.pid").unlink()
    (folder / "link").symlink_to(up.home)
    marked = {**os.environ, **process_tree.mark(folder / "other", "code-server")}
    other = subprocess.Popen(["sleep", "600"], env=marked)
    try:
        assert launcher_of(up.home) == psutil.Process(up.process.pid)
        done = subprocess.run(
            command("down"),
            cwd=folder,
            env={**os.environ, "EUROSTAT_HOME": "link/"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "the launcher" in done.stdout
        # On a busy machine it may need longer to end than it is given.
        assert up.process.wait(PATIENCE) in (130, -signal.SIGKILL)
        assert not up.members()
        assert not lives(postmaster)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize(
    "register", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1e99, "started": null}', "\0", None]
)
def test_a_register_that_is_damaged_is_no_register(tmp_path, register):
    if register is None:
        (tmp_path / REGISTER).mkdir()
    else:
        (tmp_path / REGISTER).write_text(register)
    marked = {**os.environ, **process_tree.mark(tmp_path, "code-server")}
    with subprocess.Popen(["sleep", "600"], env=marked) as left:
        assert launcher_of(tmp_path) == psutil.Process()  # it started that one
        assert process_tree.end(tmp_path, grace=5) == {"code-server"}
        assert left.wait() == -signal.SIGTERM
    assert launcher_of(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
def test_a_full_disk_keeps_nothing_from_ending(up):
    """The file system of the home, with PostgreSQL, logs and register, has not a byte left when `up` is stopped."""
    wait_for(lambda: "PostgreSQL is up" in up.log() and up.members(), "a process of the platform")
    postmaster = psutil.Process(up.server.status().pid)
    with contextlib.suppress(OSError), (up.home / "filler").open("wb", buffering=0) as filler:
        while filler.write(b"x" * 2**20):
            pass
    assert shutil.disk_usage(up.home).free < 2**20
    up.process.terminate()
    assert up.process.wait(PATIENCE) in (1, 4, 130)
    assert not up.members()
    assert not lives(postmaster)


def test_a_start_that_fails_stops_the_server_that_it_started_and_no_other(folder, monkeypatch):
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", "")
    settings = Settings(home=folder / "mirror")
    server = resources.embedded_server(settings)
    assert server is not None
    monkeypatch.setattr(launcher, "prepare_dagster", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError), launcher.running(settings, port=ports.free()):
        pass
    assert server.data.exists()
    assert not server.status().running
    server.start()
    try:
        with pytest.raises(ZeroDivisionError), launcher.running(settings, port=ports.free()):
            pass
        assert server.status().running
    finally:
        server.stop()


def test_a_port_that_was_asked_for_and_is_taken_is_refused_before_anything_starts(folder, monkeypatch):
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", "")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("up", "--port", str(port)),
            env={**os.environ, "EUROSTAT_HOME": str(folder / "mirror")},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Port {port} is taken, by" in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr
    assert not (folder / "mirror").exists()
