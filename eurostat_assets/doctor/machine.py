"""This machine: is it fit for the mirror that the settings describe?

A check is a function that returns what it found, in a few words, or raises Wrong. Adding one is one decorated function.
What only the network can tell (Eurostat's clock, how many rows the theme has) is handed in as `Machine`.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psutil
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from eurostat_assets import postgres, resources
from eurostat_assets.doctor import ports
from eurostat_assets.doctor.exchange import without_secrets
from eurostat_assets.doctor.verdict import Outcome, Verdict
from eurostat_assets.postgres.cluster import programs_for
from eurostat_assets.postgres.unprivileged import server_user
from eurostat_assets.settings import Settings

GB: Final = 1_000_000_000
BYTES_PER_ROW: Final = 93
"""Raw JSON, Parquet and table together, as `eurostat-assets sizes` estimates before anything is loaded."""

_HEALTH_THEME: Final = 42 * GB
_BASE_MEMORY: Final = 1.5 * GB
"""PostgreSQL, the webserver, the daemon and the code server; a run that reads a large dataset takes 0.35 GB more."""
_MEMORY_PER_RUN: Final = 0.35 * GB
_FEWEST_DESCRIPTORS: Final = 1024
_OLDEST_POSTGRES: Final = 14
_CLOCK_TOLERANCE: Final = 300.0
_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_OTHER_VARIABLES: Final = {"EUROSTAT_METRICS_PORT", "EUROSTAT_POSTGRES_PORT"}
"""Names that begin like a setting, but are the compose file's."""


class Wrong(Exception):
    """What a check found, when that is not right."""


@dataclass(frozen=True)
class Machine:
    """`environment` is that of this process. `clock_ahead`: seconds by which this clock is ahead of Eurostat's, None where
    Eurostat was not asked; `theme_rows`: observations of the whole theme, None where unknown.
    """

    settings: Settings
    environment: Mapping[str, str]
    clock_ahead: float | None = None
    theme_rows: int | None = None

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def place(self) -> Path:
        """The home, or the folder that exists where it will be made."""
        return next(folder for folder in (self.home, *self.home.parents) if folder.is_dir())

    @cached_property
    def server(self) -> postgres.EmbeddedPostgres | None:
        return resources.embedded_server(self.settings)


Examine = Callable[[Machine], str]


@dataclass(frozen=True, slots=True)
class MachineCheck:
    name: str
    expected: str
    effect: str
    remedy: str
    examine: Examine


MACHINE_CHECKS: dict[str, MachineCheck] = {}


def machine_check(name: str, expected: str, *, effect: str, remedy: str) -> Callable[[Examine], Examine]:
    """Register the decorated function under `name`; `expected` fits a line of a terminal."""

    def register(examine: Examine) -> Examine:
        MACHINE_CHECKS[name] = MachineCheck(name, expected, effect, remedy, examine)
        return examine

    return register


def examine(machine: Machine) -> Iterator[Verdict]:
    """The verdict of every check, in order. Never raises for what it finds."""
    for one in MACHINE_CHECKS.values():
        try:
            found = one.examine(machine)
        except Wrong as wrong:
            yield Verdict(one.name, Outcome.WRONG, one.expected, str(wrong), one.effect, one.remedy)
        except Exception as error:  # noqa: BLE001 - a check that cannot be made is a finding, too
            what = without_secrets(f"{type(error).__name__}: {error}".strip())
            yield Verdict(one.name, Outcome.WRONG, one.expected, what, one.effect, one.remedy)
        else:
            yield Verdict(one.name, Outcome.AS_EXPECTED, one.expected, found)


@machine_check(
    "python",
    "Python is of a supported version",
    effect="Untested: installation or runs may fail",
    remedy="Use one of the versions that README names",
)
def python(machine: Machine) -> str:  # noqa: ARG001 - the signature of a check
    version = ".".join(map(str, sys.version_info[:3]))
    supported = metadata.metadata("eurostat-assets")["Requires-Python"]
    if supported and version not in SpecifierSet(supported):
        raise Wrong(f"{version}, supported is {supported}")
    return version


@machine_check(
    "packages",
    "installed packages have the versions that are asked for",
    effect="Untested: runs may fail in odd ways",
    remedy="Run `make install`, or install eurostat-assets anew in an environment of its own",
)
def packages(machine: Machine) -> str:  # noqa: ARG001
    wanted = [Requirement(text) for text in metadata.requires("eurostat-assets") or ()]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong: list[str] = []
    for one in wanted:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
            continue
        if not one.specifier.contains(version, prereleases=True):
            wrong.append(f"{one.name} {version} is not {one.specifier}")
    if wrong:
        raise Wrong("; ".join(wrong))
    return f"{len(wanted)} packages, dagster {metadata.version('dagster')}, pyarrow {metadata.version('pyarrow')}"


