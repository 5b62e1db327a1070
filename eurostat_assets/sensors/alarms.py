"""The sensor that looks whether anything is wrong, and tells people.

The watchdog outside (`eurostat-assets healthz`) does the same, as a daemon that is dead cannot tell so.
"""

from __future__ import annotations

import dagster as dg

from eurostat_assets import watching
from eurostat_assets.resources import Mirror
from eurostat_assets.settings import Settings


def alarms(knobs: Settings) -> dg.SensorDefinition:
    """The sensor, looking every `alarm_interval` seconds."""

    @dg.sensor(
        name="alarms",
        minimum_interval_seconds=knobs.alarm_interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def look(context: dg.SensorEvaluationContext, mirror: dg.ResourceParam[Mirror]) -> dg.SkipReason:
        """Looks for whatever is wrong: failed and late datasets, checks that hold a release back, a silent feed, failing or
        stopped sensors, audit findings, full disks. Every channel is told once when it begins and once when it is over."""
        seen = watching.look(mirror, context.instance, _names(context))
        done = watching.tell(mirror, seen)
        wrong = (
            ", ".join(sorted({f"{one.kind} {one.subject}" for one in seen.conditions})) or "nothing is wrong"
        )
        return dg.SkipReason("; ".join([wrong[:1000], *done]))

    return look


def _names(context: dg.SensorEvaluationContext) -> set[str] | None:
    """The sensors and schedules of this code location; Dagster also remembers those that were removed."""
    repository = context.repository_def
    if repository is None:
        return None
    return {one.name for one in (*repository.sensor_defs, *repository.schedule_defs)}
