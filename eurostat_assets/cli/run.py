"""`eurostat-assets up|down`: the platform on the real Eurostat, started, followed and stopped."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eurostat_assets.cli.progress import count_bar
from eurostat_assets.cli.terminal import console, shown

if TYPE_CHECKING:
    from eurostat_assets.firstload import FirstLoad
    from eurostat_assets.launcher import Platform, Tell

RETRY_SECONDS = 60


Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Port of the Dagster UI on loopback.", show_default="3000"),
]


ReadOnly = Annotated[
    bool,
    typer.Option("--read-only", help="The UI shows everything and changes nothing, as Dagster's has it."),
]


def up(port: Port = None, read_only: ReadOnly = False) -> None:
    """The mirror of the real Eurostat: database, Dagster UI and daemon, first load of what is missing; until Ctrl-C."""
    from eurostat_assets import launcher, settings
    from eurostat_assets.firstload import FirstLoad

    began = time.monotonic()
    tell = teller(began)
    make_read_only(read_only)
    loaded = settings.load()
    if (loaded.home / settings.SOURCE_FILE).exists():
        raise launcher.LauncherError(
            f"EUROSTAT_HOME={loaded.home} is a demo's, with invented data: `eurostat-assets demo` starts it. "
            "Choose another EUROSTAT_HOME for the real Eurostat, or none, in the environment and in .env."
        )
    tell("Starting PostgreSQL and Dagster …")
    with launcher.running(loaded, port=port, tell=tell) as platform:
        step(began, f"The Dagster UI is at [bold]{platform.ui}[/]")
        load = FirstLoad(platform, tell)
        _await_source(load, platform)
        first_sweep(load, platform)
        follow(load, began)
        stay(platform)


def make_read_only(asked: bool) -> None:
    """Set the setting for this process and those that it starts, where the option asks for it."""
    if asked:
        os.environ["EUROSTAT_WEB_READ_ONLY"] = "true"


def down() -> None:
    """Stop what `up` or `demo` left running, in EUROSTAT_HOME and in the demo's home: launcher, Dagster, database."""
    from pydantic import SecretStr

    from eurostat_assets import launcher, settings

    own = settings.load()
    demo = settings.Settings(home=Path(".eurostat/demo"), database_url=SecretStr(""))
    mirrors = [own] if own.home == demo.home else [own, demo]
    stopped = [(", ".join(names), mirror.home) for mirror in mirrors if (names := launcher.stop(mirror))]
    for names, home in stopped:
        console.print(f"Stopped in {shown(str(home))}: {names}.", soft_wrap=True, highlight=False)
    if not stopped:
        console.print("Nothing was running.")


def first_sweep(load: FirstLoad, platform: Platform, tries: int | None = None) -> None:
    """Run the first sweep until one succeeds. Raises `SweepFailed` after so many `tries`; None: never."""
    from eurostat_assets.firstload import SweepFailed

    for attempt in count(1):
        try:
            load.sweep()
            return
        except SweepFailed as error:
            if attempt == tries:
                raise
            _say_next_try(platform, str(error))


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
        console.print(f"[red]{shown(problem)}[/]", soft_wrap=True)
    step(began, f"{len(seen.published)} datasets published, {seen.rows:,} rows; {len(seen.failed)} failed")
    return len(seen.failed)


def step(began: float, what: str) -> None:
    """Say that something was reached, and when."""
    console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {what}", highlight=False, soft_wrap=True)


def teller(began: float) -> Tell:
    """Return a function that shows a sentence about the platform, with its time."""
    return lambda sentence: step(began, shown(sentence))


def stay(platform: Platform) -> None:
    """Keep the platform up until Ctrl-C."""
    console.print("Ctrl-C stops everything; the data stay.")
    _wait(platform, float("inf"))


def _await_source(load: FirstLoad, platform: Platform) -> None:
    from eurostat_assets.eurostat import EurostatError

    while True:
        try:
            return load.check_source()
        except EurostatError as error:
            _say_next_try(platform, str(error))


def _say_next_try(platform: Platform, problem: str) -> None:
    console.print(f"[yellow]{shown(problem)}[/]", soft_wrap=True)
    console.print(f"The UI stays up at {platform.ui}; next try in {RETRY_SECONDS} s.")
    _wait(platform, RETRY_SECONDS)


def _wait(platform: Platform, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        platform.check()
        time.sleep(0.5)