@machine_check(
    "settings",
    "every EUROSTAT_… variable is a setting",
    effect="A misspelt variable changes nothing, and the default holds",
    remedy="See `eurostat-assets settings` for the names",
)
def settings(machine: Machine) -> str:
    known = {f"EUROSTAT_{name.upper()}" for name in Settings.model_fields} | _OTHER_VARIABLES
    given = [name for name in machine.environment if name.upper().startswith("EUROSTAT_")]
    if strange := sorted(name for name in given if name.upper() not in known):
        raise Wrong(f"no setting is called {', '.join(strange)}")
    return f"{len(given)} are set"


@machine_check(
    "home",
    "the home folder can be written to",
    effect="Nothing can be stored",
    remedy="Choose another folder with EUROSTAT_HOME, or mend its rights",
)
def home(machine: Machine) -> str:
    if machine.place != machine.home and machine.home.exists():
        raise Wrong(f"{machine.home} is no folder")
    with tempfile.TemporaryFile(dir=machine.place) as file:
        file.write(b"doctor")
    return str(machine.home) if machine.home.exists() else f"{machine.home} will be made"


@machine_check(
    "disk",
    "the disk has room for the theme",
    effect="Downloads and loads stop when it is full; what is published stays readable",
    remedy="Make room, set EUROSTAT_HOME to a larger disk, or choose a smaller theme (EUROSTAT_THEME)",
)
def disk(machine: Machine) -> str:
    free = shutil.disk_usage(machine.place).free
    kept = machine.settings.alarm_disk_free * GB
    if machine.theme_rows is not None:
        whole = machine.theme_rows * BYTES_PER_ROW
    else:
        usual = machine.settings.theme.upper() == "HLTH" and not machine.settings.theme_subtree
        whole = _HEALTH_THEME if usual else 0
    needed = max(0, whole - _size_of(machine.home)) + kept
    text = f"{free / GB:,.0f} GB free, about {needed / GB:,.0f} GB still needed in {machine.place}"
    if free < needed:
        raise Wrong(text)
    return text


