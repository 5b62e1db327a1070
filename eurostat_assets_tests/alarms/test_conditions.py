"""What is wrong, from facts: one condition for one cause, and nothing is over that could not be looked at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from eurostat_assets.alarms import (
    Check,
    Clockwork,
    Condition,
    Dataset,
    Disk,
    Facts,
    Finding,
    Limits,
    Source,
    conditions,
)
from eurostat_assets.alarms.conditions import KINDS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WELL = Facts(
    NOW,
    datasets=(Dataset("A", "current"),),
    checks=(Check("A", "complete", False, True, "fine", NOW),),
    sources=(Source("feed", NOW), Source("sweep", NOW)),
    findings=(),
    clockworks=(Clockwork("eurostat_releases"),),
    daemon=True,
    daemon_seen_at=NOW,
    disks=(Disk("/data", 50_000_000_000, 100_000_000_000),),
    server_fault="",
    reader_fault="",
)


def hours(count: float) -> datetime:
    return NOW - timedelta(hours=count)


FAILED = Dataset("A", "failed", "A: no such thing", failures=2)
HELD = Check("A", "row_count_plausible", True, True, "90 % of rows are gone", NOW)
FEED_FAILS = Source("feed", hours(1), failures=2, error="503")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"datasets": (FAILED,)}, {("dataset_failed", "A")}),
        ({"datasets": (replace(FAILED, failures=1),)}, set()),  # tried again before anybody is woken
        ({"datasets": (replace(FAILED, state="excluded"),)}, set()),
        ({"datasets": (Dataset("A", "stale", behind_since=hours(25)),)}, {("dataset_late", "A")}),
        ({"datasets": (Dataset("A", "stale", behind_since=hours(23)),)}, set()),
        ({"datasets": (replace(FAILED, behind_since=hours(25)),)}, {("dataset_failed", "A")}),
        ({"datasets": (FAILED,), "checks": (HELD,)}, {("check_failed", "A")}),
        ({"checks": (replace(HELD, open=False),)}, set()),  # passed, or accepted by a person
        ({"checks": (replace(HELD, blocks=False),)}, set()),
        (
            {"checks": (Check("A", "dimensions_as_before", True, False, "age is new", NOW),)},
            {("dataset_restructured", "A")},
        ),
        ({"datasets": (Dataset("A", "withdrawn", withdrawn_at=hours(1)),)}, {("dataset_withdrawn", "A")}),
        ({"datasets": (Dataset("A", "withdrawn", withdrawn_at=hours(99)),)}, set()),  # no news any more
        ({"sources": (FEED_FAILS,)}, {("source_failing", "feed")}),
        (
            {"sources": (FEED_FAILS,), "clockworks": (Clockwork("eurostat_releases", failures=2),)},
            {("source_failing", "feed")},
        ),
        ({"sources": (Source("feed", hours(4)), Source("sweep", hours(4)))}, {("source_silent", "feed")}),
        ({"sources": (Source("sweep", hours(31)),)}, {("source_silent", "sweep")}),
        (
            {"sources": (Source("sweep", hours(1), 1, "40 are missing", refused=True),)},
            {("catalogue_shrank", "sweep")},
        ),
        ({"findings": (Finding("A", "rows", "A has a row too many", NOW),)}, {("audit_finding", "A rows")}),
        ({"clockworks": (Clockwork("x", runs=False),)}, {("sensor_stopped", "x")}),
        ({"clockworks": (Clockwork("x", failures=2, error="boom"),)}, {("ticks_failing", "x")}),
        ({"daemon_seen_at": hours(1)}, {("daemon_dead", "daemon")}),
        ({"server_fault": "PostgreSQL 18.3 …"}, {("postgres_vulnerable", "PostgreSQL")}),
        ({"reader_fault": "changed: search_path"}, {("reader_role_changed", "eurostat_reader")}),
        ({"daemon_seen_at": None}, {("daemon_dead", "daemon")}),
        ({"disks": (Disk("/data", 4_000_000_000, 9),)}, {("disk_full", "/data")}),
        ({"disks": (Disk("/data", 5_500_000_000, 9),)}, set()),
        (
            {
                "disks": (Disk("/data", 5_500_000_000, 9),),
                "opened": frozenset({("disk_full", "/data")}),
            },
            {("disk_full", "/data")},
        ),
        ({"database_error": "no connection"}, {("database_down", "mirror")}),
        ({"dagster_error": "no connection"}, {("database_down", "Dagster")}),
        ({"database_error": "stopped", "dagster_error": "stopped"}, {("database_down", "mirror")}),
    ],
)
def test_every_trouble_has_its_condition_and_only_that(changed, expected):
    found, _ = conditions(replace(WELL, **changed), Limits())
    assert {(one.kind, one.subject) for one in found} == expected


def test_what_could_not_be_looked_at_is_neither_wrong_nor_over():
    found, looked_at = conditions(Facts(NOW, database_error="no connection"), Limits())
    assert looked_at == {"database_down"}
    assert {one.kind for one in found} == {"database_down"}
    assert conditions(WELL, Limits()) == (frozenset[Condition](), KINDS)
