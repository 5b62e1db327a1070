"""Who runs the embedded server: we ourselves, or another user where we are root.

PostgreSQL refuses to run as root. As a normal user nothing here does anything; as root (containers, CI) the
server runs as another user, who must own the data folder and be able to reach it and the server's programs (for those
in closed folders see elsewhere.py).
"""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from eurostat_assets.postgres.errors import EmbeddedServerError


@dataclass(frozen=True)
class ServerUser:
    """The account that runs the server; `uid` None means the one we are."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def run(self, command: Sequence[str | Path], said: str = "") -> "subprocess.CompletedProcess[str]":
        """Run `command` as this user, from `/` (our own working directory may be closed to them); `said` is its input.

        Output goes to a file and not to a pipe: the server inherits it and would keep a pipe open.
        Raises PermissionError where the user cannot reach the program.
        """
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as given:
            given.write(said)
            given.seek(0)
            done = subprocess.run(
                [str(word) for word in command],
                cwd="/", env=environment, stdin=given, stdout=output, stderr=subprocess.STDOUT,
                user=self.uid, group=self.gid, extra_groups=None if self.uid is None else [],
            )  # fmt: skip
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read(), "")

    def own(self, path: Path) -> None:
        """Hand `path` over to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, folder: Path) -> bool:
        """Whether this user can traverse `folder` and everything above it, as the kernel sees it."""
        return self.uid is None or self.run(["test", "-x", folder]).returncode == 0


def server_user(folder: Path) -> ServerUser:
    """Who runs a server with data under `folder`: we ourselves, or its owner, postgres or nobody for root."""
    if os.geteuid() != 0:
        return ServerUser(pwd.getpwuid(os.geteuid()).pw_name)
    owner = folder.stat().st_uid
    accounts = {entry.pw_uid: entry for entry in pwd.getpwall()}
    by_name = {entry.pw_name: entry for entry in accounts.values()}
    for entry in (accounts.get(owner), by_name.get("postgres"), by_name.get("nobody")):
        if entry and entry.pw_uid != 0:
            return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL refuses to run as root and there is no user 'postgres' or 'nobody' to run it as: "
        "create one (useradd --system postgres) or run this as a normal user"
    )


def open_for_owner(file: Path, permissions: int = 0o640) -> IO[str]:
    """Open a file anew for writing, the owner of its folder's where we are root, who may come without root next time.

    Never what a link of that name leads to: as root, that would give the owner of the folder any file of the machine.
    Raises OSError, with ELOOP for a link.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, permissions)
    try:
        os.fchmod(descriptor, permissions)
        if os.geteuid() == 0:
            owner = file.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return os.fdopen(descriptor, "w", encoding="utf-8")
    except BaseException:
        os.close(descriptor)
        raise


def give_to_owner(file: Path, folder: Path) -> None:
    """What root makes in somebody's folder is that somebody's; a link itself, and not what it leads to."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid, follow_symlinks=False)
