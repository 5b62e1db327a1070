"""The demo, run where people are: `python3 -m eurostat_assets_tests.places [--list] [NAME …]` prints a table.

Each place is a fresh clone of this checkout's last commit, installed there and run as a person would. Needs git, make and
Python 3.11 only; takes one to three minutes a place. A place that this machine cannot offer is skipped, with the reason.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEAD_PROXY = "http://127.0.0.1:9"
PATIENCE = 1500
ACCOUNT = "eurostat-places"


class CannotBeTried(Exception):
    """This machine does not offer the place."""


@dataclass(frozen=True)
class Place:
    """One set of circumstances; the defaults are an open folder, the caller's account and environment."""

    name: str
    meaning: str
    folder: str = "checkout"
    closed: bool = False
    account: bool = False
    how: str = "make"
    python: str = ""
    umask: int = 0o022
    environment: dict[str, str | None] = field(default_factory=dict)
    port: int | None = None
    offline: bool = False


def variables(*names: str, value: str | None) -> dict[str, str | None]:
    return dict.fromkeys(names, value)


PROXY = {
    **variables("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", value=DEAD_PROXY),
    **variables("http_proxy", "https_proxy", "all_proxy", value=DEAD_PROXY),
    **variables("NO_PROXY", "no_proxy", value="intranet.example"),
}
CHARACTERS = "Données de santé, größe 健康"
PLACES = (
    Place("closed", "the caller (root, mostly) in a folder of mode 700 below one of mode 700", closed=True),
    Place(
        "proxy",
        "HTTP_PROXY, HTTPS_PROXY and ALL_PROXY name a dead address, NO_PROXY another host",
        environment=PROXY,
    ),
    Place("uvx", "`uvx --from . eurostat-assets` in an empty folder, from uv's cache", how="uvx"),
    Place(
        "pip",
        "`pip install .` into an environment in a closed folder, run in an empty one",
        how="pip",
        closed=True,
    ),
    Place("account", "a user whose home has mode 700", account=True),
    Place("characters", "blanks and letters beyond ASCII in the path", folder=CHARACTERS),
    Place("c-locale", "LANG=C, LC_ALL=C", environment={"LANG": "C", "LC_ALL": "C"}),
    Place("apia", "TZ=Pacific/Apia", environment={"TZ": "Pacific/Apia"}),
    Place("kathmandu", "TZ=Asia/Kathmandu", environment={"TZ": "Asia/Kathmandu"}),
    Place("no-home", "no HOME", environment={"HOME": None}),
    Place("umask", "umask 077, at the installation as well", umask=0o077),
    Place("port", "port 3000 is taken", port=3000),
    Place(
        "together",
        "closed folder, characters, C locale, Apia, no HOME, umask 077, dead proxy",
        folder=CHARACTERS,
        closed=True,
        umask=0o077,
        environment={**PROXY, "LANG": "C", "LC_ALL": "C", "TZ": "Pacific/Apia", "HOME": None},
    ),
    Place("offline", "no network but loopback once it is installed", offline=True),
    *(Place(f"python{v}", f"Python {v}", python=v) for v in ("3.11", "3.12", "3.13", "3.14")),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="places to try; all by default")
    parser.add_argument("--list", action="store_true", help="list the places and exit")
    arguments = parser.parse_args()
    known = {place.name: place for place in PLACES}
    if unknown := set(arguments.names) - set(known):
        parser.error(f"no such place: {', '.join(sorted(unknown))}")
    if arguments.list:
        print("\n".join(f"{place.name:12} {place.meaning}" for place in PLACES))
        return 0
    results = []
    for name in arguments.names or known:
        results.append((name, *attempt(known[name])))
        print(f"{name:12} {results[-1][1]:8} {results[-1][2]}", flush=True)
    failed = [name for name, outcome, _ in results if outcome == "FAILED"]
    print(f"{len(results) - len(failed)} places well or skipped, {len(failed)} failed")
    return 1 if failed else 0


def attempt(place: Place) -> tuple[str, str]:
    """Return what came of it ("ok", "skipped", "FAILED") and a note."""
    base = Path(tempfile.mkdtemp(prefix="eurostat-places-"))
    try:
        with taken(place.port):
            return "ok", demo_in(place, base)
    except CannotBeTried as reason:
        return "skipped", str(reason)
    except (subprocess.SubprocessError, AssertionError, OSError) as error:
        return "FAILED", f"{error}; see {base}"
    finally:
        if sys.exc_info()[0] is None and not (base / "failed").exists():
            shutil.rmtree(base, ignore_errors=True)


def demo_in(place: Place, base: Path) -> str:
    """Install and run the demo in `place`, in folders below `base`. Raises AssertionError with the end of its output."""
    inner = base / "inner"
    inner.mkdir(mode=0o700)
    if not place.closed:
        base.chmod(0o755)
        inner.chmod(0o755)
    runner = Runner(place, inner, base / "output.log")
    with runner.account() as within:
        checkout = within / place.folder
        subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", checkout], check=True, umask=place.umask)
        runner.give(checkout)
        began = time.monotonic()
        command, folder = installed(place, runner, checkout, within)
        between = time.monotonic()
        said = runner.run([*offline(place), *command], folder, place.environment)
        ended = time.monotonic()
    if not re.search(r"\b14 datasets published\b.*\b0 failed", said) or "came through the feed" not in said:
        (base / "failed").touch()
        raise AssertionError(f"the demo did not say that all went well: {said[-600:]}")
    return f"installed in {between - began:.0f} s, demo in {ended - between:.0f} s"


