"""The sensor that listens to Eurostat's RSS feed. An item is only a hint: the dataset's own dates decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from eurostat_assets.eurostat import Eurostat, EurostatError, FeedItem, Release
from eurostat_assets.jobs import refresh_catalogue
from eurostat_assets.postgres import (
    DatasetState,
    Poll,
    poll_failed,
    poll_succeeded,
    polls,
    record_offers,
    states,
)
from eurostat_assets.resources import Mirror
from eurostat_assets.sensors.sweeps import feed_is_silent, sweeping
from eurostat_assets.settings import Settings

DELETED = "DELETED_DATASET"
PROBES_PER_TICK = 20  # above this many news, one inventory is cheaper than a probe for each


def hinted(
    items: Iterable[FeedItem], wanted: Callable[[str], bool], known: Mapping[str, datetime]
) -> set[str]:
    """Codes wanted here for which the feed tells of something newer than what is `known` to be offered. A dataset whose
    last news is its deletion has nothing to offer."""
    return {
        code
        for code, item in newest(items).items()
        if item.category != DELETED and wanted(code) and (code not in known or item.published > known[code])
    }


def newest(items: Iterable[FeedItem]) -> dict[str, FeedItem]:
    """The last news of each dataset."""
    return {item.code: item for item in sorted(items, key=lambda item: item.published) if item.about_dataset}


def eurostat_releases(knobs: Settings) -> dg.SensorDefinition:
    """The sensor, looking every `poll_interval` seconds."""
    trusted = timedelta(seconds=knobs.feed_trusted)

    @dg.sensor(
        name="eurostat_releases",
        job=refresh_catalogue,
        minimum_interval_seconds=knobs.poll_interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def listen(
        context: dg.SensorEvaluationContext,
        eurostat: dg.ResourceParam[Eurostat],
        mirror: dg.ResourceParam[Mirror],
    ) -> dg.SkipReason | dg.RunRequest:
        """Looks at Eurostat's RSS feed and notes which datasets of the theme have a newer release; `stale_datasets` requests
        their runs. A deletion is verified by a sweep, and so is what happened while nobody listened for longer than the
        feed reaches back. A feed that cannot be read is a failed tick, never "nothing new"."""
        now, before = datetime.now(UTC), polls(mirror.database)
        try:
            items = eurostat.feed()
            ours = states(mirror.database)
            news = hinted(items, _wanted(mirror, ours), _known(ours))
            offered = _offered(eurostat, news)
        except EurostatError as error:
            poll_failed(mirror.database, "feed", error)
            raise
        newer = {code for code, release in offered.items() if _newer(release, ours.get(code))}
        titles = {item.code: item.title for item in items if item.title}
        record_offers(mirror.database, offered, titles)
        found = {
            "items": len(items),
            "unreadable items": len(items.broken_items),
            "hints": len(news),
            "newer releases": len(newer),
            "not answered": len(news) - len(offered),
        }
        poll_succeeded(mirror.database, "feed", found)
        if gone := _deleted(items, ours):
            return _sweep(f"deleted: {', '.join(gone)}")
        away = feed_is_silent(replace(before["feed"], error=None), now, trusted)
        if away and not _swept_since(before["sweep"], now - trusted) and not sweeping(context.instance):
            return _sweep(f"{away}, until {now:%Y-%m-%d %H:%M}")
        counts = ", ".join(f"{count} {what}" for what, count in found.items())
        return dg.SkipReason(f"{_story(newer)} ({counts})")

    return listen


def _wanted(mirror: Mirror, ours: Mapping[str, DatasetState]) -> Callable[[str], bool]:
    def wanted(code: str) -> bool:
        if state := ours.get(code):
            return state.state != "excluded"
        return mirror.theme.matches(code)

    return wanted


def _known(ours: Mapping[str, DatasetState]) -> dict[str, datetime]:
    """When each dataset last changed at Eurostat, as far as we were told."""
    return {
        code: max(state.offered_data, state.offered_structure)
        for code, state in ours.items()
        if state.offered_data and state.offered_structure
    }


def _offered(eurostat: Eurostat, codes: set[str]) -> dict[str, Release]:
    """The releases Eurostat has of these datasets; without those it gave none for (withdrawn, or trouble with that one)."""
    if len(codes) > PROBES_PER_TICK:
        inventory = eurostat.inventory()
        return {code: inventory[code].release for code in codes if code in inventory}
    offered = {}
    for code in sorted(codes):
        try:
            offered[code] = eurostat.probe(code)
        except EurostatError:
            # Not a reason to hold up the others: the item stays in the feed, so the next tick asks again.
            continue
    return offered


def _newer(release: Release, state: DatasetState | None) -> bool:
    return state is None or state.release is None or release.newer_than(Release.parse(state.release))


def _deleted(items: Iterable[FeedItem], ours: Mapping[str, DatasetState]) -> list[str]:
    """Datasets of ours that the feed says are deleted, and that did not come back since."""
    return sorted(
        f"{code} {item.published:%Y-%m-%dT%H:%M}"
        for code, item in newest(items).items()
        if item.category == DELETED and code in ours and ours[code].state not in ("withdrawn", "excluded")
    )


def _sweep(why: str) -> dg.RunRequest:
    return dg.RunRequest(run_key=why, tags={"dagster/priority": "10", "eurostat/why": why[:200]})


def _swept_since(swept: Poll, moment: datetime) -> bool:
    return swept.succeeded_at is not None and swept.succeeded_at > moment


def _story(newer: set[str]) -> str:
    if not newer:
        return "Nothing new"
    few = ", ".join(sorted(newer)[:10])
    more = f" and {len(newer) - 10} more" if len(newer) > 10 else ""
    return f"Newer at Eurostat: {few}{more}; `stale_datasets` requests their runs"
