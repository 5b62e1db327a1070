"""`eurostat-assets sandbox …`: a Eurostat of one's own, with invented datasets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich import print as say

from eurostat_assets import settings

app = typer.Typer(
    help="A local Eurostat with invented datasets, for trying and testing.", no_args_is_help=True
)


class What(StrEnum):
    """What a release changes."""

    DATA = "data"
    STRUCTURE = "structure"
    BOTH = "both"


Address = Annotated[str, typer.Option("--url", help="Where the sandbox answers.")]


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on loopback.")] = 8765,
    folder: Annotated[Path | None, typer.Option(help="Where its releases are remembered.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Which datasets: demo, tests or full (490 datasets).")
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option(help="Serve the recorded JSON files of this folder as well.")
    ] = None,
) -> None:
    """Serve until Ctrl-C. Point EUROSTAT_API_URL at the address it prints."""
    from eurostat_assets import sandbox

    where = folder or settings.load().home.parent / "sandbox"
    sandbox.serve(
        port=port,
        folder=where,
        profile=profile,
        recorded=recorded,
        on_ready=lambda url: say(f"EUROSTAT_API_URL={url}{sandbox.API_PATH}"),
    )


@app.command()
def release(
    codes: Annotated[list[str], typer.Argument(help="Dataset codes.")],
    url: Address = "http://127.0.0.1:8765",
    what: Annotated[What, typer.Option(help="Which dates move.")] = What.DATA,
) -> None:
    """Publish a new release of datasets: new dates, some changed cells, new items in the RSS feed."""
    from eurostat_assets import sandbox

    for code, edition in sandbox.connect(url).release(*codes, what=what.value).items():
        say(f"{code}: data of {edition['update_data']}, structure of {edition['update_structure']}")
