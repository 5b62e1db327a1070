"""The sensor that acts: one run for every dataset whose newest release is not published yet, biggest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import dagster as dg

from eurostat_assets import run_tags
from eurostat_assets.assets import eurostat_dataset
from eurostat_assets.dead_runs import fail_dead_runs
from eurostat_assets.eurostat import Release
from eurostat_assets.jobs import mirror_dataset
from eurostat_assets.partitions import datasets
from eurostat_assets.postgres import DatasetState, states
from eurostat_assets.resources import Mirror

DATA_VERSION_TAG = "dagster/data_version"
QUEUED_AT_ONCE = 60  # enough for the queue never to run dry between two ticks, few enough to see what goes on


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
        ours, busy, now = states(mirror.database), in_flight(context.instance), datetime.now(UTC)
        chosen = due(ours, busy, now, QUEUED_AT_ONCE - len(busy))
        if not chosen:
            return dg.SkipReason(_story(ours, busy, now))
        return dg.SensorResult(
            dynamic_partitions_requests=[datasets.build_add_request([state.dataset for state in chosen])],
            asset_events=[
                dg.AssetObservation(
                    eurostat_dataset.key,
                    partition=state.dataset,
                    tags={DATA_VERSION_TAG: offered(state).version},
                )
                for state in chosen
            ],
            run_requests=[_request(state) for state in chosen],
        )

    return act


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


def offered(state: DatasetState) -> Release:
    """The newest release that is known of a dataset that is due."""
    assert state.offered_data is not None
    return Release(state.offered_data, state.offered_structure or state.offered_data)


def _request(state: DatasetState) -> dg.RunRequest:
    release = offered(state)
    # The same release is requested once, and once more after every failure or wait. (A person who accepts a failed
    # release takes the wait away, hence both.)
    again = f" failed {state.failures} times" if state.failures else ""
    again += f" after {state.next_attempt_at:%Y-%m-%dT%H:%M:%S}" if state.next_attempt_at else ""
    return dg.RunRequest(
        partition_key=state.dataset,
        run_key=f"{state.dataset}@{release.version}{again}",
        tags=run_tags.of(state.dataset, release, state.title),
    )


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
