"""What the environment of this process says, what `.env` of the working folder says, and that the first always counts.

Dagster's commands and code servers write `.env` over the environment of their process, and so over what the user or the
launcher said. Here belongs reading that file and undoing this; what the variables mean is the settings' business.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
from dotenv import dotenv_values

ENV_FILE = ".env"
HOME = "EUROSTAT_HOME"
DAGSTERS_DATABASE = "DAGSTER_PG_"
MADE_FOR = "DAGSTER_PG_HOME"
"""Names the home whose database the other variables name; where it is set, this platform has set them all."""
OF_ONE_MIRROR = (
    HOME,
    "EUROSTAT_API_URL",
    "EUROSTAT_DATABASE_URL",
    "EUROSTAT_DATABASE_PORT",
    "EUROSTAT_STORE_URL",
    DAGSTERS_DATABASE,
)
"""Beginnings of the variables that say where one mirror is. In a `.env` they belong to the home that it names."""


class UnreadableFile(ValueError):
    """`.env` cannot be read as text; the message says what to do."""


def of_file() -> dict[str, str]:
    """Return what `.env` of the working folder says for this process.

    Where the environment names another home than the file does, the file's variables of one mirror are left out: they speak
    of the other one. Raises `UnreadableFile`.
    """
    said = _file()
    named, asked = said.get(HOME), os.environ.get(HOME)
    if named and asked and place(named) != place(asked):
        return {name: value for name, value in said.items() if not name.upper().startswith(OF_ONE_MIRROR)}
    return said


def restore() -> None:
    """Give back to this process' environment what was written over it from `.env` after the process began.

    A process that it starts later inherits the environment so restored. Raises `UnreadableFile`.
    """
    written = _file()
    if not written:
        return
    began = _began_with()
    names = {name.upper() for name in began}
    overlaid = {name for name, value in written.items() if os.environ.get(name) == value}
    for name in overlaid:
        if name in began:
            os.environ[name] = began[name]
        elif (
            name.upper() in names
        ):  # the same variable in other letters; which of both counts would be chance
            del os.environ[name]
    for name in overlaid - of_file().keys() - began.keys():
        if not (name.startswith(DAGSTERS_DATABASE) and MADE_FOR in os.environ):
            os.environ.pop(name, None)


def place(folder: str | Path) -> Path:
    """Return the one spelling of a folder: absolute, links resolved. Raises ValueError for what cannot be one."""
    try:
        return Path(folder).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # no such user, a circle of links
        raise ValueError(f"{str(folder)[:80]!r} is no folder: {error}") from error


def _file() -> dict[str, str]:
    file = Path(ENV_FILE)
    try:
        if not file.is_file():
            return {}
        return {
            name: value for name, value in dotenv_values(file, encoding="utf-8").items() if value is not None
        }
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{file.absolute()} cannot be read: {error}") from error


@cache
def _began_with() -> Mapping[str, str]:
    """Return the environment with which this process' program was started; empty where the system does not say."""
    with suppress(psutil.Error, OSError):
        return psutil.Process().environ()
    return {}
