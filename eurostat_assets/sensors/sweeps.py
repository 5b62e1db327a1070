"""The sweep: a look at the whole inventory, which finds what the feed missed. It is the job `refresh_catalogue`.

By the clock after Eurostat's hours of release, from a button or the command line; and, while the feed is silent or broken,
again and again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from eurostat_assets import run_tags
from eurostat_assets.jobs import refresh_catalogue
from eurostat_assets.postgres import Poll, claim_sweep, polls
from eurostat_assets.resources import Mirror
from eurostat_assets.settings import Settings

FIRST_IN_QUEUE = {"dagster/priority": "10"}
SECONDS_TO_START = 60
"""So long a sweep that was requested may take to be a run that can be seen."""


def sweep(cron: str) -> dg.ScheduleDefinition:
    """The schedule, by the clock in Brussels, as Eurostat's own."""
    return dg.ScheduleDefinition(
        name="sweep",
        job=refresh_catalogue,
        cron_schedule=cron,
        execution_timezone="Europe/Brussels",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        tags=FIRST_IN_QUEUE | run_tags.why(f"{run_tags.SWEEP} by the clock"),
        description="Compares Eurostat's whole inventory with what is published here.",
    )


def feed_is_silent(feed: Poll, now: datetime, trusted: timedelta) -> str | None:
    """Why the feed alone does not keep the mirror fresh at the moment; None when it does."""
    if feed.error:
        return f"the feed fails: {feed.error}"
    if feed.succeeded_at is None:
        return "the feed was never read"
    if now - feed.succeeded_at > trusted:
        return (
            f"the feed was last read {feed.succeeded_at:%Y-%m-%d %H:%M} UTC, and it tells of seven days only"
        )
    return None


def sweep_when_feed_is_silent(knobs: Settings) -> dg.SensorDefinition:
    """The sensor, sweeping every `blind_sweep_interval` seconds as long as the feed cannot be trusted."""
    trusted = timedelta(seconds=knobs.feed_trusted)
    pause = timedelta(seconds=knobs.blind_sweep_interval)

    @dg.sensor(
        name="sweep_when_feed_is_silent",
        job=refresh_catalogue,
        minimum_interval_seconds=min(60, knobs.blind_sweep_interval),
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def watch(
        context: dg.SensorEvaluationContext, mirror: dg.ResourceParam[Mirror]
    ) -> dg.RunRequest | dg.SkipReason:
        """Sweeps while Eurostat's feed fails, or was not read for longer than it reaches back."""
        under_way = sweeping(context.instance)  # before the polls are read: it may end in between
        looked, now = polls(mirror.database), datetime.now(UTC)
        why = feed_is_silent(looked["feed"], now, trusted)
        if why is None:
            return dg.SkipReason("The feed is read regularly.")
        last = looked["sweep"].tried_at
        if last and now - last < pause:
            return dg.SkipReason(f"Swept {(now - last).seconds} s ago; {why}.")
        if under_way or not claim_sweep(mirror.database, SECONDS_TO_START):
            return dg.SkipReason(f"A sweep is on its way; {why}.")
        return sweep_request(why)

    return watch


def sweep_request(why: str, run_key: str | None = None) -> dg.RunRequest:
    """Return the request for a sweep, with its reason."""
    return dg.RunRequest(
        job_name=refresh_catalogue.name,
        run_key=run_key,
        tags=FIRST_IN_QUEUE | run_tags.why(f"{run_tags.SWEEP}: {why}"),
    )


def may_sweep(instance: dg.DagsterInstance, mirror: Mirror) -> bool:
    """Whether no sweep is under way or was just requested; the caller then has to request one."""
    return not sweeping(instance) and claim_sweep(mirror.database, SECONDS_TO_START)


def sweeping(instance: dg.DagsterInstance) -> bool:
    """Whether a sweep is waiting or at work."""
    unfinished = dg.RunsFilter(
        job_name=refresh_catalogue.name,
        statuses=[
            dg.DagsterRunStatus.QUEUED,
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
        ],
    )
    return instance.get_runs_count(unfinished) > 0
