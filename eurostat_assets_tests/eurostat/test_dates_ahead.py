"""A date in the future is not believed: every real release would be older than it, and never be published."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eurostat_assets.eurostat import Eurostat
from eurostat_assets.eurostat.errors import DatedAhead
from eurostat_assets_tests.eurostat.bodies import body_of, inspect
from eurostat_assets_tests.eurostat.conftest import Publisher
from eurostat_assets_tests.eurostat.test_download import complete

FUTURE = "2050-01-01T23:00:00+0100"
HEAD = "Code\tType\tSource dataset\tLast data change\tLast structural change\n"
REAL = "2026-02-06T23:00:00+0100"


@pytest.fixture
def careful(publisher: Publisher) -> Iterator[Eurostat]:
    with Eurostat(publisher.url, attempts=3, backoff=0.01, ahead=timedelta(days=2)) as client:
        yield client


def test_the_inventory_goes_on_without_it(careful: Eurostat, publisher: Publisher) -> None:
    lines = [
        f"HLTH_A\tDATASET\t\t{FUTURE}\t{REAL}",  # before the real one of the same code, and after
        f"HLTH_A\tDATASET\t\t{REAL}\t{REAL}",
        f"HLTH_A\tDATASET\t\t{FUTURE}\t{REAL}",
        f"HLTH_B\tDATASET\t\t{FUTURE}\t-",
        f"HLTH_C\tDATASET\t\t{REAL}\t{FUTURE}",
        f"HLTH_D\tDATASET\t\t{(datetime.now(UTC) + timedelta(hours=30)).isoformat(timespec='seconds')}\t-",
    ]
    publisher.replies = [complete((HEAD + "\n".join(lines)).encode())]
    inventory = careful.inventory()
    assert sorted(inventory) == ["HLTH_A", "HLTH_C", "HLTH_D"]
    assert inventory["HLTH_A"].release.version == "2026-02-06T22:00:00Z_2026-02-06T22:00:00Z"
    assert inventory["HLTH_C"].release.updated.year == 2026
    assert inventory.broken_lines.total == 3
    assert "HLTH_B is dated 2050-01-01, in the future" in inventory.broken_lines[-1]
    assert "HLTH_C is dated 2050-01-01" in inventory.unknown_cells[0]


def test_a_body_is_refused_once_and_nothing_kept(
    careful: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete(body_of(data=FUTURE))]
    with pytest.raises(DatedAhead, match="HLTH_A: its release is dated 2050-01-01, in the future"):
        careful.download("HLTH_A", tmp_path, inspect=inspect)
    assert len(publisher.asked) == 1
    assert not list(tmp_path.iterdir())
    with pytest.raises(DatedAhead, match="EUROSTAT_DAYS_AHEAD"):
        careful.probe("HLTH_A")


def test_a_source_with_a_time_of_its_own_is_believed(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete(body_of(data=FUTURE))]
    assert eurostat.download("HLTH_A", tmp_path, inspect=inspect).release.data.year == 2050
