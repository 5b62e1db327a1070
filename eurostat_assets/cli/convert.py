"""`eurostat-assets convert`: the reader by hand, for any JSON-stat file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import print as say


def convert(
    source: Annotated[
        Path, typer.Argument(help="FILE.json, FILE.json.gz or FILE.json.zst", exists=True, dir_okay=False)
    ],
    target: Annotated[Path, typer.Argument(help="OUT.parquet")],
) -> None:
    """Convert one JSON-stat file to Parquet, in bounded memory; nothing is left under the target's name if it fails."""
    from eurostat_assets.cli.progress import bytes_bar
    from eurostat_assets.jsonstat import write_parquet

    with bytes_bar(source.name) as report:
        parquet = write_parquet(source, target, on_progress=report)
    say(
        f"{target}: {parquet.rows:,} rows, {parquet.bytes / 1e6:,.1f} MB, {parquet.header.title or 'without a title'}"
    )
