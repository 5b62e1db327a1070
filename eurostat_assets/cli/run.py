"""`eurostat-assets up|down`: the platform on the real Eurostat, started, followed and stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from eurostat_assets.cli.progress import console, count_bar

if TYPE_CHECKING:
    from eurostat_assets.firstload import FirstLoad
    from eurostat_assets.launcher import Platform

RETRY_SECONDS = 60


def up() -> None:
    """The mirror of the real Eurostat: database, Dagster UI and daemon, first load of what is missing; until Ctrl-C."""
    from eurostat_assets import launcher, settings
    from eurostat_assets.firstload import FirstLoad

    began = time.monotonic()
    with launcher.running(settings.load()) as platform:
        step(began, f"The Dagster UI is at [bold]{platform.ui}[/]")
        load = FirstLoad(platform)
        _await_source(load, platform)
        load.sweep()
        follow(load, began)
        stay(platform)


def down() -> None:
    """Stop what `up` or `demo` left running in this folder: webserver, daemon, database."""
    from eurostat_assets import launcher, settings

    homes = {settings.load().home, Path(".eurostat/demo").absolute()}
    stopped = [
        name for home in homes if home.exists() for name in launcher.stop(settings.Settings(home=home))
    ]
    console.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


def follow(load: FirstLoad, began: float) -> int:
    """Show how what was never published comes in, until everything was tried; returns how many failed."""
    from eurostat_assets.firstload import Seen

    waiting = load.missing()
    if not waiting:
        step(began, "Every dataset of the theme is published already")
        return 0
    seen, first = Seen(), True
    with count_bar("Mirroring", len(waiting)) as report:
        for seen in load.watch(waiting):
            if first and seen.published:
                step(began, f"The first table is published: eurostat.{seen.published[0].lower()}")
                first = False
            report(seen.done, f"{seen.rows:,} rows")
    for problem in seen.failed.values():
        console.print(f"[red]{escape(problem)}[/]", soft_wrap=True)
    step(began, f"{len(seen.published)} datasets published, {seen.rows:,} rows; {len(seen.failed)} failed")
    return len(seen.failed)


def step(began: float, what: str) -> None:
    """Say that something was reached, and when."""
    console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {what}", highlight=False, soft_wrap=True)


def stay(platform: Platform) -> None:
    """Keep the platform up until Ctrl-C; raises `LauncherError` when a process ends by itself."""
    console.print("Ctrl-C stops everything; the data stay.")
    _wait(platform, float("inf"))


def _await_source(load: FirstLoad, platform: Platform) -> None:
    from eurostat_assets.eurostat import EurostatError

    while True:
        try:
            return load.check_source()
        except EurostatError as error:
            console.print(f"[yellow]{escape(str(error))}[/]", soft_wrap=True)
            console.print(f"The UI stays up at {platform.ui}; next try in {RETRY_SECONDS} s.")
            _wait(platform, RETRY_SECONDS)


def _wait(platform: Platform, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        platform.check()
        time.sleep(0.5)
