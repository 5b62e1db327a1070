"""Versions of PostgreSQL with known vulnerabilities are named, and so is a table that is too old to say."""

from datetime import date, timedelta

import pytest

from eurostat_assets.postgres import advisories
from eurostat_assets.postgres.advisories import AS_OF, ENDS, SAFE, TOO_OLD, fault_of, is_outdated, version_of


@pytest.mark.parametrize("major", SAFE)
def test_a_version_before_the_safe_one_is_named_with_what_to_install(major: int):
    number = major * 10_000 + SAFE[major]
    assert fault_of(number, AS_OF) == ""
    assert fault_of(number + 1, AS_OF) == ""
    assert f"{major}.{SAFE[major]}" in fault_of(number - 1, AS_OF)


def test_a_version_that_gets_no_fixes_any_more_is_named():
    assert "no fixes" in fault_of(130_099, AS_OF)
    for major, last in ENDS.items():
        assert fault_of(major * 10_000 + 99, last) == ""
        assert "no fixes" in fault_of(major * 10_000 + 99, last + timedelta(days=1))


def test_of_a_version_that_came_later_nothing_is_known():
    assert fault_of((max(SAFE) + 1) * 10_000, AS_OF) == ""


def test_a_table_of_more_than_a_year_ago_is_no_comfort():
    assert not is_outdated(AS_OF + TOO_OLD)
    assert is_outdated(AS_OF + TOO_OLD + timedelta(days=1))


def test_the_embedded_server_is_of_a_safe_version(database):
    version = version_of(database)
    assert version // 10_000 in SAFE
    assert fault_of(version, AS_OF) == ""
    assert ENDS.keys() == SAFE.keys()
    assert date(2026, 1, 1) < AS_OF
    assert advisories.SOURCE.startswith("https://www.postgresql.org/")
