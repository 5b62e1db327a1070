"""The tags by which runs are found in the UI: which dataset, which release, what it is called.

A run that a sensor requests has them from the start; one that a person launches gets them as soon as they are known.
"""

from __future__ import annotations

import dagster as dg

from eurostat_assets.eurostat import Release

DATASET, RELEASE, TITLE = "eurostat/dataset", "eurostat/release", "eurostat/title"
WHY = "eurostat/why"
"""What started the run."""
LONGEST_TITLE = 120  # characters


def of(dataset: str, release: Release, title: str | None = None) -> dict[str, str]:
    """The tags of a run for one release."""
    tags = {DATASET: dataset, RELEASE: release.version}
    return {**tags, TITLE: title[:LONGEST_TITLE]} if title else tags


def complete(context: dg.AssetExecutionContext, tags: dict[str, str]) -> None:
    """Give this run the tags that it lacks; and the release that was found, should it be newer than the one it was for."""
    has = context.run.tags
    lacking = {
        name: text
        for name, text in tags.items()
        if name not in has or (name == RELEASE and has[name] != text)
    }
    if lacking:
        context.instance.add_run_tags(context.run.run_id, lacking)
