"""The processes of one mirror: its database, the Dagster webserver and daemon, started in order and stopped together.

Here belong processes, ports and waiting for them. What they do once they run is Dagster's and the assets' business.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from eurostat_assets import postgres, resources
from eurostat_assets.processes import only_one, stop_leftovers, write_down
from eurostat_assets.processes import stop as stop_all
from eurostat_assets.settings import Settings

PATIENCE = 120  # seconds the UI may take to answer; 6 to 10 are usual
AT_THE_DOOR = 2
"""Downloads that the pool lets in beyond `parallel_downloads`. They wait at the client's gate (eurostat/gate.py), where a
place that gets free is taken in a tenth of a second; a step that waits for its pool looks every 1 to 15 seconds."""


class LauncherError(Exception):
    """The platform could not be started; the text says what to do."""


class Platform:
    """A running platform: where its UI answers, and how to stop it."""

    def __init__(self, settings: Settings, port: int, processes: list[subprocess.Popen[bytes]]) -> None:
        self.settings = settings
        self.ui = f"http://127.0.0.1:{port}"
        self.port = port
        self._processes = processes

    def check(self) -> None:
        """Raises `LauncherError` when one of the processes has ended by itself."""
        for process in self._processes:
            if process.poll() is not None:
                name = Path(str(process.args[0])).name  # type: ignore[index]
                log = self.settings.home / "logs" / f"{name}.log"
                raise LauncherError(
                    f"{name} ended with code {process.returncode}; its last words are in {log}."
                )


@contextmanager
def running(settings: Settings, environment: Mapping[str, str] | None = None) -> Iterator[Platform]:
    """Start database, webserver and daemon, and stop what was started when the block is left.

    Raises `LauncherError` when this home's platform runs already or does not come up, `PostgresError` when the database does
    not. `environment` is added to that of the child processes.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with only_one(settings.home) as register:
        stop_leftovers(settings.home)
        start_databases(settings)
        prepare_dagster(settings)
        port = _free_port(settings.webserver_port)
        processes = [
            _start(settings, environment, ["dagster-webserver", "-h", "127.0.0.1", "-p", str(port)]),
            _start(settings, environment, ["dagster-daemon", "run"]),
        ]
        write_down(register, processes)
        platform = Platform(settings, port, processes)
        try:
            _wait_for_ui(platform)
            yield platform
        finally:
            stop_all([process.pid for process in processes])
            for process in processes:
                process.wait()
            server = resources.embedded_server(settings)
            if server:
                server.stop()


def start_databases(settings: Settings) -> None:
    """Start the embedded server where it is used; see that both databases exist, and that no dead loader left anything."""
    server = resources.embedded_server(settings)
    if server:
        server.start()
    for database in (resources.MIRROR_DATABASE, resources.DAGSTER_DATABASE):
        postgres.create_database(resources.database_url(settings, database))
    postgres.remove_leftovers(resources.Mirror(settings, fills=False).database, settings.keep_releases)


def prepare_dagster(settings: Settings) -> None:
    """Tell this process' environment where Dagster's settings and database are; set the pool's limit on downloads."""
    import dagster as dg

    os.environ.update(resources.dagster_environment(settings))
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
    with dg.DagsterInstance.get() as instance:
        limit = settings.parallel_downloads + AT_THE_DOOR
        instance.event_log_storage.set_concurrency_slots("eurostat_api", limit)


def dagster_home(settings: Settings) -> Path:
    """Return the folder of the home that is DAGSTER_HOME, with `dagster.yaml` and `workspace.yaml` in it."""
    from eurostat_assets.dagster_instance import write_files

    folder = settings.home / "dagster"
    write_files(folder)
    return folder


def stop(settings: Settings) -> list[str]:
    """Stop whatever a launcher of this home left running, and the embedded server; returns what was stopped."""
    stopped = stop_leftovers(settings.home)
    server = resources.embedded_server(settings)
    if server and server.status().running:
        server.stop()
        stopped.append("PostgreSQL")
    return stopped


def _start(
    settings: Settings, environment: Mapping[str, str] | None, command: list[str]
) -> subprocess.Popen[bytes]:
    logs = settings.home / "logs"
    logs.mkdir(exist_ok=True)
    executable = Path(sys.executable).with_name(command[0])
    with (logs / f"{command[0]}.log").open("ab") as log:
        return subprocess.Popen(
            [str(executable), *command[1:], "-w", str(dagster_home(settings) / "workspace.yaml")],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is the launcher's, which stops them in order
        )


def _wait_for_ui(platform: Platform) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        platform.check()
        try:
            if requests.get(f"{platform.ui}/server_info", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise LauncherError(f"The Dagster UI did not answer at {platform.ui} within {PATIENCE} s.")


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
