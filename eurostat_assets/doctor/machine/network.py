"""Ports, platforms that run already, proxies, and the clock."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from eurostat_assets import ports
from eurostat_assets.doctor.machine.check import Machine, NotSeen, Wrong, machine_check
from eurostat_assets.doctor.platforms import daemons, home_of
from eurostat_assets.model.addresses import without_secrets

_CLOCK_TOLERANCE: Final = 300.0
_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


@machine_check(
    "ui_port",
    "the port of the Dagster UI is free, or taken by this mirror",
    effect="The UI would have to be somewhere else",
    remedy="Stop the other program, or choose another port with EUROSTAT_WEBSERVER_PORT",
)
def ui_port(machine: Machine) -> str:
    if any(home_of(process) == machine.home for process in daemons()):
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
    if owner and home_of(owner) == machine.home:
        return f"{port}, where this mirror runs"
    raise Wrong(f"{port} is taken by {f'{owner.name()} (pid {owner.pid})' if owner else 'another program'}")


@machine_check(
    "platforms",
    "one platform at most works on this mirror's home",
    effect="Two daemons on one home cancel each other's runs",
    remedy="Stop one of them: Ctrl-C where it runs, or `eurostat-assets down`",
)
def platforms(machine: Machine) -> str:
    homes = [home_of(process) for process in daemons()]
    here = homes.count(machine.home)
    elsewhere = len(homes) - here
    if here > 1:
        raise Wrong(f"{here} daemons work on {machine.home}")
    return f"{'one runs' if here else 'none runs'} here" + (
        f", {elsewhere} on other homes" if elsewhere else ""
    )


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
        raise NotSeen(f"it is {brussels:%Y-%m-%d %H:%M} in Brussels; Eurostat's clock was not seen")
    if abs(machine.clock_ahead) > _CLOCK_TOLERANCE:
        raise Wrong(f"it is {machine.clock_ahead:+,.0f} s away from Eurostat's clock")
    return f"{brussels:%Y-%m-%d %H:%M} in Brussels, {machine.clock_ahead:+.0f} s from Eurostat's clock"
