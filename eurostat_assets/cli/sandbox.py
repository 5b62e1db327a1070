"""`eurostat-assets sandbox …`: a Eurostat of one's own, with invented datasets."""

from __future__ import annotations

import errno
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eurostat_assets.cli.terminal import say

if TYPE_CHECKING:
    from eurostat_assets.sandbox import Running

app = typer.Typer(
    help="A local Eurostat with invented datasets, for trying and testing.", no_args_is_help=True
)


class What(StrEnum):
    """What a release changes."""

    DATA = "data"
    STRUCTURE = "structure"
    BOTH = "both"


Address = Annotated[
    str,
    typer.Option(
        "--url",
        help="Where the sandbox answers; by default, that of EUROSTAT_HOME, of the demo or of `serve` is found.",
        show_default=False,
    ),
]
Codes = Annotated[list[str], typer.Argument(help="Dataset codes.")]


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on loopback.")] = 8765,
    folder: Annotated[Path | None, typer.Option(help="Where its releases are remembered.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Which datasets: demo, tests, small or full (490 datasets).")
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option(help="Serve the recorded JSON files of this folder as well.")
    ] = None,
    scale: Annotated[float, typer.Option(help="Multiplies the cells of the datasets.")] = 1.0,
    faults: Annotated[
        str, typer.Option(help="What goes wrong how often: `async:2=0.2,html=0.05`.", show_default=False)
    ] = "",
    day_seconds: Annotated[
        float | None, typer.Option(help="Release by itself, on a clock whose day lasts so many seconds.")
    ] = None,
) -> None:
    """Serve until Ctrl-C. Point EUROSTAT_API_URL at the address it prints."""
    from eurostat_assets import sandbox, settings

    where = folder or settings.load().home.parent / "sandbox"
    try:
        sandbox.serve(
            port=port,
            folder=where,
            profile=profile,
            recorded=recorded,
            scale=scale,
            faults=faults,
            day_seconds=day_seconds,
            on_ready=lambda url: say(f"EUROSTAT_API_URL={url}{sandbox.API_PATH}"),
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise typer.BadParameter(f"port {port} is taken", param_hint="--port") from error
        raise


@app.command()
def release(
    codes: Codes,
    url: Address = "",
    what: Annotated[What, typer.Option(help="Which dates move.")] = What.DATA,
) -> None:
    """Publish a new release of datasets: new dates, some changed cells, new items in the RSS feed."""
    _say(_connect(url).release(*codes, what=what.value))


@app.command()
def add(codes: Codes, url: Address = "") -> None:
    """Make new datasets appear, or withdrawn ones again."""
    _say(_connect(url).add(*codes))


@app.command()
def withdraw(codes: Codes, url: Address = "") -> None:
    """Make datasets disappear."""
    for code in _connect(url).withdraw(*codes):
        say(f"{code}: withdrawn")


@app.command()
def rename(
    code: Annotated[str, typer.Argument(help="The dataset that goes.")],
    new: Annotated[str, typer.Argument(help="The code under which one comes.")],
    url: Address = "",
) -> None:
    """Withdraw a dataset and add one under another code, as Eurostat renames."""
    _say(_connect(url).rename(code, new))


@app.command()
def restructure(
    code: Annotated[str, typer.Argument(help="Dataset code.")],
    change: Annotated[
        str,
        typer.Argument(
            help="`add deg_urb 3`, `remove sex`, `rename age age18`, `position geo XK` or `reorder geo 7`."
        ),
    ],
    url: Address = "",
) -> None:
    """Change the dimensions of a dataset."""
    _say(_connect(url).restructure(code, change))


@app.command()
def faults(
    text: Annotated[str, typer.Argument(help="`async:2=0.2,html=0.05`; an empty text ends all faults.")],
    url: Address = "",
    dataset: Annotated[list[str] | None, typer.Option(help="Only for this one; repeatable.")] = None,
) -> None:
    """Let things go wrong from now on, instead of those before."""

    _connect(url).set_faults(text, dataset)


@app.command()
def tally(url: Address = "") -> None:
    """Show what was asked of the sandbox and which faults were met."""

    report = _connect(url).tally()
    for name in ("requests", "faults_met"):
        for kind, count in report[name].items():
            say(f"{name.replace('_', ' ')}: {kind} {count}")
    say(f"whole datasets delivered: {sum(report['bodies'].values())}, again: {sum(report['again'].values())}")


@app.command()
def calendar(
    run: Annotated[bool, typer.Option("--resume/--stop", help="Whether time goes on.")],
    url: Address = "",
) -> None:
    """Stop the sandbox's own releases, or let them go on."""
    source = _connect(url)
    state = source.resume_calendar() if run else source.stop_calendar()
    say(f"{'running' if state['running'] else 'stopped'} at {state['now']}")


def _connect(url: str) -> Running:
    """Return the sandbox at `url`; without one, the first of those that run in the usual folders.

    Raises NotReady.
    """
    from eurostat_assets import sandbox, settings

    if url:
        return sandbox.connect(url)
    home = settings.load().home
    folders = (home / "sandbox", home.parent / "sandbox", home.parent / "demo" / "sandbox")
    found = next((folder for folder in folders if (folder / sandbox.ADDRESS_FILE).exists()), None)
    if found is None:
        raise sandbox.NotReady(
            "none runs here: start `eurostat-assets demo` or `eurostat-assets sandbox serve`, or name one with --url"
        )
    return sandbox.connect(found)


def _say(editions: dict[str, dict]) -> None:
    for code, edition in editions.items():
        say(f"{code}: data of {edition['update_data']}, structure of {edition['update_structure']}")
