"""What a materialisation shows: numbers as numbers, links that are links, and no markup but ours."""

import re
from pathlib import Path

import dagster as dg
import pytest

from eurostat_assets import metadata
from eurostat_assets.eurostat import Release
from eurostat_assets.jsonstat import ParquetFile, write_parquet
from eurostat_assets.model import markdown

DATASET = Path("jsonstat-eurostat") / "hlth_ehis_hc7.json"


@pytest.fixture
def parquet(shared, tmp_path) -> ParquetFile:
    return write_parquet(shared / "real" / DATASET, tmp_path / "observations.parquet")


@pytest.fixture
def shown(parquet) -> dict:
    release = Release.from_wire(parquet.header.update_data, parquet.header.update_structure)
    return dict(metadata.of_observations(parquet, release, 2.0))


def test_a_real_dataset_shows_its_size_its_span_and_where_it_is_explained(parquet, shown):
    assert shown["dagster/partition_row_count"] == parquet.rows
    assert shown["rows per second"] == round(parquet.rows / 2)
    assert shown["first period"] == shown["last period"] == "2008"
    assert 0 < shown["percent of cells with an observation"] <= 100
    assert (
        shown["reference metadata"].url == "https://ec.europa.eu/eurostat/cache/metadata/en/hlth_det_esms.htm"
    )
    assert re.match(
        r"!\[[^]]*\]\(data:image/png;base64,[A-Za-z0-9+/=]{1000,30000}\)$", shown["picture"].md_str
    )


def test_columns_can_be_followed_from_the_raw_body_to_the_table(parquet, shown):
    members = {column.name for column in metadata.RAW_JSON_COLUMNS.columns}
    lineage = shown["dagster/column_lineage"].deps_by_column
    columns = {column.name for column in shown["dagster/column_schema"].columns}
    assert lineage.keys() == columns
    assert {dep.column_name for deps in lineage.values() for dep in deps} <= members
    assert lineage["obs_value"] == [dg.TableColumnDep("raw_json", "value")]
    release = Release.from_wire(parquet.header.update_data, parquet.header.update_structure)
    of_table = metadata.of_table("HLTH_EHIS_HC7", release, parquet.path)
    published = {column.name for column in of_table["dagster/column_schema"].columns}
    assert published == columns | {"source_dataset_id"}
    for name, deps in of_table["dagster/column_lineage"].deps_by_column.items():
        assert deps == [dg.TableColumnDep("observations", name)]


def test_what_changed_is_counted_or_it_is_said_why_not(parquet, tmp_path):
    told = "changes since the release before"
    assert metadata.of_revision(tmp_path / "none.parquet", parquet.path) == {
        told: "this is the first one here"
    }
    again = metadata.of_revision(parquet.path, parquet.path)
    assert again["observations changed"] == again["observations added"] == again["observations removed"] == 0
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 but not for long")
    assert "cannot be read" in metadata.of_revision(broken, parquet.path)[told]


def test_text_from_eurostat_is_never_markup():
    table = markdown.table(("a",), [("<script>alert(1)</script> | [x](javascript:1)\n# `b`",)])
    assert table.count("\n") == 2
    assert "<" not in table
    assert "\\|" in table
    assert "[x]" not in table
