"""The sensor that listens to Eurostat's RSS feed. An item is only a hint: the dataset's own dates decide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from eurostat_assets import run_tags
from eurostat_assets.eurostat import Eurostat, EurostatError, FeedItem, Release
from eurostat_assets.jobs import mirror_dataset, refresh_catalogue
from eurostat_assets.postgres import (
    DatasetState,
    Poll,
    Polled,
    poll_failed,
    poll_succeeded,
    polls,
    record_offers,
    record_probe_failures,
    states,
)
from eurostat_assets.resources import Mirror
from eurostat_assets.sensors.due import QUEUED_AT_ONCE, due, in_flight, not_requested_yet, requests
from eurostat_assets.sensors.sweeps import feed_is_silent, may_sweep, sweep_request
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
        jobs=[mirror_dataset, refresh_catalogue],
        minimum_interval_seconds=knobs.poll_interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def listen(
        context: dg.SensorEvaluationContext,
        eurostat: dg.ResourceParam[Eurostat],
        mirror: dg.ResourceParam[Mirror],
    ) -> dg.SkipReason | dg.SensorResult:
        """Looks at Eurostat's RSS feed and requests a run for every dataset of the theme that has a newer release. A
        deletion is verified by a sweep, and so is what happened while nobody listened for longer than the feed reaches back.
        A feed that cannot be read is a failed tick, never "nothing new"."""
        now, before = datetime.now(UTC), polls(mirror.database)
        try:
            items = eurostat.feed()
            ours = states(mirror.database)
            news = hinted(items, _wanted(mirror, ours), _known(ours))
            offered, unanswered = _offered(eurostat, news)
        except EurostatError as error:
            poll_failed(mirror.database, "feed", error)
            raise
        newer = {code for code, release in offered.items() if _newer(release, ours.get(code))}
        titles = {item.code: item.title for item in items if item.title}
        told_by = {code: run_tags.why(item)[run_tags.WHY] for code, item in newest(items).items()}
        # The other sensor may look at any moment: it must not see the release without the request.
        free = newer - in_flight(context.instance)
        record_offers(mirror.database, offered, titles, told_by, free)
        record_probe_failures(mirror.database, unanswered)
        found = {
            "items": len(items),
            "unreadable items": len(items.broken_items),
            "hints": len(news),
            "newer releases": len(newer),
            "not answered": len(unanswered),
        }
        poll_succeeded(mirror.database, "feed", found)
        result = _requested(context.instance, mirror, newer)
        sweeps = list(_sweeps(context.instance, mirror, _deleted(items, ours), before, now, trusted))
        if result.run_requests or sweeps:
            return result._replace(run_requests=[*(result.run_requests or []), *sweeps])
        counts = ", ".join(f"{count} {what}" for what, count in found.items())
        return dg.SkipReason(f"{_story(newer)} ({counts})")

    return listen


def _requested(instance: dg.DagsterInstance, mirror: Mirror, newer: Collection[str]) -> dg.SensorResult:
    """The runs for these datasets, without those that a run works for already, and not more than the queue should hold.
    What is left out is requested by `stale_datasets`, a minute later."""
    if not newer:
        return dg.SensorResult()
    busy = in_flight(instance)
    ours = {code: state for code, state in states(mirror.database).items() if code in newer}
    chosen = due(ours, busy, datetime.now(UTC), QUEUED_AT_ONCE - len(busy))
    chosen = not_requested_yet(instance, chosen)
    if not chosen:
        return dg.SensorResult()
    return requests(instance, mirror, chosen)


def _sweeps(
    instance: dg.DagsterInstance,
    mirror: Mirror,
    gone: list[str],
    before: Mapping[Polled, Poll],
    now: datetime,
    trusted: timedelta,
) -> Iterator[dg.RunRequest]:
    if gone:
        yield sweep_request(f"feed: deleted {', '.join(gone)}", run_key=f"deleted: {', '.join(gone)}")
        return
    away = feed_is_silent(replace(before["feed"], error=None), now, trusted)
    if away and not _swept_since(before["sweep"], now - trusted) and may_sweep(instance, mirror):
        yield sweep_request(away, run_key=f"{away}, until {now:%Y-%m-%d %H:%M}")


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


def _offered(eurostat: Eurostat, codes: set[str]) -> tuple[dict[str, Release], dict[str, str]]:
    """The releases Eurostat has of these datasets, and why there is none of the others (withdrawn, or trouble)."""
    if len(codes) > PROBES_PER_TICK:
        inventory = eurostat.inventory()
        offered = {code: inventory[code].release for code in codes if code in inventory}
        return offered, dict.fromkeys(codes - offered.keys(), "Eurostat's inventory does not list it")
    offered, unanswered = {}, {}
    for code in sorted(codes):
        try:
            offered[code] = eurostat.probe(code)
        except EurostatError as error:
            # Not a reason to hold up the others: the item stays in the feed, so the next tick asks again.
            unanswered[code] = str(error)
    return offered, unanswered


def _newer(release: Release, state: DatasetState | None) -> bool:
    return state is None or state.release is None or release.newer_than(Release.parse(state.release))


def _deleted(items: Iterable[FeedItem], ours: Mapping[str, DatasetState]) -> list[str]:
    """Datasets of ours that the feed says are deleted, and that did not come back since."""
    return sorted(
        f"{code} {item.published:%Y-%m-%dT%H:%M}"
        for code, item in newest(items).items()
        if item.category == DELETED and code in ours and ours[code].state not in ("withdrawn", "excluded")
    )


def _swept_since(swept: Poll, moment: datetime) -> bool:
    return swept.succeeded_at is not None and swept.succeeded_at > moment


def _story(newer: set[str]) -> str:
    if not newer:
        return "Nothing new"
    few = ", ".join(sorted(newer)[:10])
    more = f" and {len(newer) - 10} more" if len(newer) > 10 else ""
    return f"Newer at Eurostat: {few}{more}; requested already, or the queue is full"
