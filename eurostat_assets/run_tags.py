"""The tags by which runs are found in the UI: which release, what the dataset is called, why the run was started.

Which dataset it is, is Dagster's own tag `dagster/partition`. A run that a sensor requests has these tags from the start;
one that a person launches gets them as soon as they are known.
"""

from __future__ import annotations

import dagster as dg

from eurostat_assets import source_asset
from eurostat_assets.eurostat import FeedItem
from eurostat_assets.model.characters import clean
from eurostat_assets.model.messages import line
from eurostat_assets.postgres import DatasetState

RELEASE, TITLE, WHY = "eurostat/release", "eurostat/title", "eurostat/why"
LONGEST = 120  # characters of a tag
PERSON, SYNC, SWEEP, FIRST_LOAD, START = "person", "sync", "sweep", "first load", "start of the platform"


def of(release: str, title: str | None = None) -> dict[str, str]:
    """The tags of a run for one release."""
    return {RELEASE: release} | ({TITLE: clean(title, LONGEST)} if title else {})


def why(reason: str | FeedItem | DatasetState) -> dict[str, str]:
    """Return the tag that says why a run is started.

    `reason`: a sentence or one of the words above; an item of the feed; or a dataset that is due, of which its state says
    whether this is its first load, another attempt, or what told of the release.
    """
    if isinstance(reason, DatasetState):
        text = _why_due(reason)
    elif isinstance(reason, FeedItem):
        text = f"feed: {reason.category or 'item without a category'} {reason.published:%Y-%m-%d %H:%M}"
    else:
        text = reason
    return {WHY: line(text, LONGEST)}


def _why_due(state: DatasetState) -> str:
    if state.failures:
        when = f" of {state.failed_at:%Y-%m-%d %H:%M}" if state.failed_at else ""
        return f"retry {state.failures} after the failure{when}"
    if state.note:
        return f"another attempt: {state.note}"
    if state.release is None and not (state.found_by or "").startswith("feed"):
        return FIRST_LOAD
    return state.found_by or SWEEP


def of_sync(state: DatasetState | None) -> dict[str, str]:
    """The tags of a run of the command line: those that a sensor would have given it."""
    release = source_asset.offered(state) if state else None
    return (of(release.version, state.title) if state and release else {}) | why(SYNC)


def complete(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext,
    tags: dict[str, str] | None = None,
) -> None:
    """Give this run the tags that it lacks; and the release that was found, should it be newer than the one it was for.

    A run that says of no reason was started by a person.
    """
    has, tags = context.run.tags, {**why(PERSON), **(tags or {})}
    lacking = {
        name: text
        for name, text in tags.items()
        if name not in has or (name == RELEASE and has[name] != text)
    }
    if lacking:
        context.instance.add_run_tags(context.run.run_id, lacking)
