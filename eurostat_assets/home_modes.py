"""Who may look into a home: its owner and the owner's group, nobody else, whatever the umask was.

Folders are 0750 and files 0640; what holds a password is 0600 where it is written. Here belongs closing a home. As root,
PostgreSQL runs as another user, who reaches its data through the home's group.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from eurostat_assets.postgres.errors import EmbeddedServerError
from eurostat_assets.postgres.unprivileged import server_user

FOR_NOBODY_ELSE = 0o027
"""The permissions that are taken away: writing by the group, everything by others."""


def close(home: Path, server: Path | None) -> None:
    """Make the home, or close one that is open, and let this process and its children make nothing that others may read.

    `server`: the folder of the embedded server, which its user has to reach. A home that is closed is not searched again:
    nobody else gets into it, whatever lies there. Raises nothing for a home that cannot be made: what needs it says so.
    """
    os.umask(FOR_NOBODY_ELSE)
    try:
        home.mkdir(parents=True, exist_ok=True)
        if server:
            server.mkdir(exist_ok=True)
    except OSError:
        return
    if server:
        _let_in(home, server)
    if home.stat().st_mode & FOR_NOBODY_ELSE:
        for path in _all(home, without=server and server / "data"):
            mode = path.stat().st_mode
            if mode & FOR_NOBODY_ELSE:
                with suppress(PermissionError):  # another user's, who looks after it himself
                    path.chmod(mode & 0o7777 & ~FOR_NOBODY_ELSE)


def _let_in(home: Path, server: Path) -> None:
    """Let the server's user pass through both folders, where it is another one than ours."""
    with suppress(EmbeddedServerError):  # the server says so itself when it is started
        user = server_user(server)
        if user.gid is not None and user.uid != home.stat().st_uid:
            for folder in (home, server):
                os.chown(folder, -1, user.gid)


def _all(home: Path, without: Path | None) -> Iterator[Path]:
    """The home and everything in it but links and PostgreSQL's own data, which PostgreSQL closes; the home comes last."""
    for folder, folders, files in os.walk(home):
        folders[:] = [name for name in folders if Path(folder, name) != without]
        yield from (path for name in (*folders, *files) if not (path := Path(folder, name)).is_symlink())
    yield home
