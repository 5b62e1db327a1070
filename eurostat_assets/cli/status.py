"""`eurostat-assets status`: where every dataset stands, those that are not current first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from eurostat_assets.cli.terminal import console, shown

if TYPE_CHECKING:
    from eurostat_assets.postgres import DatasetState, Poll

COLOURS = {
    "failed": "red",
    "stale": "yellow",
    "new": "cyan",
    "withdrawn": "dim",
    "excluded": "dim",
    "current": "green",
}
"""Of the states, in the order in which they are shown."""
DAY, HOUR, MINUTE = 86400, 3600, 60
FEW = 100
"""Datasets that are all shown without being asked for."""
NARROW = 110
"""Columns of a terminal that has no room for when a release was published here."""


def status(
    state: Annotated[
        str, typer.Option(help=f"Only datasets in this state: {', '.join(COLOURS)}.", show_default=False)
    ] = "",
    all_: Annotated[
        bool, typer.Option("--all", help=f"Also the current ones, where there are more than {FEW} datasets.")
    ] = False,
) -> None:
    """Show the state of every dataset, and when Eurostat was last asked for news. What is not current comes first."""
    from eurostat_assets import postgres, resources, settings

    if state and state not in COLOURS:
        raise typer.BadParameter(f"one of {', '.join(COLOURS)}", param_hint="--state")
    database = resources.Mirror(settings.load(), fills=False).database
    datasets = postgres.states(database)
    exceptions = [one for one in datasets.values() if one.state != "current"]
    if state:
        shown = [one for one in datasets.values() if one.state == state]
    else:
        shown = list(datasets.values()) if all_ or len(datasets) <= FEW else exceptions
    if shown:
        console.print(_table(shown))
    elif state:
        console.print(f"No dataset is in the state {state}.")
    counts = Counter(one.state for one in datasets.values())
    console.print(
        ", ".join(f"[{COLOURS[word]}]{counts[word]} {word}[/]" for word in COLOURS if counts[word])
        or "No dataset yet: `eurostat-assets sweep` asks Eurostat what there is, `eurostat-assets up` mirrors it.",
        soft_wrap=True,
    )
    if len(shown) < len(datasets) and not state:
        console.print(f"{counts['current']} current datasets are not listed: see --all.")
    if datasets:
        console.print(behind_sentence(datasets.values()))
    for poll in postgres.polls(database).values():
        console.print(_last_read(poll), soft_wrap=True)


def behind_sentence(datasets: Iterable[DatasetState]) -> str:
    """Return how many of the datasets that are wanted here are behind Eurostat."""
    wanted = [one for one in datasets if one.state not in ("withdrawn", "excluded")]
    behind = sum(one.behind for one in wanted)
    unanswered = sum(one.unanswered is not None for one in wanted)
    known = (
        f"{behind} of {len(wanted)} datasets {'is' if behind == 1 else 'are'}" if behind else "No dataset is"
    )
    return f"{known} behind Eurostat" + (f"; of {unanswered} that is not known." if unanswered else ".")


def _table(datasets: Collection[DatasetState]) -> Table:
    order = list(COLOURS)
    wide = console.width >= NARROW
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("dataset", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("rows", no_wrap=True, justify="right")
    table.add_column("release", no_wrap=True)
    if wide:
        table.add_column("published (UTC)", no_wrap=True)
    table.add_column("title and reason")
    for one in sorted(datasets, key=lambda one: (order.index(one.state), one.dataset)):
        lines = [Text(one.title or "", no_wrap=True, overflow="ellipsis")]
        if note := _note(one):
            lines.append(Text(note, style=COLOURS[one.state]))
        table.add_row(
            one.dataset,
            f"[{COLOURS[one.state]}]{one.state}[/]",
            f"{one.rows:,}" if one.rows is not None else "",
            f"{one.data_updated.astimezone(UTC):%Y-%m-%d}" if one.data_updated else "",
            *([_moment(one.published_at)] if wide else []),
            Group(*lines),
        )
    return table


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else ""


def _note(state: DatasetState) -> str:
    """Return why a dataset is not current, and when it is tried again."""
    why = state.excluded or state.note or state.error or state.unanswered or ""
    if state.withdrawn_at:
        why = f"gone from Eurostat, noticed {_moment(state.withdrawn_at)}; its table stays"
    if state.next_attempt_at and state.behind:
        return f"{why[:160]} (next attempt {_moment(state.next_attempt_at)})"
    return why[:160]


def _last_read(poll: Poll) -> str:
    good = f"last read {_ago(poll.succeeded_at)}" if poll.succeeded_at else "never read yet"
    if poll.error is None:
        return f"{poll.source}: {good}"
    return f"[red]{poll.source}: FAILING, {poll.failures} times in a row, {good}: {shown(poll.error)}[/]"


def _ago(moment: datetime) -> str:
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name} ago"
    return f"{seconds:.0f} seconds ago"
