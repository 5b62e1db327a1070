"""Raw JSON → Parquet → table: what is published is what Eurostat sent, cell by cell."""

import csv
import json

import duckdb
import pytest

from eurostat_assets import postgres, sandbox
from eurostat_assets_tests.mirroring import mirroring, table, truth

CODES = [
    "HLTH_EHIS_BM1E",
    "HLTH_SILC_10",
    "HLTH_CD_ARO",
    "HLTH_SILC_SECRET",
    "HLTH_EHIS_ONE",
    "HLTH_RS_MIXED",
    "HLTH_DM_NOGEO",
]


def key(row: tuple) -> tuple:
    return tuple("" if cell is None else str(cell) for cell in row)


def test_the_recorded_dataset_is_published_cell_by_cell(shared, tmp_path, database):
    code = "HLTH_EHIS_HC7"
    with (
        sandbox.running(recorded=shared / "real" / "jsonstat-eurostat") as source,
        mirroring(tmp_path, source.api_url, database) as chain,
    ):
        assert chain.mirror(code) is None
    rows = table(database, code)
    assert len(rows) == 7027
    with (shared / "real" / "expected-tables" / "hlth_ehis_hc7_interpreted.csv").open() as file:
        names = ("freq", "age", "sex", "icd10", "isced97", "geo", "time")
        expected = {
            (*(row[f"{name}_key"] for name in names), float(row["Value"]), row["Status_Code"] or None)
            for row in csv.DictReader(file)
        }
    # freq … geo, time_period, obs_value, obs_flag, conf_status
    with_value = {row[:9] for row in rows if row[7] is not None}
    assert len(expected) == 6537
    assert with_value == expected
    secret = [row for row in rows if row[7] is None]
    assert len(secret) == 490
    assert {row[8:] for row in secret} == {(None, "C")}


@pytest.fixture(scope="module")
def source():
    with sandbox.running(profile="tests") as running:
        yield running


@pytest.mark.parametrize("code", CODES)
def test_every_kind_of_dataset_is_published_as_the_source_has_it(source, tmp_path, database, code):
    with mirroring(tmp_path, source.api_url, database) as chain:
        assert chain.mirror(code) is None
        assert sorted(table(database, code), key=key) == sorted(truth(source.cells(code)), key=key)
        source.release(code, what="both")
        assert chain.mirror(code) is None
        assert sorted(table(database, code), key=key) == sorted(truth(source.cells(code)), key=key)
        state = postgres.states(database)[code]
        assert state.rows == len(table(database, code))
        # One raw body and one Parquet file, the newest; nothing on the workbench or in quarantine.
        folders = sorted({name.rsplit("/", 1)[0] for name in chain.files()})
        assert folders == [f"store/observations/dataset={code}", f"store/raw/dataset={code}"]
        assert len(chain.files()) == 4  # each with what is known of it beside it
        current = json.loads((tmp_path / "store" / "raw" / f"dataset={code}" / "current.json").read_text())
        assert current["release"] == state.release
        assert current["sha256"] == state.sha256


def test_the_parquet_file_reads_in_other_engines(source, tmp_path, database):
    code = "HLTH_EHIS_BM1E"
    with mirroring(tmp_path, source.api_url, database) as chain:
        assert chain.mirror(code) is None
    folder = tmp_path / "store" / "observations"
    with duckdb.connect() as engine:
        engine.execute(f"SELECT count(*), min(dataset) FROM read_parquet('{folder}/*/*.parquet')")  # noqa: S608
        found = engine.fetchall()
    assert found == [(len(table(database, code)), code)]


def test_the_catalogue_brings_the_themes_datasets_as_partitions(source, tmp_path, database):
    with mirroring(tmp_path, source.api_url, database) as chain:
        assert chain.run("refresh_catalogue") is None
        keys = chain.instance.get_dynamic_partitions("eurostat_dataset")
    assert "HLTH_CD_ARO" in keys
    assert "ENPE_HLTH_EXP" in keys
    assert not any(code.startswith(("NAMA", "DEMO", "HSW")) for code in keys)
    assert len(keys) == postgres.catalogue_size(database)
