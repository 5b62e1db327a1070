"""Who reaches the mirror's databases, and as whom: the reader's address for people, the loader's for the platform.

Here belong the roles' set-up for this deployment and the passwords of reader and loader, files in the home. What each role
may do is in postgres/roles.py.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from eurostat_assets import resources
from eurostat_assets.postgres import PostgresError, reader_role
from eurostat_assets.postgres.connection import CONNECT_SECONDS, connect, must_answer
from eurostat_assets.postgres.errors import DatabaseUnavailable
from eurostat_assets.postgres.roles import LOADER, READER, hand_over_database, initialise_roles, may_log_in
from eurostat_assets.postgres.unprivileged import open_for_owner
from eurostat_assets.settings import Settings

PASSWORD_FILE = "reader_password"
SECONDS_BETWEEN_LOOKS = 60.0


class ReaderUnknown(PostgresError):
    """There is no reader to log in as, or its password is not known here; the text says what to do."""


def initialise(
    settings: Settings,
    *,
    loader_password: str | None = None,
    reader_password: str | None = None,
    dedicated: bool = False,
) -> None:
    """Create the roles, or bring them up to date. The reader can log in afterwards, with the password in the home's file.

    Without a `reader_password` the one in the file is used, or a new one. Only where a server of the user's own has a
    reader that can log in already, whose password is not known here, that password stays.

    The embedded server is `dedicated` to the mirror, as another may be.

    On the embedded server the same holds of the loader. Wherever its password is set, Dagster's database becomes its own.
    Raises `PostgresError`.
    """
    url = resources.owner_url(settings, resources.MIRROR_DATABASE)
    is_embedded = resources.embedded_server(settings) is not None
    password = reader_password or resources.password_in(settings.home / PASSWORD_FILE)
    if password is None and (is_embedded or not may_log_in(url, READER)):
        password = secrets.token_urlsafe(24)
    if password:
        _keep_password(settings, PASSWORD_FILE, password)  # first: one that only the server knows is lost
    if is_embedded:
        known = resources.password_in(settings.home / resources.LOADER_PASSWORD_FILE)
        loader_password = loader_password or known or secrets.token_urlsafe(24)
        _keep_password(settings, resources.LOADER_PASSWORD_FILE, loader_password)
    initialise_roles(
        url, loader_password=loader_password, reader_password=password, limits=resources.reader_limits(settings),
        dedicated=dedicated or is_embedded,
    )  # fmt: skip
    if loader_password:
        hand_over_database(resources.owner_url(settings, resources.DAGSTER_DATABASE))


def is_initialised(settings: Settings) -> bool:
    """Return whether the embedded server has the loader, and its password is known here. Raises `PostgresError`."""
    known = resources.password_in(settings.home / resources.LOADER_PASSWORD_FILE)
    return bool(known) and may_log_in(resources.owner_url(settings, resources.MIRROR_DATABASE), LOADER)


def set_reader_right(settings: Settings) -> str:
    """Undo what somebody has changed of the reader's role on the embedded server; return a sentence about it, or "".

    Raises `PostgresError`.
    """
    password = resources.password_in(settings.home / PASSWORD_FILE)
    url = resources.owner_url(settings, resources.MIRROR_DATABASE)
    changed = reader_role.set_right(url, READER, resources.reader_limits(settings), password)
    return f"{_changed(changed)} It is set right again." if changed else ""


def reader_fault(settings: Settings, url: str) -> str:
    """Return what is wrong with the reader's role on the server of `url`, in a sentence with the remedy; "" for nothing.

    Raises `PostgresError` where nobody gets in by `url`.
    """
    with connect(url) as connection:
        changed = reader_role.changes(connection, READER, resources.reader_limits(settings), None)
    remedy = " `eurostat-assets db init` sets it right."
    if changed:
        return _changed(changed) + remedy
    if resources.password_in(settings.home / PASSWORD_FILE) is None:
        return ""
    try:
        must_answer(reader_url(settings), CONNECT_SECONDS)
    except DatabaseUnavailable as error:
        return f"{READER} cannot log in: {error}. If its password was changed,{remedy}"
    return ""


class ReaderWatch:
    """Looks after the reader's role on the embedded server once a minute, and says what somebody had changed of it."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._tell = tell
        self._next = time.monotonic() + SECONDS_BETWEEN_LOOKS

    def look(self) -> None:
        """Set the role right, where it is time to look. A server that is away has others who look after it."""
        if time.monotonic() < self._next:
            return
        with suppress(PostgresError):
            if sentence := set_reader_right(self._settings):
                self._tell(sentence)
        self._next = time.monotonic() + SECONDS_BETWEEN_LOOKS


def _changed(what: list[str]) -> str:
    return (
        f"The role {READER} is not as the settings say: {', '.join(what)}. Whoever has its password can change it:"
        f" where people have roles of their own (GRANT {READER} TO …), nobody does so to others."
    )


def reader_url(settings: Settings) -> str:
    """Return the libpq URL with which people and their tools read the mirror: every table, no writing.

    On the embedded server the reader is made on first use. Raises `ReaderUnknown`, `PostgresError`.
    """
    if resources.password_in(settings.home / PASSWORD_FILE) is None and resources.embedded_server(settings):
        initialise(settings)
    password = resources.password_in(settings.home / PASSWORD_FILE)
    if password is None:
        raise ReaderUnknown(
            f"The password of the role {READER} is not known here. `eurostat-assets db init` makes the role; when it exists "
            "already, `db init --reader-password-file FILE` sets its password. `db url --admin` prints the owner's address."
        )
    parts = urlsplit(resources.owner_url(settings, resources.MIRROR_DATABASE))
    place = parts.netloc.rpartition("@")[2]
    options = [pair for pair in parse_qsl(parts.query) if pair[0] not in ("user", "password", "passfile")]
    return urlunsplit(
        parts._replace(netloc=f"{READER}:{quote(password, safe='')}@{place}", query=urlencode(options))
    )


def _keep_password(settings: Settings, name: str, password: str) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    with open_for_owner(settings.home / name, 0o600) as opened:
        opened.write(password)


def psql() -> Path | None:
    """Return the program psql: the one that comes with the embedded server, else one in PATH, else None."""
    import shutil

    from eurostat_assets.postgres.cluster import bundled_program

    found = bundled_program("psql") or shutil.which("psql")
    return Path(found) if found else None
