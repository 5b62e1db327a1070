"""What is counted in a Parquet file, and what a file is found out by that our reader did not write."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets import sandbox
from eurostat_assets.checks.dataset import announced
from eurostat_assets.jsonstat import ParquetFile, write_parquet
from eurostat_assets.jsonstat.periods import period_days
from eurostat_assets.quality import Limits, NotObservations, Profile, Verdict, judge, profile

CODE = "HLTH_CD_ARO"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> ParquetFile:
    """One of the sandbox's datasets, read by the reader."""
    from eurostat_assets import resources
    from eurostat_assets.jsonstat import read_header
    from eurostat_assets.settings import Settings

    folder = tmp_path_factory.mktemp("quality")
    with sandbox.running(profile="tests") as source:
        eurostat = resources.client(Settings(api_url=source.api_url, home=folder / "home", request_pace=0))
        raw = eurostat.download(CODE, folder, inspect=read_header)
    return write_parquet(list(raw.paths), folder / "whole.parquet")


def changed(written: ParquetFile, change: Callable[[pa.Table], pa.Table], target: Path) -> Path:
    """The file with its rows changed, in row groups of its own size and with all that it says of itself."""
    table = change(pq.read_table(written.path))
    pq.write_table(table.replace_schema_metadata(table.schema.metadata), target, row_group_size=1000)
    return target


def failed(found: Profile, written: ParquetFile, history: tuple = ()) -> dict[str, Verdict]:
    verdicts = judge(found, written.rows, announced(written.header), history, Limits())
    return {one.check: one for one in verdicts if not one.passed}


def test_everything_is_counted(written):
    found = profile(written.path, period_days)
    table = pq.read_table(written.path)
    assert found.rows == table.num_rows == written.rows
    assert found.missing == table["obs_value"].null_count
    assert found.flagged == table.num_rows - table["obs_flag"].null_count
    assert found.confidential == table.num_rows - table["conf_status"].null_count
    assert found.periods == Counter(table["time_period"].cast("string").to_pylist())
    for column, codes in found.codes.items():
        assert set(codes) == set(table[column].cast("string").unique().to_pylist())
    assert not failed(found, written)


def test_the_count_is_the_same_whatever_the_row_groups(written, tmp_path):
    again = changed(written, lambda table: table, tmp_path / "again.parquet")
    assert profile(again, period_days) == profile(written.path, period_days)


@pytest.mark.parametrize("share", [1, 3])
def test_a_year_whose_rows_have_no_days_is_no_period(written, tmp_path, share):
    def dateless(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("period_start")
        days = [
            None if row % share == 0 else day for row, day in enumerate(table["period_start"].to_pylist())
        ]
        return table.set_column(place, table.schema.field(place), [pa.array(days, pa.date32())])

    file = changed(written, dateless, tmp_path / "dateless.parquet")
    found = profile(file, period_days)
    assert sum(found.odd_periods.values()) == len(range(0, written.rows, share))
    verdict = failed(found, written)["periods_parse"]
    assert verdict.severity == "block"
    assert "contradicts" in verdict.sentence


def dropped(table: pa.Table, n: int) -> pa.Table:
    return pa.concat_tables([table[:n], table[n + 1 :]])


def repeated(table: pa.Table, n: int) -> pa.Table:
    return pa.concat_tables([table[: n + 1], table[n:]])


def swapped(table: pa.Table, n: int) -> pa.Table:
    """The codes of two rows exchanged, their values kept: as if two codes had been mixed up on the way."""
    order = np.arange(table.num_rows)
    order[[n, n + 1]] = order[[n + 1, n]]
    codes = table.take(pa.array(order))
    place = table.schema.get_field_index("obs_value")
    return codes.set_column(place, table.schema.field(place), table["obs_value"])


def renamed(table: pa.Table, n: int) -> pa.Table:
    """One row of a code that no list has."""
    codes = table["geo"].cast("string").to_pylist()
    codes[n] = "ATLANTIS"
    column = pa.array(codes).dictionary_encode()
    return table.set_column(table.schema.get_field_index("geo"), "geo", column)


@pytest.mark.parametrize(
    ("change", "check"),
    [(dropped, "complete"), (repeated, "unique_keys"), (swapped, "unique_keys"), (renamed, "known_codes")],
)
def test_a_row_that_was_changed_between_reading_and_storing_is_noticed(written, tmp_path, change, check):
    for n in (0, 999, 1000, written.rows - 2):  # also where two row groups meet
        file = changed(written, lambda table, n=n: change(table, n), tmp_path / "changed.parquet")
        problems = failed(profile(file, period_days), written)
        assert check in problems, (n, problems)
        assert problems[check].blocks


def test_a_file_of_another_kind_is_refused_by_name(tmp_path, written):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    (tmp_path / "cut.parquet").write_bytes(written.path.read_bytes()[:-100])
    for name in ("other.parquet", "cut.parquet"):
        with pytest.raises(NotObservations, match=name):
            profile(tmp_path / name, period_days)
