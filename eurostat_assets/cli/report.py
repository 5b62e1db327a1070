"""`eurostat-assets report`: the state of the mirror on one page, for whoever has no Dagster at hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eurostat_assets.cli.terminal import console, say, shown
from eurostat_assets.model.addresses import without_user

if TYPE_CHECKING:
    from eurostat_assets.postgres import DatasetState
    from eurostat_assets.report import Dataset, Report
    from eurostat_assets.settings import Settings


def report(
    html: Annotated[Path | None, typer.Option(help="Write one self-contained HTML file.")] = None,
    md: Annotated[Path | None, typer.Option(help="Write it as Markdown.")] = None,
) -> None:
    """Report state, freshness, checks, sizes, recent changes and trends, as Markdown on the terminal or into files."""
    from eurostat_assets import settings
    from eurostat_assets.report import as_html, as_markdown

    told = compose(settings.load(), datetime.now(UTC))
    for file, write in ((html, as_html), (md, as_markdown)):
        if file:
            file.write_text(write(told), encoding="utf-8")
            console.print(f"{len(told.datasets)} datasets reported in {shown(file)}.", soft_wrap=True)
    if not (html or md):
        say(as_markdown(told).removesuffix("\n"))


def compose(knobs: Settings, now: datetime) -> Report:
    """The report of this mirror from its own books. Raises PostgresError."""
    from eurostat_assets import postgres, resources
    from eurostat_assets.postgres import history
    from eurostat_assets.report import Check, Event, Finding, Report, Source, Today

    database = resources.Mirror(knobs, fills=False).database
    return Report(
        made_at=now,
        source=postgres.claimed_source(database) or without_user(knobs.api_url),
        theme=knobs.theme or knobs.theme_subtree,
        datasets=[_dataset(state) for state in postgres.states(database).values()],
        sources=[
            Source(poll.source, poll.succeeded_at, poll.error) for poll in postgres.polls(database).values()
        ],
        checks=[
            Check(
                one.dataset, one.check, one.passed, one.severity == "block", one.sentence, one.accepted,
                one.checked_at,
            )
            for one in postgres.latest_checks(database)
        ],
        findings=[
            Finding(one.subject, one.kind, one.severity, one.sentence, one.first_seen)
            for one in postgres.audit_findings(database)
        ],
        events=[
            Event(
                one.dataset, one.title or "", one.state, one.rows, one.more, one.seconds, one.error,
                one.finished_at,
            )
            for one in history.changes(database)
        ],
        days=[
            Today(one.day, one.published, one.failed, one.rows)
            for one in history.days(database, now.astimezone(UTC).date())
        ],
    )  # fmt: skip


def _dataset(state: DatasetState) -> Dataset:
    from eurostat_assets.report import Dataset

    return Dataset(
        code=state.dataset,
        title=state.title or "",
        state=state.state,
        released_at=_later(state.data_updated, state.structure_updated),
        offered_at=_later(state.offered_data, state.offered_structure),
        behind_since=state.behind_since,
        published_at=state.published_at,
        rows=state.rows,
        table_bytes=state.bytes,
        raw_bytes=state.source_bytes,
        note=state.excluded or state.note or state.error or "",
    )


def _later(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
