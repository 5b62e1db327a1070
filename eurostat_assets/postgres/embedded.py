"""A PostgreSQL server of one's own, from the binaries of a wheel: no Docker, no installation, no settings.

Here: initdb, start, stop, status, URLs. Not here: anything about what is in the databases.

`folder` holds `password`, `port`, `lock` and `data` (the cluster; a link where `folder` is closed to the
server's user, see elsewhere.py). The server outlives the process that started it.
"""

import contextlib
import fcntl
import logging
import random
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eurostat_assets.loopback import is_free
from eurostat_assets.postgres import elsewhere
from eurostat_assets.postgres.ballast import Ballast, is_full
from eurostat_assets.postgres.cluster import SUPERUSER, make_cluster, password_of, programs_for
from eurostat_assets.postgres.connection import create_database
from eurostat_assets.postgres.errors import DiskFull, EmbeddedServerError, NoCluster, ServerStopped
from eurostat_assets.postgres.orphans import remove_orphaned_files
from eurostat_assets.postgres.postmaster import (
    end_lost_postmaster,
    end_orphaned_children,
    forget_dead_postmaster,
    postmaster_of,
    processes_in,
)
from eurostat_assets.postgres.standalone import Standalone
from eurostat_assets.postgres.unprivileged import ServerUser, open_for_owner, server_user

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    # Readers cannot take all of them, and the platform gets in whoever is there.
    "reserved_connections": "40",
    # One who has not logged in has a connection all the same, a reserved one as well. A busy machine needs some seconds.
    "authentication_timeout": "15s",
    # A reader may look at every table in one transaction, from each of his connections.
    "max_locks_per_transaction": "256",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    # COPY into a table made in the same transaction then writes no WAL at all.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Below the range from which systems pick the ports of outgoing connections: a remembered one stays free.
PORTS = range(20_000, 30_000)


@dataclass(frozen=True)
class ServerStatus:
    """A look at the server: `pid` and `port` are None where it does not run."""

    running: bool
    pid: int | None
    port: int | None
    data: Path
    user: str


