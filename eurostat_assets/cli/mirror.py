"""`eurostat-assets sweep|sync|catalogue|sizes|settings`: the mirror without the UI."""

from __future__ import annotations

import csv
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from eurostat_assets.cli.progress import count_bar
from eurostat_assets.cli.status import behind_sentence
from eurostat_assets.cli.terminal import console, shown
from eurostat_assets.model.spreadsheets import cell


def sweep(
    accept_shrinking: Annotated[
        bool,
        typer.Option(
            "--accept-shrinking", help="Accept the inventory even when a large part of the theme is gone."
        ),
    ] = False,
) -> None:
    """Compare Eurostat's whole inventory with what is published here, and mark newer releases as due."""
    from eurostat_assets import launcher, postgres, resources
    from eurostat_assets import settings as settings_module
    from eurostat_assets.sweeping import sweep as look

    knobs = settings_module.load()
    launcher.start_databases(knobs)
    mirror = resources.Mirror(knobs)
    entries, change = look(resources.client(knobs), mirror, accept_shrinking=accept_shrinking)
    states = postgres.states(mirror.database)
    console.print(f"{len(entries)} datasets of the theme at Eurostat. {behind_sentence(states.values())}")
    told = {
        "new": change.new,
        "withdrawn": change.withdrawn,
        "back": change.returned,
        "no longer of the theme": change.dropped,
    }
    for what, codes in told.items():
        if codes:
            console.print(f"{what}: {', '.join(codes)}", soft_wrap=True)


def sync(
    codes: Annotated[list[str] | None, typer.Argument(help="Dataset codes; none with --all.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every dataset of the theme.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many of those that are due.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also those whose release is already published.")
    ] = False,
) -> None:
    """Bring datasets up to date now, without the UI. Exit code 1 when one was not published."""
    from eurostat_assets import child_processes
    from eurostat_assets import settings as settings_module
    from eurostat_assets.command_runs import SECONDS_TO_STOP
    from eurostat_assets.synchronise import due, synchronise

    child_processes.end_soon_after_interrupt(SECONDS_TO_STOP)
    if bool(codes) == all_:
        raise typer.BadParameter("name dataset codes, or --all")
    knobs = settings_module.load()
    waiting = due(knobs, codes or None, force=force)
    skipped = waiting.unchanged
    chosen = waiting.codes[:limit]
    failures: dict[str, str] = {}
    with (
        count_bar("Mirroring", len(chosen)) as report,
        closing(synchronise(knobs, chosen, force=force)) as runs,
    ):
        for done, (code, problem) in enumerate(runs, start=1):
            if problem:
                failures[code] = problem
                console.print(f"[red]{code}[/] {shown(problem)}", soft_wrap=True, highlight=False)
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
    """List what Eurostat offers of the theme: id, title, dates of the last change of data and structure."""
    from eurostat_assets import resources
    from eurostat_assets import settings as settings_module

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
            csv.writer(file).writerows([header, *([cell(one) for one in row] for row in rows)])
        console.print(f"{len(rows)} datasets written to {shown(csv_file)}.")
        return
    table = Table(*header)
    for row in rows:
        table.add_row(*(shown(one) for one in row))
    console.print(table)


def sizes() -> None:
    """Show how big the mirror is, and estimate how big it will be from Eurostat's counts."""
    from eurostat_assets import postgres, resources
    from eurostat_assets import settings as settings_module

    states = postgres.states(resources.Mirror(settings_module.load(), fills=False).database).values()
    ok = [state for state in states if state.release]
    missing = [state for state in states if state.state in ("new", "failed") and not state.release]
    rows, raw, stored = (
        sum(getattr(state, name) or 0 for state in ok) for name in ("rows", "source_bytes", "bytes")
    )
    to_come = sum(state.offered_rows or 0 for state in missing)
    table = Table("", "datasets", "rows", "raw MB", "tables MB")
    table.add_row("published", f"{len(ok):,}", f"{rows:,}", f"{raw / 1e6:,.1f}", f"{stored / 1e6:,.1f}")
    # By the ratio of what is here already; before that, of Eurostat's health theme when it was loaded last.
    per_row = (raw / rows, stored / rows) if rows else (5.0, 88.0)
    table.add_row(
        "missing, estimated",
        f"{len(missing):,}",
        f"{to_come:,}",
        f"{to_come * per_row[0] / 1e6:,.1f}",
        f"{to_come * per_row[1] / 1e6:,.1f}",
    )
    for word in ("failed", "withdrawn", "excluded"):
        if some := [state for state in states if state.state == word]:
            table.add_row(
                word, f"{len(some):,}", f"{sum(s.offered_rows or s.rows or 0 for s in some):,}", "", ""
            )
    console.print(table)


def settings() -> None:
    """Show every setting: its value, its default where that differs, its meaning. Secrets are masked."""
    from eurostat_assets import settings as settings_module

    for variable, value, default, meaning in settings_module.load().table():
        changed = "" if value == default else f"   [dim](default: {shown(default) or 'empty'})[/]"
        console.print(f"[bold]{variable}[/]={shown(value)}{changed}", soft_wrap=True, highlight=False)
        console.print(Padding(shown(meaning), (0, 0, 0, 4)), highlight=False)
