"""`eurostat-assets load-parquet`: the loading engine for any folder of Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eurostat_assets.cli.terminal import say


def load_parquet(
    paths: Annotated[list[Path], typer.Argument(help="Parquet files, or folders of them.", exists=True)],
    table: Annotated[str, typer.Option(help="The table to load into: schema.name.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Its present rows go when the new ones are there.")
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add; files that are in it already are left out.")
    ] = False,
    scope: Annotated[
        str | None,
        typer.Option(
            help='Replace these rows: "day = 2024-05-01" or "day >= 2024-05-01 AND day < 2024-06-01". '
            "A day of a column of moments is the whole day, in UTC."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that load at the same time.")] = 2,
) -> None:
    """Load Parquet files of one schema into one table, by COPY, in bounded memory; all of them or none.

    A file of another schema is refused by name before anything is loaded, and
    a row outside the scope before anything is deleted. With --append, a file
    that has changed replaces its own rows, and what is recorded of the files
    is compared with the rows that are there. The exact count is printed.
    """
    from eurostat_assets import launcher, resources, room, settings
    from eurostat_assets.cli.progress import count_bar
    from eurostat_assets.postgres import bulk
    from eurostat_assets.postgres.errors import MalformedScope
    from eurostat_assets.postgres.scope import Scope

    if replace + append + (scope is not None) > 1:
        raise typer.BadParameter("choose one of --replace, --append and --scope")
    mode = "replace" if replace else "append" if append else "create" if scope is None else "scope"
    try:
        if scope is not None:
            Scope.parse(scope)  # before a server is started for it
        config = settings.load()
        launcher.start_databases(config)
        url = resources.database_url(config, resources.MIRROR_DATABASE)
        with count_bar("Loading rows", 0) as report:
            done = bulk.load_parquet(
                url, paths, table, mode=mode, scope=scope, jobs=jobs,
                on_progress=lambda rows, total: report(rows, "", total), patience=resources.patience(config),
                room=room.for_tables(config),
            )  # fmt: skip
    except MalformedScope as error:
        raise typer.BadParameter(str(error), param_hint="--scope") from error
    say(f"{done}.")
