"""When: the sensor that follows Eurostat's RSS feed.

Here belongs the decision which partitions are due, not how a feed is read (`eurostat/`) or what was published (`postgres/`).
"""

from collections.abc import Callable, Iterable, Mapping

import dagster as dg

from eurostat_assets import partitions
from eurostat_assets.assets import eurostat_dataset, observations, published_table, raw_json
from eurostat_assets.eurostat import Eurostat, EurostatError, FeedItem, MalformedCode, Release, check_code
from eurostat_assets.failures import reason
from eurostat_assets.partitions import datasets
from eurostat_assets.postgres import published, record_failure
from eurostat_assets.resources import Mirror

DATA_VERSION_TAG = "dagster/data_version"
PROBES_PER_TICK = 20  # above this many news, one inventory is cheaper than a probe for each


def hinted(items: Iterable[FeedItem], wanted: Callable[[str], bool], ours: Mapping[str, Release]) -> set[str]:
    """Codes wanted here for which the feed tells of something newer than what is published (`ours`)."""
    return {
        item.code
        for item in items
        if item.about_dataset
        and wanted(item.code)
        and (item.code not in ours or item.published > ours[item.code].updated)
    }


def stale(offered: Mapping[str, Release], ours: Mapping[str, Release]) -> dict[str, Release]:
    """The offered releases that are newer than ours, or of datasets that are not published yet."""
    return {
        code: release
        for code, release in sorted(offered.items())
        if code not in ours or release.newer_than(ours[code])
    }


def eurostat_releases(poll_interval: int) -> dg.SensorDefinition:
    """The sensor, looking every `poll_interval` seconds."""

    @dg.sensor(
        name="eurostat_releases",
        target=[raw_json, observations, published_table],
        minimum_interval_seconds=poll_interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def follow_feed(
        context: dg.SensorEvaluationContext,
        eurostat: dg.ResourceParam[Eurostat],
        mirror: dg.ResourceParam[Mirror],
    ) -> dg.SensorResult | dg.SkipReason:
        """Looks at Eurostat's RSS feed and requests one run for every dataset of the theme that has a newer release
        than the one published here. An item of the feed is only a hint: the dataset's own dates decide."""
        items = eurostat.feed()
        ours = _published(mirror)
        ours_by_name = set(partitions.known(context.instance))
        news = hinted(items, lambda code: code in ours_by_name or mirror.theme.matches(code), ours)
        busy = in_flight(context.instance)
        offered, unanswered = _offered(eurostat, news - busy)
        due = stale(offered, ours)
        if not due:
            return dg.SkipReason(
                f"Nothing new: {len(items)} items in the feed, {len(news)} of this theme and younger than ours, "
                f"{len(news & busy)} of them being loaded now, {len(unanswered)} not answered, none with a newer release."
            )
        return dg.SensorResult(
            dynamic_partitions_requests=[datasets.build_add_request(list(due))],
            asset_events=[
                dg.AssetObservation(
                    eurostat_dataset.key, partition=code, tags={DATA_VERSION_TAG: release.version}
                )
                for code, release in due.items()
            ],
            run_requests=[
                dg.RunRequest(
                    partition_key=code,
                    run_key=f"{code}@{release.version}",
                    tags={"eurostat/dataset": code, "eurostat/release": release.version},
                )
                for code, release in due.items()
            ],
        )

    return follow_feed


def is_code(text: str) -> bool:
    """Whether this may be a dataset code at all."""
    try:
        return bool(check_code(text))
    except MalformedCode:
        return False


def _published(mirror: Mirror) -> dict[str, Release]:
    states = published(mirror.database).items()
    return {code: Release.parse(state.release) for code, state in states if state.release}


def _offered(eurostat: Eurostat, codes: set[str]) -> tuple[dict[str, Release], set[str]]:
    """The releases Eurostat has of these datasets, and the codes it gave none for (withdrawn, or trouble with that one)."""
    if len(codes) > PROBES_PER_TICK:
        inventory = eurostat.inventory()
        offered = {code: inventory[code].release for code in codes if code in inventory}
        return offered, codes - offered.keys()
    offered = {}
    for code in sorted(codes):
        try:
            offered[code] = eurostat.probe(code)
        except EurostatError:
            # Not a reason to hold up the others: the item stays in the feed, so the next tick asks again.
            continue
    return offered, codes - offered.keys()


def in_flight(instance: dg.DagsterInstance) -> set[str]:
    """Partitions that a run is waiting or working for."""
    unfinished = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.QUEUED,
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
        ]
    )
    return {
        run.tags["dagster/partition"]
        for run in instance.get_runs(unfinished)
        if "dagster/partition" in run.tags
    }


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING)
def failed_runs(context: dg.RunFailureSensorContext, mirror: dg.ResourceParam[Mirror]) -> None:
    """Writes into `eurostat.datasets` that the last attempt to mirror a dataset failed, and why; the published table
    stays as it was."""
    code = context.dagster_run.tags.get("dagster/partition")
    if code and is_code(code):  # what somebody typed as a partition key need not be one
        record_failure(
            mirror.database, code, reason([*context.get_step_failure_events(), context.failure_event])
        )
