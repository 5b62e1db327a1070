"""`eurostat-assets demo`: the platform on an invented Eurostat, and a walk through what it does."""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from eurostat_assets.cli.result_table import result_tables
from eurostat_assets.cli.run import Port, ReadOnly, first_sweep, follow, make_read_only, stay, step, teller
from eurostat_assets.cli.terminal import console, shown

if TYPE_CHECKING:
    from eurostat_assets.firstload import FirstLoad
    from eurostat_assets.launcher import Platform
    from eurostat_assets.sandbox import Running
    from eurostat_assets.settings import Settings

HOME = Path(".eurostat/demo")
POLL_INTERVAL = 5
REQUEST_INTERVAL = 2
PATIENCE = 600  # seconds for a release to come through the feed; half a minute is usual


Exit = Annotated[
    bool, typer.Option("--exit", help="Leave with code 0 once everything was seen, instead of staying up.")
]


def demo(leave: Exit = False, port: Port = None, read_only: ReadOnly = False) -> None:
    """A working mirror of an invented Eurostat: first load, an update that comes through the feed, a query, the UI."""
    from eurostat_assets import home_modes, launcher, process_tree, sandbox
    from eurostat_assets.firstload import FirstLoad
    from eurostat_assets.settings import Settings

    began = time.monotonic()
    tell = teller(began)
    make_read_only(read_only)
    home = _home()
    # Before the sandbox: a second one would take the place of the running demo's.
    launcher.check_free(Settings(home=home), port)
    home_modes.close(home, None)  # before the first file is in it
    marked = process_tree.mark(home, "sandbox")
    with sandbox.running(folder=home / "sandbox", profile="demo", environment=marked) as source:
        settings = _settings(home, source.api_url)
        step(
            began,
            f"An [bold]invented[/] Eurostat answers at {source.api_url}; starting PostgreSQL and Dagster …",
        )
        with launcher.running(settings, port=port, tell=tell) as platform:
            step(began, f"The Dagster UI is at [bold]{platform.ui}[/]")
            load = FirstLoad(platform, tell)
            if there := load.published():
                step(began, f"{len(there)} tables are published already")
            first_sweep(load, platform, tries=3)
            failed = follow(load, began)
            if failed:
                raise launcher.LauncherError(
                    f"Step 'first load': {failed} datasets failed; see {platform.ui}/runs."
                )
            code = _see_a_release(platform, load, source, began)
            _show(settings, code)
            if leave:
                console.print(
                    "\nAll of it was seen. The data stay; [bold]demo[/] without --exit keeps the UI up."
                )
                return
            console.print(
                f"\nOpen [bold]{platform.ui}[/] → Lineage, or Catalog → published_table → Partitions.\n"
                f"SQL: [bold]EUROSTAT_HOME={shown(quote(_relative(home)))} {shown(_program())} db shell[/]",
                soft_wrap=True,
                highlight=False,
            )
            stay(platform)


def _home() -> Path:
    """The demo's home: EUROSTAT_HOME of the environment, else `.eurostat/demo`.

    Not the one in `.env`, which is the mirror's. Raises `LauncherError` for a home that the demo did not make.
    """
    from eurostat_assets.launcher import LauncherError
    from eurostat_assets.settings import SOURCE_FILE, Settings

    home = Settings(home=Path(os.environ.get("EUROSTAT_HOME") or HOME)).home
    filled = any((home / name).exists() for name in ("postgres", "store"))
    if filled and not (home / SOURCE_FILE).exists():
        raise LauncherError(
            f"EUROSTAT_HOME={home} holds a mirror that is not the demo's. Invented data never mix with real ones: "
            "choose another EUROSTAT_HOME for the demo, or none."
        )
    return home


def _settings(home: Path, api_url: str) -> Settings:
    """The demo's settings: put into the environment, where the code servers and runs of the platform find them."""
    from eurostat_assets import settings

    own = {
        "home": str(home),
        "api_url": api_url,
        "poll_interval": str(POLL_INTERVAL),
        "request_interval": str(REQUEST_INTERVAL),
        "database_url": "",
        "store_url": "",
    }
    before = settings.Settings()
    os.environ |= {f"EUROSTAT_{name.upper()}": value for name, value in own.items()}
    loaded = settings.load()
    ignored = [
        name
        for name in own
        if name in before.model_fields_set and getattr(before, name) != getattr(loaded, name)
    ]
    if ignored:
        names = ", ".join(f"EUROSTAT_{name.upper()}" for name in ignored)
        console.print(
            f"[yellow]The demo has its own {names}; yours, from the environment or .env, is not used.[/]"
        )
    settings.remember_source(loaded)
    return loaded


def _relative(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _program() -> str:
    """How this command line is called from here."""
    program = Path(sys.argv[0])
    return quote(_relative(program.absolute())) if program.exists() else "eurostat-assets"


def _see_a_release(platform: Platform, load: FirstLoad, source: Running, began: float) -> str:
    """Let the invented Eurostat publish a release and wait until the sensor has brought it; returns the dataset's code."""
    from eurostat_assets import launcher

    states = {code: state for code, state in load.states().items() if state.release}
    code = min(
        (code for code in states if (states[code].rows or 0) > 1000), key=lambda code: states[code].rows or 0
    )
    source.release(code)
    console.print(
        f"The invented Eurostat has published a new release of {code}; waiting for the RSS sensor …"
    )
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        platform.check()
        now = load.states()[code]
        if now.release != states[code].release:
            step(
                began,
                f"{code}: release {now.release} came through the feed and is published, {now.rows:,} rows",
            )
            return code
        time.sleep(0.5)
    raise launcher.LauncherError(
        f"Step 'release through the feed': {code} was not published within {PATIENCE} s; see the sensor "
        f"eurostat_releases at {platform.ui}."
    )


def _show(settings: Settings, code: str) -> None:
    """Print what is in PostgreSQL now, and some rows of one table, as a reader sees them."""
    from psycopg2 import sql

    from eurostat_assets import access
    from eurostat_assets.postgres.connection import open_session

    table = sql.Identifier("eurostat", code.lower())
    queries = {
        "eurostat.datasets": sql.SQL(
            "SELECT dataset, rows, data_updated::date AS data, title FROM eurostat.datasets ORDER BY dataset"
        ),
        f"eurostat.{code.lower()}": sql.SQL("SELECT * FROM {} WHERE obs_value IS NOT NULL LIMIT 5").format(
            table
        ),
    }
    with closing(open_session(access.reader_url(settings))) as connection, connection.cursor() as cursor:
        for title, query in queries.items():
            cursor.execute(query)
            columns = [column.name for column in cursor.description or ()]
            for part in result_tables(title, columns, cursor.fetchall(), width=console.width, cut="title"):
                console.print()
                console.print(part)
