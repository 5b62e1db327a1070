"""Recorded answers of Eurostat and others decode to exactly their cells."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.jsonstat import BadNumber, NotADataset, read, read_header, write_parquet
from eurostat_assets_tests.jsonstat.plain import decode

EUROSTAT = [
    ("hlth_ehis_hc7", 7027),
    ("ilc_di03_eu27", 270),
    ("nama_10_gdp_dk", 64),
    ("nama_10_gdp_one_obs_trimmed", 1),
    ("nama_10_gdp_time_empty", 0),
    ("prc_hicp_manr_ea_monthly", 3),
    ("old-api/json_v1_nama_gdp_c", 3036),
    ("old-api/json_v1_nama_gdp_c_IT", 69),
    ("old-api/wdds_v2.1_nrg_113a", 39975),
    ("old-api/wdds_v2.1_ten00108_de", 195),
]
OTHERS = [
    ("canada", None, 120),
    ("cantabria_epa", None, 4205),
    ("cso_CIA01_v1_size_strings", None, 8325),
    ("dkstatbank_HISB3", None, 6),
    ("galicia", None, 3956),
    ("hierarchy", None, 0),
    ("istat_DCSP_IPAB_v1", None, 187),
    ("oecd", None, 432),
    ("oecd-canada-col", "0", 432),
    ("oecd-canada-col", "1", 120),
    ("oecd-canada_v1_bundle", "oecd", 432),
    ("oecd-canada_v1_bundle", "canada", 120),
    ("ons_CPI15_v1", None, 33472),
    ("ons_QS104EW_v1", None, 3),
    ("ssb_29843_v1", None, 37440),
    ("statswe_socialstyrelsen_v1", None, 1120),
    ("us-gsp", None, 204),
    ("us-unr", None, 3220),
]
RECORDED = [
    *(("jsonstat-eurostat/" + name, None, rows) for name, rows in EUROSTAT),
    *(("jsonstat-other/" + name, dataset, rows) for name, dataset, rows in OTHERS),
]


def table(path: Path, dataset: str | None = None) -> pa.Table:
    observations = read(path, dataset=dataset)
    return pa.Table.from_batches(observations, observations.schema)


@pytest.mark.parametrize(("name", "dataset", "count"), RECORDED)
def test_a_recorded_file_decodes_to_exactly_its_cells(
    shared: Path, name: str, dataset: str | None, count: int
) -> None:
    path = shared / "real" / f"{name}.json"
    columns, rows = decode(path, dataset)
    found = table(path, dataset).select(columns)
    assert list(zip(*(column.to_pylist() for column in found), strict=True)) == rows
    assert len(rows) == count


def test_a_health_dataset_equals_the_table_others_made_of_it_and_keeps_its_confidential_cells(
    shared: Path, tmp_path: Path
) -> None:
    source = shared / "real" / "jsonstat-eurostat" / "hlth_ehis_hc7.json"
    written = write_parquet(source, tmp_path / "hlth_ehis_hc7.parquet")
    found = pq.read_table(written.path).to_pylist()
    dimensions = ["freq", "age", "sex", "icd10", "isced97", "geo", "time"]

    with (shared / "real" / "expected-tables" / "hlth_ehis_hc7_interpreted.csv").open(
        encoding="utf-8"
    ) as file:
        expected = [
            (*(row[f"{one}_key"] for one in dimensions), float(row["Value"]), row["Status_Code"] or None)
            for row in csv.DictReader(file)
        ]

    def key(row: dict) -> tuple:
        return tuple(row["time_period" if one == "time" else one] for one in dimensions)

    valued = [(*key(row), row["obs_value"], row["obs_flag"]) for row in found if row["obs_value"] is not None]
    assert len(expected) == 6537
    assert sorted(valued, key=str) == sorted(expected, key=str)
    confidential = [row for row in found if row["obs_value"] is None]
    assert len(confidential) == 490
    assert {row["conf_status"] for row in confidential} == {"C"}
    assert {row["obs_flag"] for row in confidential} == {None}
    assert {row["conf_status"] for row in found if row["obs_value"] is not None} == {None}
    assert written.rows == written.header.obs_count == 7027
    assert {(row["period_start"], row["period_end"]) for row in found} == {
        (date(2008, 1, 1), date(2008, 12, 31))
    }


def test_the_header_tells_both_dates_and_the_code(shared: Path) -> None:
    header = read_header(shared / "real" / "jsonstat-eurostat" / "hlth_ehis_hc7.json")
    assert header.dataset == "HLTH_EHIS_HC7"
    assert header.update_data == "2014-03-20T23:00:00+0100"
    assert header.update_structure == header.updated == "2023-12-21T23:00:00+0100"
    assert [one.id for one in header.dimensions] == ["freq", "age", "sex", "icd10", "isced97", "geo", "time"]
    assert header.dimensions[2].labels["F"] == "Females"
    assert header.status_labels == {"|C": "|confidential", "u": "low reliability"}


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("jsonstat-other/collection.json", "no dataset"),
        ("jsonstat-other/dimension.json", "'dimension'"),
        ("jsonstat-other/oecd-canada-col.json", "2 datasets; name one of: 0, 1"),
        ("jsonstat-other/oecd-canada_v1_bundle.json", "2 datasets; name one of: oecd, canada"),
        ("sdmx/DEMO_R_D2JAN_dataflow.json", "no dimensions"),
        ("errors/error_404_id100_err_not_found.json", "ERR_NOT_FOUND_4"),
        ("errors/error_400_id150_invalid_query_dimension.json", "INVALID_QUERY_DIMENSION"),
        ("errors/warning_413_asynchronous_response.json", "ASYNCHRONOUS_RESPONSE"),
    ],
)
def test_what_is_not_one_dataset_is_refused_saying_what_it_is(
    shared: Path, name: str, complaint: str
) -> None:
    with pytest.raises(NotADataset, match=complaint):
        read_header(shared / "real" / name)


def test_text_values_are_refused_naming_the_cell(shared: Path) -> None:
    with pytest.raises(BadNumber, match="position 0: 'A1B1C1' is not a number"):
        table(shared / "real" / "jsonstat-other" / "order.json")
