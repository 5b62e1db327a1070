"""Each line about the machine: fine on a fit one, wrong where just that is not so, and nothing is left behind."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import tempfile
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from itertools import takewhile
from pathlib import Path

import psutil
import pytest

from eurostat_assets import ports
from eurostat_assets.doctor.machine import MACHINE_CHECKS, Machine, examine, room, software
from eurostat_assets.doctor.verdict import Outcome, exit_code
from eurostat_assets.settings import Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def fit(tmp_path: Path) -> Machine:
    """A small mirror on this machine, with nothing unusual in its environment."""
    settings = Settings(home=tmp_path / "home", webserver_port=free_port(), theme="HLTH_X", parallel_runs=1)
    return Machine(settings, {"EUROSTAT_HOME": str(tmp_path)}, clock_ahead=1.0, theme_rows=1_000)


def changed(machine: Machine, environment: Mapping[str, str] | None = None, **settings: object) -> Machine:
    known = {**machine.environment, **(environment or {})}
    return replace(machine, environment=known, settings=machine.settings.model_copy(update=settings))


def wrong(machine: Machine) -> dict[str, str]:
    """What is found by each check that says wrong."""
    return {one.check: one.found for one in examine(machine) if one.outcome == Outcome.WRONG}


def test_a_fit_machine_is_as_expected_and_nothing_is_made_on_it(fit: Machine, tmp_path: Path):
    verdicts = list(examine(fit))
    assert {one.check: one.found for one in verdicts if one.outcome != Outcome.AS_EXPECTED} == {}
    assert [one.check for one in verdicts] == list(MACHINE_CHECKS)
    assert exit_code(verdicts) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_another_program_has(fit: Machine):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert wrong(changed(fit, webserver_port=port)).keys() == {"ui_port"}
        found = wrong(changed(fit, database_port=port))
        assert found.keys() == {"database_port"}
        assert str(port) in found["database_port"]


def test_the_port_of_this_mirrors_own_ui_is_no_fault(fit: Machine):
    program = (
        "import socket, sys; server = socket.create_server(('127.0.0.1', 0)); "
        "print(server.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"EUROSTAT_HOME": str(fit.home)},
    ) as ui:
        assert ui.stdout
        assert ui.stdin
        port = int(ui.stdout.readline())
        assert wrong(changed(fit, webserver_port=port)) == {}
        assert wrong(changed(fit, webserver_port=port, home=fit.home / "other")).keys() == {"ui_port"}
        ui.stdin.close()


def test_two_daemons_on_one_home(fit: Machine, tmp_path: Path):
    program = tmp_path / "dagster-daemon"
    program.write_text("import sys; print(flush=True); sys.stdin.read()")
    command = [sys.executable, str(program), "run"]

    def start(home: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"EUROSTAT_HOME": str(home)},
        )
        assert process.stdout
        process.stdout.readline()
        return process

    with start(fit.home) as one, start(fit.home / "elsewhere") as other:
        assert wrong(fit) == {}
        # The UI of a platform that runs found its place, whatever is at the port of the settings.
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            assert wrong(changed(fit, webserver_port=stranger.getsockname()[1])) == {}
        with start(fit.home) as two:
            assert wrong(fit).keys() == {"platforms"}
            two.kill()
        one.kill()
        other.kill()


def test_a_disk_without_room_for_the_theme(fit: Machine):
    found = wrong(replace(fit, theme_rows=10**15))
    assert found.keys() == {"disk"}
    assert "still needed" in found["disk"]


def test_what_is_there_already_needs_no_room(fit: Machine, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: usage(10**10, 0, 6 * 10**9))
    rows = 2 * 10**9 // room.BYTES_PER_ROW
    assert wrong(replace(fit, theme_rows=rows)).keys() == {"disk"}
    fit.home.mkdir()
    with (fit.home / "table").open("wb") as file:
        monkeypatch.setattr(room, "_size_of", lambda _: 2 * 10**9)
        file.write(b"x")
    assert wrong(replace(fit, theme_rows=rows)) == {}


def test_a_home_that_is_a_file(fit: Machine):
    fit.home.write_text("")
    assert "home" in wrong(fit)


def test_little_memory(fit: Machine, monkeypatch: pytest.MonkeyPatch):
    memory = namedtuple("memory", "total")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(10**9))
    assert wrong(fit).keys() == {"memory"}


def test_a_container_with_little_memory(fit: Machine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "_memory_limits", lambda: [10**9])
    assert wrong(fit).keys() == {"memory"}


def test_few_file_descriptors(fit: Machine):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        assert wrong(fit) == {"descriptors": "only 256"}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_python_that_is_too_old(fit: Machine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert wrong(fit)["python"].startswith("3.9.1")


def test_a_package_of_another_version_and_one_that_is_missing(fit: Machine, monkeypatch: pytest.MonkeyPatch):
    wanted = ["rich<1", "no-such-package-here>=1", "s3fs; extra == 's3'", "typer>=0.1"]
    monkeypatch.setattr(metadata, "requires", lambda _: wanted)
    found = wrong(fit)
    assert found.keys() == {"packages"}
    assert found["packages"].startswith("rich ")
    assert found["packages"].endswith("no-such-package-here is missing")


def test_a_misspelt_setting(fit: Machine):
    found = wrong(changed(fit, {"EUROSTAT_THEM": "HLTH"}))
    assert found == {"settings": "no setting is called EUROSTAT_THEM"}


@pytest.mark.parametrize("proxy", ["http://", "http://:x@", "http://user:secret@host:0", "http://host:port"])
def test_a_proxy_that_is_no_address(proxy: str, fit: Machine):
    found = wrong(changed(fit, {"HTTPS_PROXY": proxy}))
    assert found.keys() == {"proxy"}
    assert "secret" not in str(found)


def test_loopback_behind_a_proxy(fit: Machine):
    proxied = changed(fit, {"https_proxy": "http://proxy.example:3128"})
    assert wrong(changed(proxied, {"NO_PROXY": "intranet, 127.0.0.1"})) == {}
    assert wrong(changed(proxied, {"no_proxy": "*"})) == {}
    assert wrong(changed(proxied, {"NO_PROXY": "intranet"})).keys() == {"proxy"}


@pytest.mark.parametrize("seconds", [-3_600.0, 400.0])
def test_a_clock_that_is_wrong(seconds: float, fit: Machine):
    assert wrong(replace(fit, clock_ahead=seconds)).keys() == {"clock"}


def test_what_could_not_be_seen_is_not_checked(fit: Machine):
    url = f"postgresql://reader@127.0.0.1:{free_port()}/eurostat"
    own = Settings(**{**fit.settings.model_dump(), "database_url": url})
    verdicts = examine(replace(fit, settings=own, clock_ahead=None))
    unseen = {one.check for one in verdicts if one.outcome == Outcome.UNCHECKED}
    assert unseen == {"clock", "postgres_advisories"}


def test_a_server_of_ones_own_that_does_not_answer(fit: Machine):
    url = f"postgresql://reader:secret@127.0.0.1:{free_port()}/eurostat"
    machine = replace(fit, settings=Settings(**{**fit.settings.model_dump(), "database_url": url}))
    found = wrong(machine)
    assert found.keys() == {"postgres"}
    assert "secret" not in found["postgres"]


def test_a_server_of_ones_own_that_answers(fit: Machine, database: str):
    machine = replace(fit, settings=Settings(**{**fit.settings.model_dump(), "database_url": database}))
    assert wrong(machine) == {}


def test_programs_of_postgresql_that_do_not_start(
    fit: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    for name in ("initdb", "pg_ctl", "postgres"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho 'error while loading shared libraries: libpq.so'; exit 127\n")
        program.chmod(0o755)
    tmp_path.chmod(0o755)
    for folder in takewhile(lambda one: one != Path(tempfile.gettempdir()), tmp_path.parents):
        folder.chmod(0o755)
    monkeypatch.setattr(software, "programs_for", lambda _: tmp_path)
    found = wrong(fit)
    assert found.keys() == {"postgres"}
    assert "libpq.so" in found["postgres"]


def test_nobody_listens_at_a_free_port():
    port = free_port()
    assert ports.is_free(port)
    assert ports.owner(port) is None
