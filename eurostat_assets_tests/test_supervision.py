"""Finding and ending what was started below a mark, and when a supervisor starts again or gives up."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from eurostat_assets import ports, process_tree, processes, supervisor
from eurostat_assets.settings import Settings

NOBODY = 65534

ORPHAN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""


def started(home: Path, name: str, note: Path) -> subprocess.Popen[bytes]:
    """A process that ignores TERM and has a grandchild, in a session of its own, whose parent is gone."""
    child = supervisor.Child(name, [sys.executable, "-c", ORPHAN, str(note)], home=home, environment={})
    (home / "logs").mkdir(exist_ok=True)
    child.start()
    while not note.exists() or not note.read_text():
        assert child.alive()
        time.sleep(0.05)
    assert child._process is not None
    return child._process


def test_orphans_in_other_sessions_are_ended_and_the_trees_of_others_are_not(tmp_path):
    home = tmp_path / "a mirror"
    home.mkdir()
    first = started(home, "first", tmp_path / "first.pid")
    second = started(home, "second", tmp_path / "second.pid")
    first.kill()
    first.wait()
    orphan = int((tmp_path / "first.pid").read_text())
    assert {process.pid for process in process_tree.members(home, "first")} == {orphan}
    assert process_tree.end(home, "first", grace=0.2) == {"first"}
    assert set(process_tree.members(home).values()) == {"second"}
    assert process_tree.end(tmp_path, grace=0) == set()
    assert process_tree.end(home, grace=0.2) == {"second"}
    second.wait()
    assert not process_tree.members(home)


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root starts processes of others, and sees their environments"
)
def test_another_account_is_no_member_and_names_no_launcher(tmp_path):
    """Neither as it is, nor where the folder is his and he names a process of root's in environment and register."""
    victim = subprocess.Popen(["sleep", "600"])
    start = psutil.Process(victim.pid).create_time()
    claims = {**process_tree.mark(tmp_path, "x"), process_tree.LAUNCHER: f"{victim.pid}@{start}"}
    stranger = subprocess.Popen(["sleep", "600"], env=claims, user=NOBODY, group=NOBODY)
    try:
        assert not process_tree.members(tmp_path)
        assert processes.launcher_of(tmp_path) is None
        assert processes.stop_leftovers(tmp_path) == set()
        (tmp_path / processes.REGISTER).write_text(json.dumps({"pid": victim.pid, "started": start}))
        for path in (tmp_path, tmp_path / processes.REGISTER):
            os.chown(path, NOBODY, NOBODY)
        assert processes.stop_leftovers(tmp_path) == {"x"}
        assert stranger.wait() == -signal.SIGTERM
        assert victim.poll() is None
    finally:
        for process in (victim, stranger):
            process.kill()
            process.wait()


class StillBorn:
    """Something that is never found alive."""

    name = "stillborn"
    log = Path("stillborn.log")
    starts = 0

    def start(self) -> None:
        self.starts += 1

    def alive(self) -> bool:
        return False

    def reap(self) -> None:
        pass

    def ending(self) -> str:
        return "exit code 1"


@pytest.fixture(name="supervising")
def hurried(monkeypatch) -> Iterator[supervisor.Supervisor]:
    """A supervisor that does not wait long."""
    monkeypatch.setattr(supervisor, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(supervisor, "FIRST_WAIT", 0.001)
    watching = supervisor.Supervisor(lambda _: None)
    yield watching
    watching.stop()


def test_what_never_lives_is_given_up_while_the_platform_comes_up(supervising):
    supervising.add(StillBorn())
    while not supervising.given_up():
        time.sleep(0.01)
    assert "stillborn has ended (exit code 1), for the 5th time" in supervising.given_up()
    assert "stillborn.log" in supervising.given_up()


def test_nothing_is_given_up_once_the_platform_has_been_up(supervising):
    supervising.patient = True
    child = StillBorn()
    supervising.add(child)
    while child.starts < 2 * supervisor.TRIES_AT_FIRST:
        time.sleep(0.01)
    assert supervising.given_up() is None


def test_the_wait_doubles_up_to_a_minute_and_a_long_life_is_a_new_beginning():
    deaths, waits = 0, []
    for lived in [0, 1, 100, 5, 0, 0, 0, 0, supervisor.STEADY + 1, 0]:
        deaths = supervisor.deaths_in_a_row(deaths, lived)
        waits.append(supervisor.back_off(deaths))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]


def test_a_default_port_that_is_taken_is_replaced_by_the_next_free_one_and_told(monkeypatch):
    monkeypatch.delenv("EUROSTAT_WEBSERVER_PORT", raising=False)
    monkeypatch.setattr(ports, "is_free", lambda port: port not in (3000, 3001))
    told: list[str] = []
    assert ports.choose(None, Settings(_env_file=None), told.append) == 3002  # type: ignore[call-arg]
    assert "Port 3000 is taken" in told[0]
    assert "3002" in told[0]
    with pytest.raises(ports.PortTaken, match="3001"):
        ports.choose(3001, Settings(_env_file=None), told.append)  # type: ignore[call-arg]
    with pytest.raises(ports.PortTaken, match="3000"):
        ports.choose(None, Settings(_env_file=None, webserver_port=3000), told.append)  # type: ignore[call-arg]
