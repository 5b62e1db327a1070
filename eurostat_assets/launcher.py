"""The processes of one mirror: its database, the Dagster code server, webserver and daemon, started and stopped together.

Here belong processes, ports and waiting for them. What they do once they run is Dagster's and the assets' business; keeping
them alive is the supervisor's, and ending them the guardian's.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import requests

from eurostat_assets import access, code_server, home_modes, ports, postgres, resources
from eurostat_assets.full_disks import FullDisks
from eurostat_assets.guardian import ORDERLY_SHUTDOWN, Guardian
from eurostat_assets.model.messages import message
from eurostat_assets.processes import check_alone, only_one, owned_database, stop_leftovers, write_down
from eurostat_assets.settings import Settings
from eurostat_assets.supervisor import Child, Database, Supervisor

log = logging.getLogger(__name__)

SECONDS_BETWEEN_NEWS = 15
WORKSPACE = "served.yaml"
"""The workspace of a running platform, in its Dagster folder: where the code server is."""
AT_THE_DOOR = 2
"""Downloads that the pool lets in beyond `parallel_downloads`. They wait at the client's gate (eurostat/gate.py), where a
place that gets free is taken in a tenth of a second; a step that waits for its pool looks every 1 to 15 seconds."""

Tell = Callable[[str], None]
"""Takes a sentence about the platform: that it waits, or that something died and is started again."""


class LauncherError(Exception):
    """The platform could not be started; the text says what to do, and may quote the log of a process."""

    def __init__(self, text: str) -> None:
        super().__init__(message(text))


class Platform:
    """A running platform: where its UI answers, and whether it can go on."""

    def __init__(self, settings: Settings, port: int, supervisor: Supervisor) -> None:
        self.settings = settings
        self.ui = f"http://127.0.0.1:{port}"
        self.port = port
        self._children: dict[str, Child] = {}
        self._supervisor = supervisor

    def check(self) -> None:
        """Raises `LauncherError` when the platform cannot come up. A death that is being mended is no reason."""
        if reason := self._supervisor.given_up():
            raise LauncherError(reason)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a program of this Python's environment and keep it alive; its output goes to `<home>/logs/<name>.log`."""
        program = Path(sys.executable).with_name(command[0])
        child = Child(
            name,
            [str(program), *command[1:]],
            home=self.settings.home,
            environment=environment,
        )
        self._children[name] = child
        self._supervisor.add(child)

    def pid(self, name: str) -> int | None:
        """Return the process id of one of its programs: dagster-webserver, dagster-daemon or code-server."""
        return self._children[name].pid

    @property
    def workspace(self) -> Path:
        """The file by which Dagster's programs find the code server."""
        return self.settings.home / "dagster" / WORKSPACE

    def log(self, name: str) -> Path:
        """Return the log file of one of its programs."""
        return self._children[name].log


def check_free(settings: Settings, port: int | None) -> None:
    """See that a platform can start, before anything is made for it.

    Raises `AlreadyRunning`, and `PortTaken` for a new home; in another one what an earlier platform left may have the port.
    """
    check_alone(settings.home)
    if not settings.home.exists():
        ports.choose(port, settings, lambda _: None)


@contextmanager
def running(
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    *,
    port: int | None = None,
    tell: Tell = lambda _: None,
) -> Iterator[Platform]:
    """Start database, code server, webserver and daemon, keep them alive, and stop what was started when the block is left.

    `environment` is added to that of the child processes. `port`: the UI's; the settings' by default. `tell` gets a sentence
    whenever a person should know something; the home's `logs/launcher.log` gets it as well. Raises `LauncherError` when the
    platform does not come up, `PortTaken` when the port that was asked for is, `AlreadyRunning` when this home's platform
    runs already, `PostgresError` when the database does not come up.
    """
    check_free(settings, port)
    close_home(settings)
    logs = settings.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    tell = _also_logged(tell, logs / "launcher.log")
    disks = FullDisks(settings, tell)
    disks.look()  # first: on a full disk not even the next line can be written down
    with only_one(settings.home) as register:
        stop_leftovers(settings.home)
        port = ports.choose(port, settings, tell)
        guardian = Guardian(settings.home, register, logs / "guardian.log")
        supervisor = Supervisor(tell)
        supervisor.also(disks.look)
        try:
            guardian.start()
            supervisor.add(guardian)
            _start_own_server(settings, guardian, register, supervisor)
            start_databases(settings)
            tell("PostgreSQL is up, with the databases of the mirror and of Dagster.")
            _initialise_roles(settings, tell)
            if resources.embedded_server(settings):
                supervisor.also(access.ReaderWatch(settings, tell).look)
            prepare_dagster(settings)
            platform = Platform(settings, port, supervisor)
            _start_dagster(platform, environment or {}, tell)
            supervisor.patient = True
            yield platform
        finally:
            supervisor.stop()
            guardian.end_all()
            supervisor.reap()


