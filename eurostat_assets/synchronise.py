"""Bringing many datasets up to date without the daemon: the job `mirror_dataset`, once for each of them.

Here belong the choice of what is due and the order (biggest first). How the runs are executed is command_runs.py's.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from eurostat_assets import launcher, postgres, resources
from eurostat_assets.eurostat import NotAvailable, check_code
from eurostat_assets.settings import Settings
from eurostat_assets.sweeping import sweep


@dataclass(frozen=True)
class Due:
    """Datasets to mirror, biggest first, and how many of those asked for are current already."""

    codes: tuple[str, ...]
    unchanged: int


def due(settings: Settings, codes: Sequence[str] | None, *, force: bool = False) -> Due:
    """Which of `codes` (None: of the whole theme) have a release that is not published yet, after a look at Eurostat's whole
    inventory; all of them with `force`. What failed before is tried again at once.

    Starts the embedded server where it is used. Raises `MalformedCode` and `NotAvailable` for codes that are none or that
    Eurostat does not offer, `EurostatError` and `PostgresError` when one of both is down.
    """
    wanted = [check_code(code) for code in codes] if codes is not None else None
    launcher.start_databases(settings)
    mirror, eurostat = resources.Mirror(settings), resources.client(settings)
    entries, _ = sweep(eurostat, mirror)
    offered = {entry.code: entry.release for entry in entries if entry.release}
    if strangers := set(wanted or ()) - offered.keys():  # outside the theme: wanted for once
        inventory = eurostat.inventory()
        if missing := sorted(strangers - inventory.keys()):
            raise NotAvailable("Eurostat's inventory does not list this code", dataset=missing[0])
        postgres.record_offers(mirror.database, {code: inventory[code].release for code in strangers})
    states = postgres.states(mirror.database)
    chosen = wanted if wanted is not None else list(offered)
    stale = [code for code in chosen if force or states[code].behind]
    biggest_first = sorted(stale, key=lambda code: (-(states[code].offered_rows or 0), code))
    return Due(tuple(biggest_first), len(chosen) - len(stale))


def synchronise(
    settings: Settings, codes: Sequence[str], *, force: bool = False
) -> Generator[tuple[str, str | None], None, None]:
    """Mirror each dataset in a run of its own; yields (code, None or why it was not published) as they finish.

    One that fails, or whose process dies, does not touch the others. Stops as command_runs.py says.
    """
    if not codes:
        return
    import dagster as dg

    from eurostat_assets import command_runs, run_tags

    launcher.prepare_dagster(settings)
    database = resources.Mirror(settings).database
    states = postgres.states(database)
    requests = [
        command_runs.Request(
            code, "sync", tags=run_tags.of_sync(states[code]), ops={"raw_json": {"config": {"force": force}}}
        )
        for code in codes
    ]
    with (
        dg.DagsterInstance.get() as instance,
        closing(command_runs.execute(settings, instance, requests, settings.parallel_runs)) as runs,
    ):
        for code, problem in runs:
            state = postgres.states(database)[code]
            # Its run may have found that Eurostat is still preparing the answer: no failure, and no success.
            yield code, problem or (state.note if state.state in ("new", "stale") else None)
