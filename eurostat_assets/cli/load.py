"""`eurostat-assets load-parquet`: the loading engine for any folder of Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import print as say


def load_parquet(
    paths: Annotated[list[Path], typer.Argument(help="Parquet files, or folders of them.", exists=True)],
    table: Annotated[str, typer.Option(help="The table to load into: schema.name.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Its present rows go when the new ones are there.")
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add; files that are in it already are left out.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that load at the same time.")] = 2,
) -> None:
    """Load Parquet files of one schema into one table, by COPY, in bounded memory; all of them or none.

    A file of another schema is refused by name before anything is loaded. The exact count is printed.
    """
    from eurostat_assets import launcher, resources, settings
    from eurostat_assets.cli.progress import count_bar
    from eurostat_assets.postgres import bulk

    if replace and append:
        raise typer.BadParameter("choose one of --replace and --append")
    knobs = settings.load()
    launcher.start_databases(knobs)
    url = resources.database_url(knobs, resources.MIRROR_DATABASE)
    mode = "replace" if replace else "append" if append else "create"
    with count_bar("Loading rows", 0) as report:
        done = bulk.load_parquet(
            url, paths, table, mode=mode, jobs=jobs, on_progress=lambda rows, total: report(rows, "", total)
        )
    skipped = f", {done.skipped:,} were there already" if done.skipped else ""
    say(f"{done.table}: {done.rows:,} rows from {done.files:,} files in {done.seconds:.1f} s{skipped}.")
