"""`eurostat-assets convert`: the reader by hand, for any JSON-stat file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eurostat_assets.cli.terminal import complaint, console, shown


def convert(
    source: Annotated[
        Path, typer.Argument(help="FILE.json, FILE.json.gz or FILE.json.zst", exists=True, dir_okay=False)
    ],
    target: Annotated[Path, typer.Argument(help="OUT.parquet")],
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Which one, of a file with several: its name in a bundle, its position in a collection."
        ),
    ] = None,
) -> None:
    """Convert one JSON-stat file to Parquet, in bounded memory. No file is left behind if it fails."""
    from eurostat_assets.cli.progress import bytes_bar
    from eurostat_assets.jsonstat import JsonStatError, write_parquet

    try:
        with bytes_bar(source.name) as report:
            parquet = write_parquet(source, target, dataset=dataset, on_progress=report)
    except JsonStatError as error:
        complaint.print(f"[red]{shown(f'{source}: {error}')}[/]", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from None
    console.print(
        f"{target}: {parquet.rows:,} rows, {parquet.bytes / 1e6:,.3g} MB, {parquet.header.title or 'without a title'}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
