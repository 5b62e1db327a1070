"""What the assets, the sensor and the command line work with, made from the settings in one place.

Here belong the objects that join a setting to a room of floor 2: the Eurostat client, the mirror's database, the workbench.
Nothing is connected to before it is used, so that the definitions load while Eurostat or the database is down.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from eurostat_assets import environment, loopback, postgres
from eurostat_assets.postgres.roles import LOADER
from eurostat_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from eurostat_assets.eurostat import Eurostat, Theme

MIRROR_DATABASE = "eurostat"
DAGSTER_DATABASE = "dagster"
LOADER_PASSWORD_FILE = "loader_password"
SECONDS_BETWEEN_REPORTS = 5.0
INVENTED = "an invented Eurostat on this machine"
"""How databases name a sandbox as their source: beside its identity, which the first ones were without."""


@dataclass(frozen=True)
class Mirror:
    """This deployment's mirror: the theme it holds and the database it is published in.

    `fills`: whether the database is used to write data into it, which reserves it for this source. Commands that only read
    leave it as it is.
    """

    settings: Settings
    fills: bool = True

    @cached_property
    def theme(self) -> Theme:
        from eurostat_assets.eurostat import Theme

        return Theme(
            pattern=self.settings.theme,
            subtree=self.settings.theme_subtree or None,
            include=self.settings.theme_include,
            exclude=self.settings.theme_exclude,
        )

    @cached_property
    def storage(self) -> postgres.Storage:
        """How tables are stored."""
        return postgres.Storage(
            codes=self.settings.codes,
            indexes=postgres.Indexes.parse(self.settings.indexes),
            keep_releases=self.settings.keep_releases,
            keep_dependents=self.settings.keep_dependents,
        )

    @cached_property
    def patience(self) -> postgres.Patience:
        """How long a publication waits, and a dataset that failed."""
        return patience(self.settings)

    @cached_property
    def database(self) -> str:
        """libpq URL of the mirror's database, migrated, and reserved for this source where it `fills` it.

        Raises `PostgresError` when it is down or holds another source's data.
        """
        url = database_url(self.settings, MIRROR_DATABASE)
        postgres.migrate(url, self.patience)
        _claim(url, self.settings, reserve=self.fills)
        return url


class Workbench:
    """The local folder where files are made before an I/O manager takes them to their place.

    Each process works in a folder of its own below `root`, locked while it lives. What a killed process left is removed by
    the next one that starts to work.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @cached_property
    def folder(self) -> Path:
        """This process' own folder. Raises OSError when it cannot be made."""
        self._root.mkdir(parents=True, exist_ok=True)
        for other in self._root.iterdir():
            _remove_if_abandoned(other)
        own = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}.", dir=self._root))
        # Held until this process ends, however it ends; so it is never closed.
        fcntl.flock(os.open(own / "lock", os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX)
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        return own

    def place(self, name: str) -> Path:
        """A path for a file that is being made."""
        return self.folder / name


def progress(log: dg.DagsterLogManager, what: str, unit: str = "MB") -> Callable[..., None]:
    """A callback (bytes done, bytes in all or None) that writes to the run's log every few seconds.

    With another `unit` than MB it counts those, in thousands.
    """
    scale, unit = (1e6, "MB") if unit == "MB" else (1e3, f"thousand {unit}")
    started = last = time.monotonic()

    def report(done: int, total: int | None = None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < SECONDS_BETWEEN_REPORTS:
            return
        last = now
        share = f" of {total / scale:,.0f} {unit} ({done / total:.0%})" if total else f" {unit}"
        log.info(f"{what}: {done / scale:,.0f}{share} after {now - started:.0f} s")

    return report


def _claim(url: str, settings: Settings, *, reserve: bool) -> None:
    """Reserve a database for the source of these settings, or see that it is not another's. Raises MirrorMismatch.

    A sandbox is known by its identity, whatever its port; anything else on this machine, such as a proxy before Eurostat, by
    its address. One that does not answer can fill nothing.
    """
    from eurostat_assets import sandbox

    if not loopback.is_local(settings.api_url):
        return postgres.claim_mirror(url, settings.api_url, reserve=reserve)
    try:
        identity = sandbox.identity(settings.api_url)
    except sandbox.NotReady:
        claimed = postgres.claimed_source(url)
        if claimed and urlsplit(claimed).hostname and not loopback.is_local(claimed):
            postgres.claim_mirror(url, settings.api_url, reserve=False)  # says so
        return None
    if identity is None:
        return postgres.claim_mirror(url, settings.api_url, reserve=reserve)
    return postgres.claim_mirror(url, f"{INVENTED} ({identity})", reserve=reserve, formerly=INVENTED)


def _remove_if_abandoned(folder: Path) -> None:
    """Remove a workbench folder whose process is gone: nobody holds its lock."""
    try:
        with (folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except (FileNotFoundError, NotADirectoryError, BlockingIOError):
        return


def patience(settings: Settings) -> postgres.Patience:
    """How long a publication waits, and a dataset that failed."""
    return postgres.Patience(
        retry=settings.retry_after,
        end_sessions_after=settings.end_blocking_sessions_after,
        limits=reader_limits(settings),
    )


def reader_limits(settings: Settings) -> postgres.ReaderLimits:
    """What the role of readers may take of the server."""
    return postgres.ReaderLimits(
        connections=settings.reader_connections,
        statement_timeout=settings.reader_statement_timeout,
        idle_in_transaction_timeout=settings.reader_idle_in_transaction_timeout,
        transaction_timeout=settings.reader_transaction_timeout,
        temporary_files=settings.reader_temporary_files,
    )


def client(settings: Settings) -> Eurostat:
    """The Eurostat client with this deployment's address, language and limits."""
    # An HTTP client takes a while to import, and `status` needs none.
    from eurostat_assets.eurostat import Allowance, Eurostat, Gate

    return Eurostat(
        settings.api_url,
        language=settings.language,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        download_deadline=settings.download_deadline,
        attempts=settings.attempts,
        gate=Gate(settings.home / "gate", settings.parallel_downloads, settings.request_pace),
        allowance=Allowance(settings.largest_unannounced << 20, settings.bytes_per_observation),
        # An invented Eurostat has a time of its own, in which days pass at a request.
        ahead=None if loopback.is_local(settings.api_url) else timedelta(days=settings.days_ahead),
    )


def embedded_server(settings: Settings) -> postgres.EmbeddedPostgres | None:
    """The embedded PostgreSQL of this home, or None where `EUROSTAT_DATABASE_URL` names a server of the user's own."""
    if settings.database_url.get_secret_value():
        return None
    return postgres.EmbeddedPostgres(
        settings.home / "postgres", port=settings.database_port or None, ballast=settings.ballast * 1_000_000
    )


def database_url(settings: Settings, database: str) -> str:
    """Return the libpq URL with which everything works: the loader's, or what `EUROSTAT_DATABASE_URL` says.

    `database`: the mirror's own or Dagster's, both on one server. Raises `NoCluster`, `ServerStopped`, and `RolesMissing`
    where the embedded server has no loader yet.
    """
    server = embedded_server(settings)
    if server is None:
        return owner_url(settings, database)
    place = server.place()
    password = password_in(settings.home / LOADER_PASSWORD_FILE)
    if password is None:
        raise postgres.RolesMissing(settings.home)
    return f"postgresql://{LOADER}:{quote(password, safe='')}@{place}/{database}"


def password_in(file: Path) -> str | None:
    """Return the password that a file of the home holds; None where there is no file, or nothing in it.

    Raises `PostgresError` where it holds no text.
    """
    try:
        return (file.read_text().strip() or None) if file.exists() else None
    except UnicodeDecodeError:
        raise postgres.PostgresError(
            f"{file} holds no password but bytes that are no text: remove it, and `eurostat-assets db init` makes a new one"
        ) from None


def owner_url(settings: Settings, database: str) -> str:
    """Return the libpq URL with which databases, roles and tables are made: of the embedded server, its superuser's.

    With a server of the user's own, the mirror is the database its URL names, and Dagster's is called `dagster`. No process
    of Dagster is given it.
    """
    server = embedded_server(settings)
    if server:
        return server.url(database)
    url = settings.database_url.get_secret_value()
    if database == MIRROR_DATABASE:
        return url
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def dagster_environment(settings: Settings) -> dict[str, str]:
    """The variables that name Dagster's database (without a password where the URL has none), and the home they are for."""
    url = urlsplit(database_url(settings, DAGSTER_DATABASE))
    password = {"DAGSTER_PG_PASSWORD": unquote(url.password)} if url.password else {}
    return password | {
        "DAGSTER_PG_HOST": url.hostname or "localhost",
        "DAGSTER_PG_PORT": str(url.port or 5432),
        "DAGSTER_PG_USERNAME": unquote(url.username or ""),
        "DAGSTER_PG_DB": url.path.lstrip("/"),
        environment.MADE_FOR: str(settings.home),
        "EUROSTAT_HOME": str(settings.home),
        "EUROSTAT_PARALLEL_RUNS": str(settings.parallel_runs),
    }
