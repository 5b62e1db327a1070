"""What the metrics are made of, read from the mirror's books and disks at one moment.

Here belongs the joining of the rooms `postgres` and `metrics`. Names and units of the metrics are in the room.
"""

from __future__ import annotations

from datetime import UTC, datetime

from eurostat_assets import postgres, watching
from eurostat_assets.metrics import Books, Held
from eurostat_assets.resources import Mirror


def books(mirror: Mirror) -> Books:
    """What the metrics are made of; of a database that is down there is nothing but that."""
    now = datetime.now(UTC)
    space = {one.folder: one.free for one in watching.disks(mirror.settings)}
    try:
        url = mirror.database
        states = postgres.states(url)
        return Books(
            up=True,
            datasets=[
                Held(
                    one.dataset,
                    one.state,
                    (s := states[one.dataset]).rows,
                    s.bytes,
                    s.source_bytes,
                    one.lag(now) if one.behind_since else None,
                )
                for one in postgres.freshness(url)
                if one.dataset in states
            ],
            polls=list(postgres.polls(url).values()),
            outcomes=postgres.outcomes(url),
            stages=postgres.stages(url),
            faults=postgres.faults(url),
            checks=[
                (one.check, one.severity)
                for one in watching.newest_checks(postgres.latest_checks(url))
                if not one.passed
            ],
            findings=[(one.kind, one.severity) for one in postgres.audit_findings(url)],
            incidents=[(one.kind, one.severity) for one in postgres.incidents(url)],
            channels={one.channel: one.failures for one in postgres.alarm_channels(url)},
            free=space,
        )
    except postgres.PostgresError:
        return Books(up=False, free=space)