class EmbeddedPostgres:
    """One server with its data under `folder`, on `port` of the loopback or a free one remembered there."""

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        *,
        ballast: int = 0,
    ) -> None:
        """`settings` are server settings on top of (or instead of) the module's own; `ballast` is in bytes."""
        self.folder = Path(folder).absolute()
        self.port = port
        self.settings = SETTINGS | dict(settings or {})
        self.most_ballast = ballast
        self._created: set[str] = set()

    def variant(self, *, port: int | None, settings: Mapping[str, str] | None = None) -> "EmbeddedPostgres":
        """Return the same server, to be started on this port and with these settings on top of its own."""
        return EmbeddedPostgres(
            self.folder, port, {**self.settings, **(settings or {})}, ballast=self.most_ballast
        )

    def start(self, timeout: float = 60) -> ServerStatus:
        """Make the cluster if there is none, start the server if it does not run.

        Safe at any time and from several processes; after a crash the server first recovers. `timeout` in s. Raises
        EmbeddedServerError, of which DiskFull says that there is no room, also where the ballast was given up.
        """
        with self._locked():
            if freed := self.ballast.give_up():
                log.warning("PostgreSQL: the disk was full; gave up its ballast of %.0f MB", freed / 1e6)
            try:
                self._come_up(time.monotonic() + timeout)
            except (EmbeddedServerError, OSError) as error:
                place = self.data.parent
                if is_full(place):
                    raise DiskFull(place, shutil.disk_usage(place).free) from error
                raise
            self.ballast.restore()
        return self.status()

    def stop(self, timeout: float = 60, *, fast_for: float | None = None) -> bool:
        """Disconnect everybody and stop the server; False where it did not run. One that is starting is waited for.

        With `fast_for`, a shutdown that is still writing its checkpoint after so many seconds is cut short: nothing that was
        committed is lost, and the next start recovers, as after a crash.
        """
        if not self.data.exists():  # a server may run all the same: its folder was removed
            return end_lost_postmaster(self.data, fast_for or timeout)
        with self._locked():
            try:
                return self._stop(timeout, fast_for)
            finally:
                end_orphaned_children(self.data)

    def status(self) -> ServerStatus:
        """Whether a server of this cluster accepts connections, by its pid file and the process table."""
        postmaster = postmaster_of(self.data)
        user = self.user.name if self.folder.exists() else ""
        if postmaster is None or not postmaster.ready:
            return ServerStatus(False, None, None, self.data, user)
        return ServerStatus(True, postmaster.pid, postmaster.port, self.data, user)

    def url(self, database: str) -> str:
        """The superuser's libpq URL of `database`, which is created where it is missing. Raises as `place` does."""
        place = self.place()  # first: asking for what does not run makes no password
        base = f"postgresql://{SUPERUSER}:{password_of(self.folder)}@{place}"
        if database not in self._created:
            create_database(f"{base}/{database}")
            self._created.add(database)
        return f"{base}/{database}"

    def place(self) -> str:
        """Host and port where the server answers. Raises NoCluster, ServerStopped."""
        port = self.status().port
        if port is None:
            if not self.exists:
                raise NoCluster(self.folder.parent)
            raise ServerStopped(
                f"the embedded server in {self.folder} is not running: start it first, with `eurostat-assets db start`"
            )
        return f"{HOST}:{port}"

    @property
    def exists(self) -> bool:
        """Whether there is a cluster, running or not."""
        return self.data.exists()

    @property
    def data(self) -> Path:
        """The data folder, links resolved."""
        return (self.folder / "data").resolve()

    @property
    def ballast(self) -> Ballast:
        """What is given up when the disk is full."""
        return Ballast(self.data, self.most_ballast)

    @property
    def log(self) -> Path:
        """What the server wrote about itself."""
        return self.data / "server.log"

    @cached_property
    def user(self) -> ServerUser:
        """The user that runs the server."""
        return server_user(self.folder)

    @cached_property
    def programs(self) -> Path:
        """The folder of initdb, pg_ctl and postgres, where the server's user can run them."""
        return programs_for(self.user)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Only one process at a time makes, starts or stops this server. Makes the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = open_for_owner(self.folder / "lock")
        except OSError as error:
            raise EmbeddedServerError(
                f"{self.folder} cannot be used for the embedded server: {error.strerror}. Choose another home folder"
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _come_up(self, deadline: float) -> None:
        elsewhere.tidy(self.folder)
        if not self.exists:
            make_cluster(self.folder, self.user, self.programs)
        while not self._settled(deadline):
            end_lost_postmaster(self.data, max(1, deadline - time.monotonic()))
            end_orphaned_children(self.data)
            forget_dead_postmaster(self.data)
            self._remove_orphans(deadline)
            self._start(deadline)

    def _start(self, deadline: float) -> None:
        """One try to start, until connections are accepted; recovery after a crash takes a second or two.

        Returns as well where another try is due. Raises EmbeddedServerError where that would not help.
        """
        port = self._choose_port()
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.before"))
        settings = self.settings | {"port": str(port)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        patience = max(1, int(deadline - time.monotonic()))
        done = self._pg_ctl("start", "-w", "-t", str(patience), "-l", str(self.log), "-o", options)
        if done.returncode == 0:
            # Where it cannot be written, the next start takes another port.
            with contextlib.suppress(OSError), open_for_owner(self.folder / "port") as file:
                file.write(str(port))
            return
        said = self.log.read_text() if self.log.exists() else done.stdout
        # A killed server's children need a moment to notice, a killed starter's pg_ctl may be at work,
        # and somebody may have been faster to take the port.
        passing = ["pre-existing shared memory", "lock file"] + ["could not bind"] * (self.port is None)
        hopeless = time.monotonic() > deadline or is_full(self.data)
        if hopeless or not any(words in said for words in passing):
            raise EmbeddedServerError(f"the server in {self.data} did not start", said[-2000:])
        time.sleep(0.2)

    def _remove_orphans(self, deadline: float) -> None:
        """Recover the cluster, if need be, and remove the files that a crash left in it: before the first client."""
        while True:
            # A killed server's children need a moment to notice; until then nobody else may open the cluster.
            others = processes_in(self.data)
            try:
                left = remove_orphaned_files(Standalone(self.programs, self.user, self.data, self.settings))
            except EmbeddedServerError as error:
                if others and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                log.debug("%s", error)  # the server will say itself what is wrong with it
                return
            if size := sum(file.bytes for file in left):
                log.warning(
                    "PostgreSQL: removed %d files (%s bytes) that a crash had left", len(left), f"{size:,}"
                )
            return

    def _stop(self, timeout: float, fast_for: float | None) -> bool:
        if not self._settled(time.monotonic() + timeout):
            return end_lost_postmaster(self.data, fast_for or timeout)
        done = self._pg_ctl("stop", "-m", "fast", "-w", "-t", str(int(fast_for or timeout)))
        if done.returncode and fast_for is not None:
            done = self._pg_ctl("stop", "-m", "immediate", "-w", "-t", str(int(timeout)))
        if done.returncode and postmaster_of(self.data):
            raise EmbeddedServerError(f"the server in {self.data} did not stop", done.stdout)
        return True

    def _choose_port(self) -> int:
        if self.port:
            return self.port
        with contextlib.suppress(FileNotFoundError, ValueError):
            remembered = int((self.folder / "port").read_text())
            if is_free(remembered):
                return remembered
        candidates = random.sample(PORTS, 100)
        return next(port for port in candidates if is_free(port))

    def _settled(self, deadline: float) -> bool:
        """Wait while the server is on its way up or down (whoever began that may be dead); True: it is up."""
        while (postmaster := postmaster_of(self.data)) and not postmaster.ready:
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"the server in {self.data} (pid {postmaster.pid}) neither starts nor stops"
                )
            time.sleep(0.1)
        return postmaster is not None

    def _pg_ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.user.run([self.programs / "pg_ctl", "-D", self.data, *arguments])
