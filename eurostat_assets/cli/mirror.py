"""`eurostat-assets status|sync|catalogue|sizes|settings`: the mirror without the UI."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from eurostat_assets import settings as settings_module
from eurostat_assets.cli.progress import console, count_bar

if TYPE_CHECKING:
    from eurostat_assets.eurostat import Release
    from eurostat_assets.postgres import DatasetState

COLOURS = {"current": "green", "stale": "yellow", "failed": "red", "new": "cyan", "withdrawn": "dim"}


def status() -> None:
    """Every dataset of the mirror: release, when it was published, rows, and whether Eurostat has something newer."""
    from eurostat_assets import postgres, resources

    knobs = settings_module.load()
    states = postgres.published(resources.Mirror(knobs).database)
    offered = _offered_if_reachable(knobs)
    table = Table("dataset", "release (data, UTC)", "published (UTC)", "rows", "state", "note")
    for code in sorted({*states, *offered}):
        state = states.get(code)
        word = _word(code, state, offered)
        table.add_row(
            code,
            f"{state.data_updated:%Y-%m-%d %H:%M}" if state and state.data_updated else "",
            f"{state.published_at:%Y-%m-%d %H:%M}" if state and state.published_at else "",
            f"{state.rows:,}" if state and state.rows is not None else "",
            f"[{COLOURS[word]}]{word}[/]",
            escape((state.error or "") if state else "")[:120],
        )
    console.print(table)
    if not offered:
        console.print(
            "Eurostat's inventory could not be read just now, so staleness is not known.", style="yellow"
        )


def sync(
    codes: Annotated[list[str] | None, typer.Argument(help="Dataset codes; none with --all.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every dataset of the theme.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many of those that are due.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also those whose release is already published.")
    ] = False,
) -> None:
    """Bring datasets up to date without the UI: the same jobs, the same history. Exit code 1 when one failed."""
    from eurostat_assets.synchronise import due, synchronise

    if bool(codes) == all_:
        raise typer.BadParameter("name dataset codes, or --all")
    knobs = settings_module.load()
    waiting = due(knobs, codes or None, force=force)
    skipped = waiting.unchanged
    chosen = waiting.codes[:limit]
    failures: dict[str, str] = {}
    with count_bar("Mirroring", len(chosen)) as report:
        for done, (code, problem) in enumerate(synchronise(knobs, chosen), start=1):
            if problem:
                failures[code] = problem
                console.print(f"[red]{code}[/] {escape(problem)}", soft_wrap=True, highlight=False)
            report(done, code)
    console.print(
        f"{len(chosen) - len(failures)} mirrored, {skipped} already current, {len(failures)} failed."
    )
    raise typer.Exit(1 if failures else 0)


def catalogue(
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write id, title and dates to this CSV file.")
    ] = None,
) -> None:
    """What Eurostat offers of the theme: id, title, dates of the last change of data and structure."""
    from eurostat_assets import resources

    knobs = settings_module.load()
    eurostat = resources.client(knobs)
    entries = resources.Mirror(knobs).theme.select(eurostat.toc(), eurostat.inventory())
    header = ("id", "title", "data changed", "structure changed")
    rows = [
        (
            e.code,
            e.title,
            *((e.release.data.isoformat(), e.release.structure.isoformat()) if e.release else ("", "")),
        )
        for e in entries
    ]
    if csv_file:
        with csv_file.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        console.print(f"{len(rows)} datasets written to {csv_file}.")
        return
    table = Table(*header)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def sizes() -> None:
    """How far the mirror is: datasets targeted, published, failed, and the megabytes they came to."""
    from eurostat_assets import postgres, resources

    knobs = settings_module.load()
    database = resources.Mirror(knobs).database
    states = postgres.published(database).values()
    ok = [state for state in states if state.release]
    table = Table("targeted", "ok", "failed", "raw MB", "rows", "tables MB")
    table.add_row(
        f"{postgres.catalogue_size(database):,}",
        f"{len(ok):,}",
        f"{sum(1 for state in states if state.error):,}",
        f"{sum(state.source_bytes or 0 for state in ok) / 1e6:,.1f}",
        f"{sum(state.rows or 0 for state in ok):,}",
        f"{sum(state.bytes or 0 for state in ok) / 1e6:,.1f}",
    )
    console.print(table)


def settings() -> None:
    """Every setting with its value in force, its default and its meaning; secrets are masked."""
    table = Table("setting", "value", "default", "meaning")
    for row in settings_module.load().table():
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def _offered_if_reachable(knobs: settings_module.Settings):
    from eurostat_assets import resources
    from eurostat_assets.eurostat import EurostatError

    try:
        eurostat = resources.client(knobs)
        entries = resources.Mirror(knobs).theme.select(eurostat.toc(), eurostat.inventory())
    except EurostatError:
        return {}
    return {entry.code: entry.release for entry in entries if entry.release}


def _word(code: str, state: DatasetState | None, offered: Mapping[str, Release]) -> str:
    """One word for where a dataset stands."""
    from eurostat_assets.eurostat import Release

    if state and state.error:
        return "failed"
    if state is None or state.release is None:
        return "new"
    if offered and code not in offered:
        return "withdrawn"
    return "stale" if offered and offered[code].newer_than(Release.parse(state.release)) else "current"
