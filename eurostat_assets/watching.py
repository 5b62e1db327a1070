"""The look at everything that may be wrong, and telling of it; the same for the sensor `alarms` and the watchdog.

Here belongs the joining of the mirror's books, Dagster's and the disks to the room `alarms`. What is wrong,
and who is told, is decided there.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from eurostat_assets import access, alarms, postgres, room
from eurostat_assets.model.messages import message
from eurostat_assets.postgres import advisories
from eurostat_assets.resources import Mirror
from eurostat_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg


UNBELIEVED = "taken for a broken catalogue"
"""What CatalogueShrank says of itself."""


@dataclass(frozen=True)
class Seen:
    """What a look found wrong, when, and which kinds of trouble it could look for."""

    now: datetime
    conditions: frozenset[alarms.Condition]
    looked_at: frozenset[str]

    def only(self, *kinds: str) -> Seen:
        """Nothing but these kinds of trouble."""
        kept = frozenset(one for one in self.conditions if one.kind in kinds)
        return Seen(self.now, kept, self.looked_at & set(kinds))

    @property
    def well(self) -> bool:
        return not any(one.severity == "alarm" for one in self.conditions)


def look(
    mirror: Mirror,
    instance: dg.DagsterInstance | None,
    names: Collection[str] | None = None,
    *,
    trouble: str = "",
) -> Seen:
    """What is wrong with `mirror` now. Raises nothing for a database or a Dagster that is away: that is found wrong.

    `trouble`: why there is no `instance`. `names`: the sensors and schedules that there are; None: all that Dagster
    remembers.
    """
    now = datetime.now(UTC)
    facts = alarms.Facts(now, dagster_error=trouble, disks=disks(mirror.settings))
    try:
        facts = _with_books(facts, mirror.database)
        facts = replace(facts, reader_fault=access.reader_fault(mirror.settings, mirror.database))
    except postgres.PostgresError as error:
        remedy = "" if isinstance(error, postgres.ServerStopped) else ". Start it, or free its disk"
        facts = replace(facts, database_error=message(f"{error}{remedy}"))
    if instance is not None:
        try:
            facts = _with_dagster(facts, instance, names, mirror.settings.alarm_after_failures)
        except Exception as error:  # noqa: BLE001 (of many kinds: whatever it is, the rest is looked at and told)
            facts = replace(facts, dagster_error=message(str(error).strip().partition("\n")[0]))
    found, looked_at = alarms.conditions(facts, limits(mirror.settings))
    return Seen(now, found, looked_at)


def tell(mirror: Mirror, seen: Seen) -> list[str]:
    """Remember what was seen and tell every channel what it has not heard; returns what happened, in sentences.

    What cannot be kept in the database, because that is down, is kept in a file of the home.
    """
    knobs = mirror.settings
    ways, place = channels(knobs), knobs.theme or knobs.theme_subtree or "mirror"
    of_database = frozenset({"database_down"})
    wrong = [one for one in seen.conditions if one.kind in of_database]
    file = alarms.FileMemory(knobs.home / "alarms.json")
    file.reconcile(wrong, of_database)
    done = alarms.tell(file, ways, place)
    if ("database_down", "mirror") in {(one.kind, one.subject) for one in wrong}:
        return done
    with postgres.telling(mirror.database) as memory:
        if memory is None:
            return [*done, "another process is telling at this moment"]
        memory.reconcile(seen.conditions - set(wrong), seen.looked_at)
        return [*done, *alarms.tell(memory, ways, place)]


def channels(knobs: Settings) -> list[alarms.Channel]:
    """The channels that are set; always the log. Raises MalformedAddress."""
    ways: list[alarms.Channel] = [alarms.Log()]
    if webhook := knobs.alarm_webhook.get_secret_value():
        ways.append(alarms.Webhook(webhook))
    if (server := knobs.smtp_url.get_secret_value()) and knobs.alarm_email:
        ways.append(alarms.Email(server, knobs.alarm_email, knobs.alarm_sender))
    return ways


def limits(knobs: Settings) -> alarms.Limits:
    return alarms.Limits(
        failures=knobs.alarm_after_failures,
        late=timedelta(seconds=knobs.alarm_lag),
        feed_silence=timedelta(seconds=knobs.alarm_feed_silence),
        sweep_silence=timedelta(seconds=knobs.alarm_sweep_silence),
        daemon_silence=timedelta(seconds=knobs.alarm_daemon_silence),
        disk_free=int(knobs.alarm_disk_free * 1e9),
    )


def disks(knobs: Settings) -> tuple[alarms.Disk, ...]:
    """The file systems of home, store and embedded database, each once; a store elsewhere has none here."""
    found: dict[int, alarms.Disk] = {}
    for folder in room.folders(knobs):
        usage = shutil.disk_usage(folder)
        found.setdefault(folder.stat().st_dev, alarms.Disk(str(folder), usage.free, usage.total))
    return tuple(found.values())


def newest_checks(results: Sequence[postgres.CheckResult]) -> list[postgres.CheckResult]:
    """Of every dataset, those of the release that was checked last: what an older one failed is history."""
    newest: dict[str, postgres.CheckResult] = {}
    for one in results:
        if one.dataset not in newest or one.checked_at > newest[one.dataset].checked_at:
            newest[one.dataset] = one
    return [one for one in results if one.release == newest[one.dataset].release]


def _with_books(facts: alarms.Facts, url: str) -> alarms.Facts:
    states: Mapping[str, postgres.DatasetState] = postgres.states(url)
    behind = {one.dataset: one.behind_since for one in postgres.freshness(url)}
    wanted = {code for code, one in states.items() if one.state not in ("withdrawn", "excluded")}
    return replace(
        facts,
        datasets=tuple(
            alarms.Dataset(
                code, one.state, one.error or one.unanswered, max(one.failures, one.probe_failures),
                one.failed_at, behind.get(code), one.withdrawn_at, one.room_needed,
            )
            for code, one in states.items()
        ),
        checks=tuple(
            alarms.Check(
                one.dataset, one.check, not one.passed and not one.accepted, one.severity == "block",
                one.sentence, one.checked_at,
            )
            for one in newest_checks(postgres.latest_checks(url))
            if one.dataset in wanted
        ),
        sources=tuple(
            alarms.Source(
                one.source, one.succeeded_at, one.failures, one.error, UNBELIEVED in (one.error or "")
            )
            for one in postgres.polls(url).values()
        ),
        findings=tuple(
            alarms.Finding(one.subject, one.kind, one.sentence, one.first_seen)
            for one in postgres.audit_findings(url)
            if one.severity == "error"
        ),
        opened=frozenset((one.kind, one.subject) for one in postgres.incidents(url)),
        server_fault=advisories.fault_of(advisories.version_of(url), facts.now.date()),
    )  # fmt: skip


def _with_dagster(
    facts: alarms.Facts, instance: dg.DagsterInstance, names: Collection[str] | None, failures: int
) -> alarms.Facts:
    required = set(instance.get_required_daemon_types())
    beats = [beat.timestamp for kind, beat in instance.get_daemon_heartbeats().items() if kind in required]
    seen = datetime.fromtimestamp(min(beats), UTC) if beats else None
    return replace(
        facts,
        daemon=True,
        daemon_seen_at=seen,
        clockworks=tuple(
            _clockwork(instance, state, failures)
            for state in instance.all_instigator_state()
            if names is None or state.instigator_name in names
        ),
    )


def _clockwork(instance: dg.DagsterInstance, state: object, failures: int) -> alarms.Clockwork:
    from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickStatus

    assert isinstance(state, InstigatorState)
    if state.status == InstigatorStatus.STOPPED:
        return alarms.Clockwork(state.instigator_name, runs=False)
    latest = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=failures + 1)
    ended = [tick for tick in latest if tick.status != TickStatus.STARTED][:failures]
    failed = [tick for tick in ended if tick.status == TickStatus.FAILURE]
    if not failed or len(failed) < len(ended):
        return alarms.Clockwork(state.instigator_name)
    error = failed[0].error
    while error and error.cause:
        error = error.cause
    return alarms.Clockwork(
        state.instigator_name, failures=len(failed), error=error.message.strip() if error else ""
    )
