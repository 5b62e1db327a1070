"""`eurostat-assets demo`: the platform on an invented Eurostat, and a walk through what it does."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from eurostat_assets.cli.progress import console
from eurostat_assets.cli.run import follow, stay, step

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

    from eurostat_assets.settings import Settings

HOME = Path(".eurostat/demo")
POLL_INTERVAL = 5
REQUEST_INTERVAL = 2
PATIENCE = 180  # seconds for a release to come through the feed; the sensor looks every POLL_INTERVAL


Exit = Annotated[
    bool, typer.Option("--exit", help="Leave with code 0 once everything was seen, instead of staying up.")
]


def demo(leave: Exit = False) -> None:
    """A working mirror of an invented Eurostat: first load, an update that comes through the feed, a query, the UI."""
    from eurostat_assets import launcher, sandbox
    from eurostat_assets.firstload import FirstLoad

    began = time.monotonic()
    with sandbox.running(folder=HOME / "sandbox", profile="demo") as source:
        knobs = _settings(source.api_url)
        console.print(
            f"An [bold]invented[/] Eurostat answers at {source.api_url}; starting PostgreSQL and Dagster …"
        )
        with launcher.running(knobs) as platform:
            step(began, f"The Dagster UI is at [bold]{platform.ui}[/]")
            load = FirstLoad(platform)
            if there := load.published():
                step(began, f"{len(there)} tables are published already")
            load.sweep()
            failed = follow(load, began)
            if failed:
                raise launcher.LauncherError(
                    f"Step 'first load': {failed} datasets failed; see {platform.ui}/runs."
                )
            code = _see_a_release(platform, source, began)
            _show(knobs, code)
            console.print(
                f"\nOpen [bold]{platform.ui}[/] → Lineage, or Assets → published_table → Partitions.\n"
                f'SQL: [bold]psql "$(EUROSTAT_HOME={HOME} .venv/bin/eurostat-assets db url)"[/]',
                soft_wrap=True,
                highlight=False,
            )
            if not leave:
                stay(platform)


def _settings(api_url: str) -> Settings:
    """The demo's settings: put into the environment, where the code servers and runs of the platform find them."""
    from eurostat_assets import settings

    os.environ |= {
        "EUROSTAT_HOME": str(HOME.absolute()),
        "EUROSTAT_API_URL": api_url,
        "EUROSTAT_POLL_INTERVAL": str(POLL_INTERVAL),
        "EUROSTAT_REQUEST_INTERVAL": str(REQUEST_INTERVAL),
        "EUROSTAT_DATABASE_URL": "",
        "EUROSTAT_STORE_URL": "",
    }
    knobs = settings.load()
    settings.remember_source(knobs)
    return knobs


def _see_a_release(platform, source, began: float) -> str:
    """Let the invented Eurostat publish a release and wait until the sensor has brought it; returns the dataset's code."""
    from eurostat_assets import launcher, postgres, resources

    database = resources.Mirror(platform.settings).database
    states = {code: state for code, state in postgres.states(database).items() if state.release}
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
        now = postgres.states(database)[code]
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


def _show(knobs: Settings, code: str) -> None:
    """Print what is in Postgres now, and some rows of one table."""
    import psycopg2
    from psycopg2 import sql

    from eurostat_assets import resources

    with psycopg2.connect(resources.Mirror(knobs).database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT dataset, rows, data_updated::date AS data, title FROM eurostat.datasets ORDER BY dataset"
        )
        console.print(_table("eurostat.datasets", cursor))
        table = sql.Identifier("eurostat", code.lower())
        cursor.execute(sql.SQL("SELECT * FROM {} WHERE obs_value IS NOT NULL LIMIT 5").format(table))
        console.print(_table(f"eurostat.{code.lower()}", cursor))
    connection.close()


def _table(title: str, cursor: cursor) -> Table:
    table = Table(title=title, title_justify="left")
    for column in cursor.description or ():
        table.add_column(column.name, no_wrap=True, justify="right" if column.name == "rows" else "left")
    for row in cursor.fetchall():
        cells = ("" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row)
        table.add_row(*cells)
    return table
