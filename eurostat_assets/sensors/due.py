"""Which datasets get a run, and what is asked for them; and the sensor that requests the runs for what the sweep found and
for what failed before. What the feed tells of is requested by its own sensor (feed.py), by the same functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from eurostat_assets import run_tags, source_asset
from eurostat_assets.dead_runs import fail_dead_runs
from eurostat_assets.eurostat import Release
from eurostat_assets.jobs import mirror_dataset
from eurostat_assets.partitions import datasets
from eurostat_assets.postgres import DatasetState, states
from eurostat_assets.resources import Mirror

QUEUED_AT_ONCE = 60  # enough for the queue never to run dry between two ticks, few enough to see what goes on
RUN_KEY_TAG = "dagster/run_key"
BEING_REQUESTED = timedelta(seconds=60)
"""So long after the feed's sensor has requested a run, that run may not exist yet."""


def due(
    ours: Mapping[str, DatasetState], busy: Collection[str], now: datetime, most: int
) -> list[DatasetState]:
    """The datasets to request runs for: at most so many, none that a run works for already, the biggest first."""
    waiting = [state for code, state in ours.items() if state.due(now) and code not in busy]
    return sorted(waiting, key=lambda state: (-(state.offered_rows or 0), state.dataset))[: max(0, most)]


def stale_datasets(interval: int) -> dg.SensorDefinition:
    """The sensor, looking every `interval` seconds into the mirror's own books; it asks nothing of Eurostat."""

    @dg.sensor(
        name="stale_datasets",
        job=mirror_dataset,
        minimum_interval_seconds=interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def act(
        context: dg.SensorEvaluationContext, mirror: dg.ResourceParam[Mirror]
    ) -> dg.SensorResult | dg.SkipReason:
        """Requests one run for every dataset that is new, stale or due for another attempt, and shows its partition as
        stale. What it decides from is in `eurostat.datasets`; what is being loaded already is not requested again, unless
        the process of its run is gone."""
        fail_dead_runs(context.instance, mirror)
        ours, now = states(mirror.database), datetime.now(UTC)
        busy = in_flight(context.instance)
        busy |= {code for code, state in ours.items() if being_requested(state, now)}
        chosen = due(ours, busy, now, QUEUED_AT_ONCE - len(busy))
        chosen = not_requested_yet(context.instance, chosen)
        if not chosen:
            return dg.SkipReason(_story(ours, busy, now))
        return requests(context.instance, mirror, chosen)

    return act


def requests(instance: dg.DagsterInstance, mirror: Mirror, chosen: Sequence[DatasetState]) -> dg.SensorResult:
    """Return what a sensor asks of Dagster for these datasets: partitions, releases at the source, runs."""
    return dg.SensorResult(
        dynamic_partitions_requests=[datasets.build_add_request([state.dataset for state in chosen])],
        asset_events=[
            event
            for state in source_asset.unreported(instance, chosen)
            for event in source_asset.events(state, mirror.settings.api_url)
        ],
        run_requests=[_request(state) for state in chosen],
    )


def not_requested_yet(instance: dg.DagsterInstance, chosen: Sequence[DatasetState]) -> list[DatasetState]:
    """Return those for which no sensor has requested this attempt yet: Dagster compares run keys within one sensor only."""
    keys = {run_key(state): state for state in chosen}
    if not keys:
        return []
    runs = instance.get_runs(dg.RunsFilter(tags={RUN_KEY_TAG: list(keys)}))
    there = {run.tags[RUN_KEY_TAG] for run in runs}
    return [state for key, state in keys.items() if key not in there]


def being_requested(state: DatasetState, now: datetime) -> bool:
    """Return whether the feed's sensor has just requested a run that Dagster may not have made yet.

    One that has failed since was made: the next may follow at once.
    """
    asked = state.requested_at
    return (
        asked is not None
        and now - asked < BEING_REQUESTED
        and not (state.failed_at and state.failed_at > asked)
    )


def in_flight(instance: dg.DagsterInstance) -> set[str]:
    """Partitions that a run is waiting or working for."""
    unfinished = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.QUEUED,
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.CANCELING,
        ]
    )
    return {
        run.tags["dagster/partition"]
        for run in instance.get_runs(unfinished)
        if "dagster/partition" in run.tags
    }


def run_key(state: DatasetState) -> str:
    """Return what is the same for all requests of one attempt at one release."""
    # The same release is requested once, and once more after every failure or wait. (A person who accepts a failed
    # release takes the wait away, hence both.)
    again = f" failed {state.failures} times" if state.failures else ""
    again += f" after {state.next_attempt_at:%Y-%m-%dT%H:%M:%S}" if state.next_attempt_at else ""
    return f"{state.dataset}@{_offered(state).version}{again}"


def _request(state: DatasetState) -> dg.RunRequest:
    return dg.RunRequest(
        job_name=mirror_dataset.name,
        partition_key=state.dataset,
        run_key=run_key(state),
        tags=run_tags.of(_offered(state).version, state.title) | run_tags.why(state),
    )


def _offered(state: DatasetState) -> Release:
    release = source_asset.offered(state)
    assert release is not None  # it is due
    return release


def _story(ours: Mapping[str, DatasetState], busy: Collection[str], now: datetime) -> str:
    counts = Counter(state.state for state in ours.values())
    told = (
        ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no dataset is known yet"
    )
    waiting = [
        state.next_attempt_at
        for state in ours.values()
        if state.next_attempt_at and state.next_attempt_at > now
    ]
    later = f"; {len(waiting)} wait, the next until {min(waiting):%Y-%m-%d %H:%M} UTC" if waiting else ""
    return f"Nothing is due: {told}; {len(busy)} are being loaded{later}."
