"""The sweep itself: everything Eurostat offers of the theme, compared with what is known here, and written down.

The same for the asset `catalogue` and the command line. What follows from it for single datasets is in their state.
"""

from __future__ import annotations

from collections.abc import Sequence

from eurostat_assets.eurostat import CatalogueEntry, Eurostat, EurostatError, Inventory
from eurostat_assets.postgres import (
    CatalogueChange,
    PostgresError,
    poll_failed,
    poll_succeeded,
    record_catalogue,
    recorded_folders,
)
from eurostat_assets.resources import Mirror


def sweep(
    eurostat: Eurostat, mirror: Mirror, *, accept_shrinking: bool = False
) -> tuple[Sequence[CatalogueEntry], CatalogueChange]:
    """Read the table of contents and the inventory, and record both; returns the theme's datasets and what is new.

    Raises EurostatError when one of them cannot be read, EmptyTheme and CatalogueShrank when they cannot be believed
    (`accept_shrinking` believes them): nothing is recorded then but that it failed.
    """
    knobs = mirror.settings
    try:
        inventory = eurostat.inventory()
        toc = eurostat.toc()
        entries = mirror.theme.select(toc, inventory, recorded_folders(mirror.database))
        change = record_catalogue(
            mirror.database,
            entries,
            elsewhere=inventory,
            excluded=_too_big(entries, knobs.largest_dataset),
            may_shrink=1.0 if accept_shrinking else knobs.catalogue_may_shrink,
            withdraw=accept_shrinking or not _doubtful(entries, inventory, knobs.catalogue_may_shrink),
        )
    except (EurostatError, PostgresError) as error:
        poll_failed(mirror.database, "sweep", error)
        raise
    found = {
        "datasets": len(entries),
        "new": len(change.new),
        "withdrawn": len(change.withdrawn),
        "returned": len(change.returned),
        "no longer of the theme": len(change.dropped),
        "unreadable lines": inventory.broken_lines.total + toc.broken_lines.total,
        "unreadable cells": inventory.unknown_cells.total + toc.unknown_cells.total,
    }
    poll_succeeded(mirror.database, "sweep", found)
    return entries, change


def _doubtful(entries: Sequence[CatalogueEntry], inventory: Inventory, may_shrink: float) -> bool:
    """Whether the inventory is damaged, or lacks many that the table of contents has: what is missing from it may then
    still be there."""
    unlisted = sum(1 for entry in entries if entry.release is None)
    return bool(inventory.broken_lines) or unlisted > may_shrink * len(entries)


def _too_big(entries: Sequence[CatalogueEntry], limit: int) -> dict[str, str]:
    """Why datasets beyond the budget are not mirrored, by code."""
    return {
        entry.code: f"{entry.values:,} observations are more than EUROSTAT_LARGEST_DATASET={limit} allows"
        for entry in entries
        if limit and entry.values and entry.values > limit
    }
