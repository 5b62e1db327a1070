"""What is wrong, from the facts of one moment and the limits that were set: pure functions, one per family of conditions.

One cause is one condition: a dataset that a check holds back is not also called failed and late; while the feed fails, the
sensor that reads it is not also called failing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from eurostat_assets.alarms.facts import Dataset, Facts
from eurostat_assets.model.messages import line, message

Severity = Literal["alarm", "notice"]

OF_THE_DATABASE = frozenset({"database_down"})
OF_DATASETS = frozenset({"dataset_failed", "dataset_late", "dataset_withdrawn"})
OF_CHECKS = frozenset({"check_failed", "dataset_restructured"})
OF_SOURCES = frozenset({"source_failing", "source_silent", "catalogue_shrank"})
OF_AUDITS = frozenset({"audit_finding"})
OF_CLOCKWORK = frozenset({"sensor_stopped", "ticks_failing"})
OF_THE_DAEMON = frozenset({"daemon_dead"})
OF_DISKS = frozenset({"disk_full"})
OF_THE_SERVER = frozenset({"postgres_vulnerable"})
OF_READERS = frozenset({"reader_role_changed"})
KINDS = (
    OF_THE_DATABASE | OF_DATASETS | OF_CHECKS | OF_SOURCES | OF_AUDITS | OF_CLOCKWORK | OF_THE_DAEMON | OF_DISKS
    | OF_THE_SERVER | OF_READERS
)  # fmt: skip
LISTENER = "eurostat_releases"
"""The sensor that reads the feed."""
ENOUGH_AGAIN = 1.2  # a disk is well again a little above where the alarm began, so that it does not flutter


@dataclass(frozen=True, order=True)
class Condition:
    """Something that is wrong with `subject`. A `notice` is news that needs nobody's hand: it has no all-clear."""

    kind: str
    subject: str
    sentence: str
    severity: Severity = "alarm"

    def __post_init__(self) -> None:
        """What is wrong was often said by others: servers, libraries, Dagster."""
        object.__setattr__(self, "subject", line(self.subject))
        object.__setattr__(self, "sentence", message(self.sentence))


@dataclass(frozen=True)
class Limits:
    """From when on something is told; `disk_free` in bytes, `failures` in a row."""

    failures: int = 2
    late: timedelta = timedelta(hours=24)
    feed_silence: timedelta = timedelta(hours=3)
    sweep_silence: timedelta = timedelta(hours=30)
    daemon_silence: timedelta = timedelta(seconds=180)
    disk_free: int = 5_000_000_000
    news: timedelta = timedelta(days=2)


def conditions(facts: Facts, limits: Limits) -> tuple[frozenset[Condition], frozenset[str]]:
    """Everything that is wrong, and the kinds that could be looked at: only those can be over."""
    parts = (
        (facts.datasets, OF_DATASETS, _datasets),
        (facts.checks, OF_CHECKS, _checks),
        (facts.sources, OF_SOURCES, _sources),
        (facts.findings, OF_AUDITS, _findings),
        (facts.clockworks, OF_CLOCKWORK, _clockworks),
        (facts.daemon or None, OF_THE_DAEMON, _daemon),
        (facts.disks, OF_DISKS, _disks),
        (facts.server_fault, OF_THE_SERVER, _server),
        (facts.reader_fault, OF_READERS, _readers),
    )
    found, looked_at = set(_database(facts)), OF_THE_DATABASE
    for known, kinds, judge in parts:
        if known is not None:
            found |= set(judge(facts, limits))
            looked_at |= kinds
    return frozenset(found), looked_at


def _database(facts: Facts) -> Iterator[Condition]:
    if facts.database_error:
        yield Condition("database_down", "mirror", facts.database_error)
    if facts.dagster_error and facts.dagster_error != facts.database_error:  # one cause is one alarm
        yield Condition(
            "database_down", "Dagster", f"Dagster's storage does not answer: {facts.dagster_error}"
        )


def _datasets(facts: Facts, limits: Limits) -> Iterator[Condition]:
    held_back = {one.dataset for one in facts.checks or () if one.open and one.blocks}
    for one in facts.datasets or ():
        if one.state == "withdrawn":
            if _is_news(one.withdrawn_at, facts, limits):
                story = f"{one.code} is gone from Eurostat; its table stays as it is"
                yield Condition("dataset_withdrawn", one.code, story, "notice")
        elif one.state != "excluded" and one.code not in held_back:
            yield from _behind(one, facts.now, limits)


def _behind(one: Dataset, now: datetime, limits: Limits) -> Iterator[Condition]:
    if one.error and one.failures >= limits.failures:
        story = f"{one.code} failed {one.failures} times in a row: {_bare(one.error, one.code)}"
        yield Condition("dataset_failed", one.code, story)
    elif one.room_needed is None and one.behind_since and now - one.behind_since > limits.late:
        story = (
            f"{one.code} has a release of {one.behind_since:%Y-%m-%d %H:%M} UTC that is not published here"
            f" (state {one.state}); run `eurostat-assets sync {one.code}` to see why"
        )
        yield Condition("dataset_late", one.code, story)