def start_databases(settings: Settings) -> None:
    """Start the embedded server where it is used; see that both databases exist, and that no dead loader left anything.

    The embedded server gets its roles where it has none, such as one of an earlier version, and whenever it starts.
    """
    close_home(settings)
    server = resources.embedded_server(settings)
    runs = server is not None and server.status().running
    if server:
        server.start()
    for database in (resources.MIRROR_DATABASE, resources.DAGSTER_DATABASE):
        postgres.create_database(resources.owner_url(settings, database))
    if server and not (runs and access.is_initialised(settings)):
        access.initialise(settings)
    elif server and (sentence := access.set_reader_right(settings)):
        log.warning("%s", sentence)
    postgres.remove_leftovers(resources.Mirror(settings, fills=False).database, settings.keep_releases)


def close_home(settings: Settings) -> None:
    """Let nobody but this user and his group look into the home, from now on."""
    server = resources.embedded_server(settings)
    home_modes.close(settings.home, server.folder if server else None)


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
    """Stop the platform of this home, whoever started it, and its embedded server; returns what was stopped.

    Both are found by the home, also where every file that says so is lost, or the home itself.
    """
    stopped = sorted(stop_leftovers(settings.home))
    if postgres.EmbeddedPostgres(settings.home / "postgres").stop(fast_for=ORDERLY_SHUTDOWN):
        stopped.append("PostgreSQL")
    return stopped


def _initialise_roles(settings: Settings, tell: Tell) -> None:
    """Make owner, loader and reader. A server of the user's own may not allow it: the mirror works without them."""
    try:
        access.initialise(settings)
    except postgres.DatabaseRefused as error:
        if resources.embedded_server(settings):
            raise
        tell(f"The roles for readers were not made: {error}. The mirror works; ask whoever runs this server.")


def _start_own_server(
    settings: Settings, guardian: Guardian, register: IO[str], supervisor: Supervisor
) -> None:
    """Start the embedded server where it is used. The guardian stops it at the end, unless it ran before."""
    server = resources.embedded_server(settings)
    if server is None:
        write_down(register, owns_database=False)
        return
    owns = owned_database(settings.home) or not server.status().running
    write_down(register, owns_database=owns)
    if owns:
        guardian.own_database()
    # A server of which a process is killed then ends, and the supervisor starts it again; one that begins anew by itself
    # keeps in its data folder what the killed one had begun.
    server = server.variant(port=server.port, settings={"restart_after_crash": "off"})
    server.start()
    supervisor.add(Database(server))


def _start_dagster(platform: Platform, environment: Mapping[str, str], tell: Tell) -> None:
    """Start Dagster's programs and wait for them. There is one code server: neither of the others would restart its own.

    It comes first, since the others look for one that was not there when they started every ten seconds only.
    """
    address = code_server.Address.within(dagster_home(platform.settings))
    workspace = platform.workspace
    address.write_workspace(workspace)
    if address.socket is None:
        tell(
            f"The path of {platform.settings.home} is too long for a socket, so that the code server listens on a port of"
            " loopback, where every account of this machine reaches it. EUROSTAT_HOME can name a shorter one."
        )
    code = ["dagster", "api", "grpc", *address.options, "-m", "eurostat_assets.definitions"]
    platform.start("code-server", [*code, "--location-name", code_server.LOCATION], environment)
    _wait_for(platform, "code-server", address.answers, tell)
    platform.start("dagster-daemon", ["dagster-daemon", "run", "-w", str(workspace)], environment)
    webserver = [Path(sys.executable).name, "-m", "eurostat_assets.webserver", "-h", "127.0.0.1"]
    platform.start(
        "dagster-webserver",
        [*webserver, "-p", str(platform.port), "-w", str(workspace)],
        environment,
    )
    _wait_for(platform, "dagster-webserver", lambda: _answers(platform.ui), tell)


def _wait_for(platform: Platform, name: str, answers: Callable[[], bool], tell: Tell) -> None:
    """Wait until a program answers: seconds, or many minutes on a busy machine, as long as it can be kept alive."""
    began = told = time.monotonic()
    while not answers():
        platform.check()
        time.sleep(0.3)
        if time.monotonic() - told > SECONDS_BETWEEN_NEWS:
            told = time.monotonic()
            tell(f"{name} has not answered yet, {told - began:.0f} s; its log is {platform.log(name)}.")


def _answers(ui: str) -> bool:
    try:
        return requests.get(f"{ui}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


def _also_logged(tell: Tell, log: Path) -> Tell:
    """`tell`, with each sentence appended to a log file as well."""

    def both(sentence: str) -> None:
        # On a full disk it is told all the same.
        with suppress(OSError), log.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {sentence}\n")
        tell(sentence)

    return both
