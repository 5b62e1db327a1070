"""Ports on loopback: the one asked for, or a refusal that says who has it; the next free one where none was asked for."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import psutil

from eurostat_assets.loopback import is_free
from eurostat_assets.settings import Settings

TRIES = 100
RANGE = range(20_000, 30_000)


class PortTaken(Exception):
    """The port that was asked for is taken; the text says by whom and what to do."""


def choose(port: int | None, settings: Settings, tell: Callable[[str], None]) -> int:
    """Return the port for the UI: `port` or the one that the settings name.

    Where nobody asked for it, a default port that is taken is replaced by the next free one, and told. Raises `PortTaken`.
    """
    wanted = port or settings.webserver_port
    if is_free(wanted):
        return wanted
    if port or "webserver_port" in settings.model_fields_set:
        raise PortTaken(
            f"Port {wanted} is taken{_by_whom(wanted)}. Choose another with --port or EUROSTAT_WEBSERVER_PORT."
        )
    free_one = next((one for one in range(wanted + 1, wanted + TRIES) if is_free(one)), None) or free()
    tell(f"Port {wanted} is taken{_by_whom(wanted)}; the Dagster UI will be at port {free_one}.")
    return free_one


def free() -> int:
    """Return some free port, below those that systems give to outgoing connections, so that it can be had again."""
    return next(port for port in random.sample(RANGE, TRIES) if is_free(port))


def owner(port: int) -> psutil.Process | None:
    """Return the process that listens on `port`; None where the system does not say: another user's process, or macOS."""
    with suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
                return psutil.Process(one.pid)
    return None


def _by_whom(port: int) -> str:
    """Return `, by python (pid 12)`, or nothing where the system does not say."""
    process = owner(port)
    with suppress(psutil.Error):
        return f", by {process.name()} (pid {process.pid})" if process else ""
    return ""