def installed(place: Place, runner: Runner, checkout: Path, within: Path) -> tuple[list[str], Path]:
    """Install, and return the command that runs the demo and the folder to run it in."""
    empty = within / "empty"
    if place.how == "make":
        runner.run(["make", ".venv/runs", f"PYTHON={runner.python}"], checkout)
        return ["make", "demo", "ARGS=--exit"], checkout
    runner.run(["mkdir", str(empty)], within)
    if place.how == "uvx":
        tool = [uv(), "tool", "run", "--from", str(checkout), "eurostat-assets"]
        assert "eurostat-assets" in runner.run([*tool, "--version"], empty)
        return [*tool, "demo", "--exit"], empty
    runner.run([runner.python, "-m", "venv", str(within / "venv")], within)
    runner.run([str(within / "venv/bin/pip"), "install", "--quiet", str(checkout)], within)
    return [str(within / "venv/bin/eurostat-assets"), "demo", "--exit"], empty


class Runner:
    """Runs commands as the place's user, with its umask; output goes to a log and is returned."""

    def __init__(self, place: Place, inner: Path, log: Path) -> None:
        self._place = place
        self._inner = inner
        self._log = log
        self._user: str | None = None
        self.python = interpreter(place)
        # An empty folder of programs first: uv for `make`, which would install its own otherwise.
        programs = inner.parent / "bin"
        programs.mkdir(mode=0o755)
        programs.chmod(0o755)
        shutil.copy2(uv(), programs / "uv")
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EUROSTAT_", "DAGSTER_"))
        }
        self._environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "UV_PYTHON": self.python}
        if place.port is None:
            self._environment["EUROSTAT_WEBSERVER_PORT"] = str(free_port())
        self._environment.pop(
            "PYTHONDONTWRITEBYTECODE", None
        )  # compiling beforehand takes longer than the demo
        self._environment.pop("VIRTUAL_ENV", None)

    @contextlib.contextmanager
    def account(self) -> Iterator[Path]:
        """Within the block commands run as the place's user, made for it if need be; yields the folder to work in."""
        if not self._place.account:
            yield self._inner
            return
        if os.geteuid() != 0 or not shutil.which("useradd"):
            raise CannotBeTried("only root can make a user")
        home = self._inner / "home"
        subprocess.run(
            ["useradd", "--create-home", "--home-dir", home, ACCOUNT], check=True, capture_output=True
        )
        try:
            home.chmod(0o700)
            self._user = ACCOUNT
            self._environment |= {"HOME": str(home), "USER": ACCOUNT}
            yield home
        finally:
            subprocess.run(["userdel", ACCOUNT], check=False, capture_output=True)

    def give(self, folder: Path) -> None:
        """Hand a folder over to the place's user."""
        if self._user:
            subprocess.run(["chown", "-R", f"{self._user}:", folder], check=True)

    def run(self, command: list[str], folder: Path, environment: dict[str, str | None] | None = None) -> str:
        """Run one command. Raises AssertionError with the end of its output where it fails."""
        merged = {**self._environment, **(environment or {})}
        done = subprocess.run(
            command,
            cwd=folder,
            env={name: value for name, value in merged.items() if value is not None},
            umask=self._place.umask,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
        )
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}\n")
        if done.returncode:
            (self._log.parent / "failed").touch()
            raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stdout[-600:]}")
        return done.stdout


def interpreter(place: Place) -> str:
    """Return the place's Python: one that the place's account can reach, of the version asked for."""
    if place.account:
        candidates = ["/usr/bin/python3", *(f"/usr/bin/python3.{minor}" for minor in (14, 13, 12, 11))]
    elif place.python:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        candidates = [f"python{place.python}", *map(str, pyenv.glob(f"{place.python}.*/bin/python"))]
    else:
        return sys.executable if not in_environment() else str(Path(sys.base_prefix) / "bin" / "python3")
    for candidate in candidates:
        found = shutil.which(candidate)
        if not found:
            continue
        asked = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        version = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.strip()
        if version == place.python or (not place.python and version not in ("", "3.9", "3.10")):
            return found
    raise CannotBeTried(f"no Python {place.python or '3.11 or later'} that could be used here")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def in_environment() -> bool:
    return sys.prefix != sys.base_prefix


def uv() -> str:
    found = shutil.which("uv") or ROOT / ".uv" / "bin" / "uv"
    if not Path(found).exists():
        raise CannotBeTried("no uv; `make install` brings one")
    return str(found)


def offline(place: Place) -> list[str]:
    """Return the words before a command that leave it nothing but loopback."""
    if not place.offline:
        return []
    up = "import fcntl, socket, struct; s = socket.socket(); fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))"
    words = ["unshare", "--net", "sh", "-c", f'"{sys.executable}" -c "{up}" && exec "$@"', "sh"]
    if subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        raise CannotBeTried("no network namespace can be made here (unshare --net)")
    return words


@contextlib.contextmanager
def taken(port: int | None) -> Iterator[None]:
    """Hold a port, unless somebody does already."""
    with socket.socket() as holder:
        if port is not None:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                holder.bind(("127.0.0.1", port))
                holder.listen()
        yield


if __name__ == "__main__":
    sys.exit(main())
