"""The tables that the demo closes with: whole codes, numbers and dates at any width, whatever the titles are like."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from eurostat_assets.cli.result_table import result_tables

TITLES = st.text(st.characters(codec="ascii", categories=("L", "N", "Zs")), max_size=200)
DATASETS = st.lists(
    st.tuples(
        st.from_regex(r"HLTH_[A-Z0-9_]{2,16}", fullmatch=True), st.integers(0, 10**9), st.dates(), TITLES
    ),
    min_size=1,
    max_size=20,
)


def shown(columns: list[str], rows: list[tuple[object, ...]], width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        for table in result_tables("a query", columns, rows, width=width, cut="title"):
            console.print(table)
    return capture.get().splitlines()


@given(DATASETS, st.sampled_from([80, 100, 120, 140]))
def test_only_titles_are_cut(rows, width):
    lines = shown(["dataset", "rows", "data", "title"], rows, width)
    assert max(len(line) for line in lines) <= width
    body = lines[3:]
    assert len(body) == len(rows)
    for line, (code, count, date, title) in zip(body, rows, strict=True):
        assert line.split()[:3] == [code, f"{count:,}", str(date)]
        assert not title.strip() or title.strip()[:10].rstrip() in line


@pytest.mark.parametrize("width", [80, 100, 120, 140])
def test_columns_that_do_not_fit_follow_below(width):
    columns = ["freq", "unit", "c_birth", "sex", "age", "geo", "time_period", "period_start", "period_end"]
    columns += ["obs_value", "obs_flag", "conf_status", "source_dataset_id"]
    day = datetime.date(2020, 12, 31)
    row = (
        "A",
        "PC_POP",
        "EU27_2020_FOR",
        "F",
        "Y_GE65",
        "DE",
        "2020",
        day,
        day,
        93.25,
        "bep",
        None,
        "HLTH_DM_NOGEO",
    )
    lines = shown(columns, [row] * 5, width)
    assert max(len(line) for line in lines) <= width
    words = " ".join(lines).split()
    assert all(words.count(name) == 1 for name in columns)
    assert all(words.count(str(cell)) in (5, 10) for cell in row if cell is not None)
