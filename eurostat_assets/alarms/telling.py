"""Who is told what: every channel hears of an incident once when it begins, and once when it is over.

What was told is remembered by a `Memory`, per channel: one that fails is told later, and holds up nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from eurostat_assets.alarms.channels import Channel
from eurostat_assets.alarms.conditions import Condition
from eurostat_assets.alarms.errors import ChannelFailed
from eurostat_assets.alarms.message import Message
from eurostat_assets.model.messages import line, message

LINES = 20
"""Incidents in one message: an outage that fails every dataset is one message, and one that can be read."""


class Incident(Protocol):
    """A condition over time; `closed_at` is None while it lasts. Moments are aware."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def opened_at(self) -> datetime: ...
    @property
    def closed_at(self) -> datetime | None: ...


class Memory(Protocol):
    """Where incidents are kept."""

    def reconcile(self, conditions: Collection[Condition], looked_at: Collection[str]) -> None:
        """Open an incident for every condition that has none, and close those of the kinds `looked_at` that are over."""
        ...

    def untold(self, channel: str) -> Sequence[Incident]:
        """What the channel has to hear: open incidents it was not told of, closed ones whose beginning it was told."""
        ...

    def told(self, channel: str, incidents: Sequence[Incident]) -> None:
        """The channel has heard of these, as they are."""
        ...

    def failed(self, channel: str, reason: str) -> None:
        """The channel failed."""
        ...


def tell(memory: Memory, channels: Sequence[Channel], place: str) -> list[str]:
    """Tell every channel what it has not heard yet; returns what happened, a sentence per channel with something to hear.

    `place`: which mirror this is. Raises nothing for a channel that fails.
    """
    secrets = [secret for channel in channels for secret in channel.secrets]
    done = []
    for channel in channels:
        incidents = memory.untold(channel.name)
        if not incidents:
            continue
        try:
            channel.send(compose(incidents, place, secrets))
        except ChannelFailed as error:
            memory.failed(channel.name, error.reason)
            done.append(str(error))
        else:
            memory.told(channel.name, incidents)
            done.append(f"{channel.name} was told of {len(incidents)}")
    return done


def compose(incidents: Sequence[Incident], place: str, secrets: Collection[str] = ()) -> Message:
    """One message of all these, what lasts before what is over."""
    begun = [one for one in incidents if one.closed_at is None]
    over = [one for one in incidents if one.closed_at is not None]
    words = [_count(begun, "problem"), _count(over, "all-clear")]
    if len(incidents) == 1:
        (one,) = incidents
        title = f"{'All clear' if one.closed_at else one.severity.capitalize()}: {one.kind} {one.subject}"
    else:
        title = " and ".join(word for word in words if word)
    lines = [_line(one) for one in (*begun, *over)[:LINES]]
    if len(incidents) > LINES:
        lines.append(f"… and {len(incidents) - LINES} more: eurostat-assets alarms")
    title = line(f"[Eurostat Assets, {place}] {title}", secrets=secrets)
    return Message(title, tuple(message(one, secrets=secrets) for one in lines))


def _line(one: Incident) -> str:
    if one.closed_at is None:
        return f"{one.severity.upper()} {one.kind}, since {one.opened_at:%Y-%m-%d %H:%M} UTC: {one.sentence}"
    lasted = one.closed_at - one.opened_at
    return f"ALL CLEAR {one.kind} {one.subject}: over after {_span(lasted.total_seconds())}"


def _span(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} seconds"


def _count(incidents: Sequence[Incident], what: str) -> str:
    return f"{len(incidents)} {what}{'s' if len(incidents) > 1 else ''}" if incidents else ""
