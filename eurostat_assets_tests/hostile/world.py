"""The mirror under attack: its databases and its daemon, which can be killed, kept down and started again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from eurostat_assets import launcher, postgres, resources
from eurostat_assets.settings import Settings


@dataclass
class World:
    """A mirror without its web page. `home` is its folder, `settings` what its processes find in their environment."""

    settings: Settings
    deaths: int = 0
    _daemon: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def database(self) -> str:
        return resources.Mirror(self.settings).database

    def states(self) -> dict[str, postgres.DatasetState]:
        return postgres.states(self.database)

    def accept_what_is_only_unlikely(self) -> set[str]:
        """Be the person who knows that a dataset really lost half of its rows: the source restructures without mercy."""
        accepted = set()
        for code, state in self.states().items():
            failed = (
                [one for one in postgres.latest_checks(self.database, code) if not one.passed]
                if state.error
                else []
            )
            blocking = [one for one in failed if one.severity == "block"]
            unlikely = all(one.check.endswith("_plausible") for one in blocking)
            if blocking and unlikely and not postgres.acceptances(self.database, code, blocking[0].release):
                postgres.accept(self.database, code, "restructured at the source", "the hostile month")
                accepted.add(code)
        return accepted

    def start(self) -> None:
        """Start the daemon, which is not running."""
        executable = Path(sys.executable).with_name("dagster-daemon")
        folder = launcher.dagster_home(self.settings)
        with (self.settings.home / "daemon.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [str(executable), "run", "-w", str(folder / "workspace.yaml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, *, family: bool) -> None:
        """Kill -9 the daemon; with its `family` also the code server and every run at work."""
        assert self._daemon is not None
        victims = [psutil.Process(self._daemon.pid)]
        if family:
            victims += victims[0].children(recursive=True)
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        self._daemon.wait()
        self.deaths += 1


@contextmanager
def world(home: Path, api_url: str, **knobs: object) -> Iterator[World]:
    """A mirror in `home` of the Eurostat at `api_url`, with an embedded database; its daemon runs. `knobs`: settings."""
    before = dict(os.environ)
    wanted = {"home": home, "api_url": api_url, "database_url": "", "store_url": "", **knobs}
    os.environ |= {f"EUROSTAT_{name.upper()}": str(value) for name, value in wanted.items()}
    settings = Settings()
    one = World(settings)
    try:
        home.mkdir(parents=True, exist_ok=True)
        launcher.start_databases(settings)
        launcher.prepare_dagster(settings)
        one.start()
        yield one
    finally:
        with suppress(psutil.NoSuchProcess, AssertionError):
            one.kill(family=True)
        for process in psutil.process_iter(["environ"]):
            # Runs whose daemon was killed before them belong to nobody any more.
            if (process.info["environ"] or {}).get("EUROSTAT_HOME") == str(
                home
            ) and process.pid != os.getpid():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        server = resources.embedded_server(settings)
        if server:
            server.stop()
        os.environ.clear()
        os.environ.update(before)
