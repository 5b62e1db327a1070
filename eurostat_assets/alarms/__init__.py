"""Alarms: what is wrong with a mirror, and telling it to people: once when it begins, once when it is over.

Here: the conditions, as a pure function of facts; the channels; who is told what when. Not here: where the facts come from
and where incidents are kept, which both are handed in.
"""

from eurostat_assets.alarms.channels import Channel, Email, Log, Webhook
from eurostat_assets.alarms.conditions import Condition, Limits, conditions
from eurostat_assets.alarms.errors import AlarmError, ChannelFailed, MalformedAddress
from eurostat_assets.alarms.facts import Check, Clockwork, Dataset, Disk, Facts, Finding, Source
from eurostat_assets.alarms.memory import FileMemory
from eurostat_assets.alarms.message import Message
from eurostat_assets.alarms.telling import Incident, Memory, tell

__all__ = [
    "AlarmError",
    "Channel",
    "ChannelFailed",
    "Check",
    "Clockwork",
    "Condition",
    "Dataset",
    "Disk",
    "Email",
    "Facts",
    "FileMemory",
    "Finding",
    "Incident",
    "Limits",
    "Log",
    "MalformedAddress",
    "Memory",
    "Message",
    "Source",
    "Webhook",
    "conditions",
    "tell",
]
