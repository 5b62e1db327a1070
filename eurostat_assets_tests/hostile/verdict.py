"""What came of the month: every table against the source's truth, what ran that should not have, how old data became."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg
import psycopg2
import pyarrow as pa
from psycopg2 import sql

from eurostat_assets import sandbox
from eurostat_assets.eurostat import Release
from eurostat_assets_tests.hostile.world import World
from eurostat_assets_tests.mirroring import DERIVED

PUBLISHED = """
SELECT dataset, release, finished_at FROM eurostat.releases WHERE state IN ('published', 'superseded') ORDER BY finished_at
"""


@dataclass
class Verdict:
    """`wrong`: tables that differ from their source, with the reason. `reloaded`: releases published more than once.
    `strangers`: what ran outside the theme. `ages`: seconds from a release to its publication, or to that of a later one,
    of every release; those in `spared` had a daemon all the while.
    """

    compared: int = 0
    rows: int = 0
    wrong: list[str] = field(default_factory=list)
    reloaded: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    spared: list[float] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> bool:
        return not (self.wrong or self.reloaded or self.strangers)


def release_of(edition: Mapping[str, Any]) -> str:
    """The version of an edition as the sandbox's state describes it."""
    dates = (datetime.fromisoformat(edition[name]) for name in ("update_data", "update_structure"))
    return Release(*dates).version


def editions(source: sandbox.Running) -> dict[str, str]:
    """What the source publishes now: release by dataset code."""
    return {edition["code"]: release_of(edition) for edition in source.state()["editions"]}


def judge(
    world: World,
    source: sandbox.Running,
    theme: str,
    released: Mapping[tuple[str, str], datetime],
    down: Sequence[tuple[datetime, datetime]],
) -> Verdict:
    """Compare everything. `released`: when each release was first seen at the source; `down`: when no daemon ran."""
    verdict = Verdict()
    _compare(verdict, world, source, theme)
    published = _published(world)
    counts = Counter((code, release) for code, release, _ in published)
    verdict.reloaded = [
        f"{code} {release} {count} times" for (code, release), count in counts.items() if count > 1
    ]
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs():
            verdict.runs[f"{run.job_name} {run.status.value.lower()}"] += 1
            code = run.tags.get("dagster/partition")
            if code and theme not in code:
                verdict.strangers.append(code)
    _age(verdict, published, released, down)
    return verdict


def _compare(verdict: Verdict, world: World, source: sandbox.Running, theme: str) -> None:
    states, releases = world.states(), editions(source)
    for code, batches in source.all_cells().items():
        if theme not in code:
            continue
        state = states.get(code)
        if state is None or state.release is None:
            verdict.wrong.append(f"{code}: not published; {state and (state.error or state.note)}")
            continue
        cells, rows = pa.Table.from_batches(batches), _readers_table(world, code)
        verdict.compared += 1
        verdict.rows += rows.num_rows
        if _in_any_order(cells) != _in_any_order(rows):
            story = state.error or state.note or f"offered {state.offered_data} {state.offered_structure}"
            verdict.wrong.append(
                f"{code}: {rows.num_rows} rows of {state.release} ({state.state}: {story}; next attempt"
                f" {state.next_attempt_at}) differ from the source's {cells.num_rows} of {releases[code]}"
            )
        elif state.state != "current":
            verdict.wrong.append(f"{code}: its table is right, but it is called {state.state}")


def _readers_table(world: World, code: str) -> pa.Table:
    """What readers see, without the columns that follow from others."""
    with psycopg2.connect(world.database) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("eurostat", code.lower())))
        names = [column.name for column in cursor.description or ()]
        columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(names)
    connection.close()
    return pa.table(
        {name: list(column) for name, column in zip(names, columns, strict=True) if name not in DERIVED}
    )


def _in_any_order(rows: pa.Table) -> list[tuple]:
    """Rows and columns sorted: a dimension that a restructured dataset gained is the last column of its table."""
    names = sorted(rows.column_names)
    return [tuple(names), *sorted(zip(*(rows[name].to_pylist() for name in names), strict=True), key=str)]


def _published(world: World) -> list[tuple[str, str, datetime]]:
    with psycopg2.connect(world.database) as connection, connection.cursor() as cursor:
        cursor.execute(PUBLISHED)
        found = cursor.fetchall()
    connection.close()
    return found


def _age(
    verdict: Verdict,
    published: Sequence[tuple[str, str, datetime]],
    released: Mapping[tuple[str, str], datetime],
    down: Sequence[tuple[datetime, datetime]],
) -> None:
    for (code, release), since in released.items():
        wanted = Release.parse(release)
        here = [
            at
            for other, version, at in published
            if other == code and not wanted.newer_than(Release.parse(version))
        ]
        if not here:
            continue
        age = max(0.0, (min(here) - since).total_seconds())
        verdict.ages.append(age)
        if not any(begin <= min(here) and since <= end for begin, end in down):
            verdict.spared.append(age)