def _checks(facts: Facts, limits: Limits) -> Iterator[Condition]:
    blocking: dict[str, list[str]] = {}
    for one in facts.checks or ():
        if one.open and one.blocks:
            blocking.setdefault(one.dataset, []).append(f"{one.name} ({_bare(one.sentence, one.dataset)})")
        elif one.open and one.name == "dimensions_as_before" and _is_news(one.at, facts, limits):
            story = f"{one.dataset} was restructured: {_bare(one.sentence, one.dataset)}"
            yield Condition("dataset_restructured", one.dataset, story, "notice")
    for dataset, stories in blocking.items():
        story = (
            f"{dataset}: its new release is held back by {', '.join(sorted(stories))}; the last good one stays published."
            f" If it is right: eurostat-assets accept {dataset} --reason …"
        )
        yield Condition("check_failed", dataset, story)


def _sources(facts: Facts, limits: Limits) -> Iterator[Condition]:
    silence = {"feed": limits.feed_silence, "sweep": limits.sweep_silence}
    for one in facts.sources or ():
        if one.refused:
            yield Condition("catalogue_shrank", one.name, f"the catalogue was not believed: {one.error}")
        elif one.error and one.failures >= limits.failures:
            story = f"Eurostat's {one.name} failed {one.failures} times in a row: {one.error}"
            yield Condition("source_failing", one.name, story)
        elif one.succeeded_at and facts.now - one.succeeded_at > silence[one.name]:
            story = f"the {one.name} was last read {one.succeeded_at:%Y-%m-%d %H:%M} UTC; see whether daemon and sensors run"
            yield Condition("source_silent", one.name, story)


def _findings(facts: Facts, _limits: Limits) -> Iterator[Condition]:
    for one in facts.findings or ():
        yield Condition("audit_finding", f"{one.subject} {one.kind}", one.sentence)


def _clockworks(facts: Facts, limits: Limits) -> Iterator[Condition]:
    feed_fails = any(one.name == "feed" and one.error for one in facts.sources or ())
    for one in facts.clockworks or ():
        if not one.runs:
            story = f"{one.name} is stopped; start it in the Dagster UI, under Automation"
            yield Condition("sensor_stopped", one.name, story)
        elif one.failures >= limits.failures and not (feed_fails and one.name == LISTENER):
            yield Condition(
                "ticks_failing", one.name, f"the last {one.failures} ticks of {one.name} failed: {one.error}"
            )


def _daemon(facts: Facts, limits: Limits) -> Iterator[Condition]:
    seen = facts.daemon_seen_at
    if seen is None or facts.now - seen > limits.daemon_silence:
        last = f"its last sign of life was {seen:%Y-%m-%d %H:%M:%S} UTC" if seen else "it was never seen"
        yield Condition("daemon_dead", "daemon", f"the Dagster daemon does not run: {last}; start it again")


def _disks(facts: Facts, limits: Limits) -> Iterator[Condition]:
    told = False
    for one in facts.disks or ():
        enough = limits.disk_free * (ENOUGH_AGAIN if ("disk_full", one.folder) in facts.opened else 1)
        if one.free < enough:
            story = f"{one.free / 1e9:.1f} GB of {one.size / 1e9:.0f} GB are free under {one.folder}; free some space"
            yield Condition("disk_full", one.folder, f"{story}{_waiting_for_room(facts)}")
            told = True
    if facts.disks and not told and (waiting := _waiting_for_room(facts)):
        tightest = min(facts.disks, key=lambda disk: disk.free)
        story = f"{tightest.free / 1e9:.1f} GB are free under {tightest.folder}, too little{waiting}; free some space"
        yield Condition("disk_full", tightest.folder, story)


def _waiting_for_room(facts: Facts) -> str:
    """The datasets that wait for room, as the end of a sentence; empty where there are none."""
    needs = [one.room_needed for one in facts.datasets or () if one.room_needed is not None]
    return (
        f" for {len(needs)} datasets that wait; the smallest needs {min(needs) / 1e9:.2f} GB" if needs else ""
    )


def _server(facts: Facts, _limits: Limits) -> Iterator[Condition]:
    if facts.server_fault:
        yield Condition("postgres_vulnerable", "PostgreSQL", facts.server_fault)


def _readers(facts: Facts, _limits: Limits) -> Iterator[Condition]:
    if facts.reader_fault:
        yield Condition("reader_role_changed", "eurostat_reader", facts.reader_fault)


def _is_news(at: datetime | None, facts: Facts, limits: Limits) -> bool:
    return at is not None and facts.now - at <= limits.news


def _bare(sentence: str, subject: str) -> str:
    """A sentence that begins with its subject, without it; shortened, and in one line."""
    return " ".join(sentence.split()).removeprefix(f"{subject}: ")[:500]