def _size_of(folder: Path) -> int:
    """Bytes of the files below `folder` that can be seen."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(where, name).lstat().st_blocks * 512
            except OSError:
                continue
    return total


@machine_check(
    "memory",
    "there is memory for the runs at the same time",
    effect="The kernel may kill runs or PostgreSQL; runs are tried again",
    remedy="Set EUROSTAT_PARALLEL_RUNS to fewer, or give the machine more memory",
)
def memory(machine: Machine) -> str:
    limit = min([psutil.virtual_memory().total, *_memory_limits()])
    needed = _BASE_MEMORY + machine.settings.parallel_runs * _MEMORY_PER_RUN
    text = f"{limit / GB:.1f} GB, {needed / GB:.1f} GB for {machine.settings.parallel_runs} runs at a time"
    if limit < needed:
        raise Wrong(text)
    return text


def _memory_limits() -> Iterator[int]:
    """What a container may use, in bytes."""
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(file).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            yield int(text)


@machine_check(
    "descriptors",
    f"a process may open {_FEWEST_DESCRIPTORS} files",
    effect="Runs may fail with 'Too many open files'",
    remedy="Raise the limit: `ulimit -n 4096`, or LimitNOFILE in the unit of the service",
)
def descriptors(machine: Machine) -> str:  # noqa: ARG001
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FEWEST_DESCRIPTORS:
        raise Wrong(f"only {soft}")
    return "no limit" if soft == resource.RLIM_INFINITY else f"{soft:,}"


@machine_check(
    "ui_port",
    "the port of the Dagster UI is free, or taken by this mirror",
    effect="The UI would have to be somewhere else",
    remedy="Stop the other program, or choose another port with EUROSTAT_WEBSERVER_PORT",
)
def ui_port(machine: Machine) -> str:
    if any(ports.home_of(process) == machine.home for process in ports.daemons()):
        return "this mirror's platform runs already"
    return _port(machine, machine.settings.webserver_port)


@machine_check(
    "database_port",
    "the port of the embedded PostgreSQL is free, or taken by this mirror",
    effect="PostgreSQL cannot start",
    remedy="Stop the other program, or set EUROSTAT_DATABASE_PORT to another port, or 0 for any",
)
def database_port(machine: Machine) -> str:
    if machine.server is None:
        return "a server of your own is used"
    if machine.server.status().running:
        return f"{machine.server.status().port}, where this mirror's server runs"
    if not machine.settings.database_port:
        return "any free one is taken"
    return _port(machine, machine.settings.database_port)


def _port(machine: Machine, port: int) -> str:
    if ports.is_free(port):
        return f"{port} is free"
    owner = ports.owner(port)
    if owner and ports.home_of(owner) == machine.home:
        return f"{port}, where this mirror runs"
    raise Wrong(f"{port} is taken by {f'{owner.name()} (pid {owner.pid})' if owner else 'another program'}")


@machine_check(
    "platforms",
    "one platform at most works on this mirror's home",
    effect="Two daemons on one home cancel each other's runs",
    remedy="Stop one of them: Ctrl-C where it runs, or `eurostat-assets down`",
)
def platforms(machine: Machine) -> str:
    homes = [ports.home_of(process) for process in ports.daemons()]
    here = homes.count(machine.home)
    elsewhere = len(homes) - here
    if here > 1:
        raise Wrong(f"{here} daemons work on {machine.home}")
    return f"{'one runs' if here else 'none runs'} here" + (
        f", {elsewhere} on other homes" if elsewhere else ""
    )


@machine_check(
    "postgres",
    "PostgreSQL's programs start, or the server of your own answers",
    effect="Nothing can be published",
    remedy="Install anew, or check EUROSTAT_DATABASE_URL, the server and its password",
)
def database(machine: Machine) -> str:
    if machine.server is None:
        return _own_server(machine)
    # The folder of the server need not exist yet, and a look should not make it.
    user = server_user(machine.server.folder if machine.server.folder.exists() else machine.place)
    programs = programs_for(user)
    said = ""
    for program in ("initdb", "pg_ctl", "postgres"):
        done = user.run([programs / program, "--version"])
        if done.returncode:
            raise Wrong(f"{program} ends with code {done.returncode}: {done.stdout.strip()[:200]}")
        said = done.stdout.strip()
    return said


def _own_server(machine: Machine) -> str:
    import psycopg2

    url = machine.settings.database_url.get_secret_value()
    try:
        connection = psycopg2.connect(url, connect_timeout=10)
    except psycopg2.Error as error:
        raise Wrong(without_secrets(str(error).strip())) from None
    version = connection.server_version // 10000
    connection.close()
    if version < _OLDEST_POSTGRES:
        raise Wrong(f"PostgreSQL {version}, at least {_OLDEST_POSTGRES} is needed")
    return f"PostgreSQL {version} at {urlsplit(url).hostname or 'the address of your own'}"


@machine_check(
    "proxy",
    "proxies of the environment are addresses, and loopback goes through none",
    effect="Eurostat, or this machine's own servers, cannot be reached",
    remedy="Set HTTPS_PROXY to http://host:port, or unset it; set NO_PROXY to localhost,127.0.0.1",
)
def proxy(machine: Machine) -> str:
    given = {
        name: value
        for name in _PROXIES
        if (value := machine.environment.get(name) or machine.environment.get(name.lower()))
    }
    for name, value in given.items():
        try:
            good = urlsplit(value if "://" in value else f"//{value}")
            usable = bool(good.hostname) and good.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise Wrong(f"{name} is {without_secrets(value)!r}")
    if not given:
        return "none is set"
    no_proxy = machine.environment.get("NO_PROXY") or machine.environment.get("no_proxy") or ""
    # Every process of ours adds loopback to NO_PROXY when it starts (loopback.py): this looks at what came of it.
    if not {one.strip() for one in no_proxy.split(",")} & {"127.0.0.1", "*"}:
        raise Wrong(f"{', '.join(given)} set, and NO_PROXY does not name 127.0.0.1")
    return f"{', '.join(given)} set, loopback excluded"


@machine_check(
    "clock",
    "the clock is right to five minutes, and time zones are known",
    effect="Releases seem older or newer than they are, and TLS may fail",
    remedy="Turn on time synchronisation (`timedatectl set-ntp true`); install tzdata",
)
def clock(machine: Machine) -> str:
    brussels = datetime.now(ZoneInfo("Europe/Brussels"))
    if machine.clock_ahead is None:
        return f"{brussels:%Y-%m-%d %H:%M} in Brussels; Eurostat's clock was not seen"
    if abs(machine.clock_ahead) > _CLOCK_TOLERANCE:
        raise Wrong(f"it is {machine.clock_ahead:+,.0f} s away from Eurostat's clock")
    return f"{brussels:%Y-%m-%d %H:%M} in Brussels, {machine.clock_ahead:+.0f} s from Eurostat's clock"
