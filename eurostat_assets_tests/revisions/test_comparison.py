"""Two releases of a dataset, compared cell by cell: against a plain dictionary, and where comparing is refused."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eurostat_assets.revisions import NotCompared, Revision, compare

Cell = tuple[str, str, str]
Content = tuple[float | None, str | None]

cells = st.tuples(
    st.sampled_from(["F", "M", "T"]), st.sampled_from(["AT", "BE", "DE"]), st.sampled_from(["2020", "2021"])
)
contents = st.tuples(st.one_of(st.none(), st.sampled_from([0.0, 1.5])), st.sampled_from([None, "b", "p"]))
releases = st.dictionaries(cells, contents)


def write(path: Path, rows: dict[Cell, Content], names=("sex", "geo"), group: int = 3) -> Path:
    """A Parquet file of observations, in row groups of three rows, each with a dictionary of its own."""
    coded = pa.dictionary(pa.int8(), pa.string())
    keys = list(rows)
    columns = {
        **{
            name: pa.array([key[n] for key in keys]).cast(coded)
            for n, name in enumerate((*names, "time_period"))
        },
        "obs_value": pa.array([rows[key][0] for key in keys], pa.float64()),
        "obs_flag": pa.array([rows[key][1] for key in keys], pa.string()).cast(coded),
        "conf_status": pa.nulls(len(keys), pa.string()).cast(coded),
    }
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=releases, after=releases)
def test_every_cell_that_came_went_or_changed_is_counted(tmp_path, before, after):
    found = compare(write(tmp_path / "a.parquet", before), write(tmp_path / "b.parquet", after))
    common = before.keys() & after.keys()
    changed = sum(before[cell] != after[cell] for cell in common)
    assert found == Revision(
        added=len(after.keys() - common),
        removed=len(before.keys() - common),
        changed=changed,
        same=len(common) - changed,
    )


def test_releases_with_other_dimensions_are_not_compared(tmp_path):
    rows: dict[Cell, Content] = {("F", "AT", "2020"): (1.0, None)}
    before, after = write(tmp_path / "a", rows), write(tmp_path / "b", rows, names=("age", "geo"))
    with pytest.raises(NotCompared, match="new age; gone sex"):
        compare(before, after)


def test_dimensions_in_another_order_are_the_same_dimensions(tmp_path):
    before = write(tmp_path / "a", {("F", "AT", "2020"): (1.0, None), ("M", "AT", "2020"): (2.0, None)})
    after = write(
        tmp_path / "b",
        {("AT", "F", "2020"): (1.0, None), ("AT", "M", "2020"): (3.0, None)},
        names=("geo", "sex"),
    )
    assert compare(before, after) == Revision(added=0, removed=0, changed=1, same=1)


def test_what_is_too_big_is_not_compared(tmp_path):
    rows: dict[Cell, Content] = {("F", "AT", "2020"): (1.0, None), ("M", "AT", "2020"): (1.0, None)}
    path = write(tmp_path / "a", rows)
    with pytest.raises(NotCompared, match="2 observations are too many"):
        compare(path, path, most_rows=1)
