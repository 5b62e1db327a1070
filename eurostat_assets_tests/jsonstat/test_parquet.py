"""The Parquet files: what they say about themselves, and that others read them."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.jsonstat import ParquetFile, parquet, read, write_parquet
from eurostat_assets.jsonstat.whole import whole_or_nothing
from eurostat_assets_tests.jsonstat.documents import eurostat_like


@pytest.fixture
def hospital(shared: Path, tmp_path: Path) -> ParquetFile:
    source = shared / "real" / "jsonstat-eurostat" / "hlth_ehis_hc7.json"
    return write_parquet(
        source, tmp_path / "hc7.parquet", provenance={"url": "https://example.org/x", "bytes": 1}
    )


def test_the_columns_are_those_of_the_observation_schema(hospital: ParquetFile) -> None:
    schema = pq.read_schema(hospital.path)
    assert schema.names == [
        *("freq", "age", "sex", "icd10", "isced97", "geo"),
        *("time_period", "period_start", "period_end", "obs_value", "obs_flag", "conf_status"),
    ]
    for name in ("freq", "geo", "time_period", "obs_flag", "conf_status"):
        assert pa.types.is_dictionary(schema.field(name).type), name
        assert schema.field(name).type.value_type == pa.string()
    assert schema.field("period_start").type == schema.field("period_end").type == pa.date32()
    assert schema.field("obs_value").type == pa.float64()
    assert not schema.field("geo").nullable


def test_the_file_explains_itself(hospital: ParquetFile) -> None:
    schema = pq.read_schema(hospital.path)
    about = json.loads(schema.metadata[b"jsonstat"])
    assert about["dataset"] == "HLTH_EHIS_HC7"
    assert about["title"].startswith("Self-reported use of prescribed medicines")
    assert about["source"] == "ESTAT"
    assert about["language"] == "EN"
    assert about["updated"] == about["update_structure"] == "2023-12-21T23:00:00+0100"
    assert about["update_data"] == "2014-03-20T23:00:00+0100"
    assert about["obs_count"] == 7027
    assert about["dimensions"] == ["freq", "age", "sex", "icd10", "isced97", "geo", "time"]
    assert about["status_labels"] == {"|C": "|confidential", "u": "low reliability"}
    assert {"type": "OBS_COUNT", "title": "7027"} in about["annotations"]
    assert json.loads(schema.metadata[b"provenance"]) == {"url": "https://example.org/x", "bytes": 1}

    def labels(name: str) -> dict[str, str]:
        return json.loads(schema.field(name).metadata[b"labels"])

    assert schema.field("icd10").metadata[b"label"].decode().startswith("International")
    assert labels("sex") == {"T": "Total", "M": "Males", "F": "Females"}
    assert labels("time_period") == {"2008": "2008"}
    assert labels("obs_flag") == {"u": "low reliability"}
    assert labels("conf_status") == {"C": "confidential"}


def test_duckdb_and_polars_read_the_same_rows(hospital: ParquetFile) -> None:
    expected = pq.read_table(hospital.path).to_pylist()
    path = str(hospital.path)
    assert polars.read_parquet(path).to_dicts() == expected
    with duckdb.connect() as connection:
        everything = connection.execute("SELECT * FROM read_parquet(?)", [path])
        names = [column[0] for column in everything.description or []]
        assert [dict(zip(names, row, strict=True)) for row in everything.fetchall()] == expected
        counts = "SELECT count(obs_value), count(conf_status), count(*) FROM read_parquet(?)"
        [counted] = connection.execute(f"{counts} WHERE geo = 'BE' AND sex = 'F'", [path]).fetchall()
    there = [row for row in expected if row["geo"] == "BE" and row["sex"] == "F"]
    assert counted == (
        sum(row["obs_value"] is not None for row in there),
        sum(row["conf_status"] is not None for row in there),
        len(there),
    )


def test_the_first_columns_let_readers_skip_and_the_order_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 20_000)
    source = tmp_path / "long.json"
    source.write_text(json.dumps(eurostat_like(120_000)))
    written = write_parquet(source, tmp_path / "long.parquet")
    file = pq.ParquetFile(written.path)
    assert file.metadata.num_row_groups > 1
    group = file.metadata.row_group(0)
    columns = {file.schema.column(n).name: group.column(n) for n in range(group.num_columns)}
    assert columns["sex"].statistics.min == "F"
    assert columns["sex"].statistics.max < "T"  # the last of the three is not in the first group
    assert not columns["freq"].is_stats_set
    assert not columns["time_period"].is_stats_set
    assert columns["sex"].has_column_index
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    sorted_by = [file.schema.column(one.column_index).name for one in group.sorting_columns]
    assert sorted_by == ["freq", "sex", "geo", "time_period"]


def test_a_dataset_without_time_and_one_without_rows_have_all_columns(shared: Path, tmp_path: Path) -> None:
    for name in (
        "jsonstat-other/order",
        "jsonstat-other/hierarchy",
        "jsonstat-eurostat/nama_10_gdp_time_empty",
    ):
        source = shared / "real" / f"{name}.json"
        assert read(source).schema.names[-6:] == [
            *("time_period", "period_start", "period_end", "obs_value", "obs_flag", "conf_status")
        ]
    written = write_parquet(source, tmp_path / "empty.parquet")
    assert written.rows == 0
    assert polars.read_parquet(written.path).shape == (0, 10)


def test_statuses_the_header_does_not_announce_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 20_000)  # the new status comes in the last row group only
    dataset = eurostat_like(60_000)
    announced = set(dataset["extension"]["status"]["label"])
    last = list(dataset["value"])[-1]
    dataset["status"][last] = "zz|N"
    (tmp_path / "x.json").write_text(json.dumps(dataset))
    written = write_parquet(tmp_path / "x.json", tmp_path / "x.parquet")
    found = polars.read_parquet(written.path)
    assert set(found["obs_flag"].drop_nulls().cast(polars.String)) == {"b", "ep", "u", "zz"}
    assert set(found["conf_status"].drop_nulls().cast(polars.String)) == {"C", "N"}
    assert "zz|N" not in announced


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(eurostat_like(1000)))
    written = write_parquet(tmp_path / "x.json", tmp_path / "x.parquet")
    assert written.path.stat().st_mode == (tmp_path / "x.json").stat().st_mode
    assert written.bytes == written.path.stat().st_size


def test_progress_is_told_in_bytes_of_the_raw_file_up_to_its_end(tmp_path: Path) -> None:
    source = tmp_path / "x.json.gz"
    source.write_bytes(gzip.compress(json.dumps(eurostat_like(200_000)).encode()))
    told: list[tuple[int, int]] = []
    write_parquet(source, tmp_path / "x.parquet", on_progress=lambda done, total: told.append((done, total)))
    assert len(told) > 10
    assert told == sorted(told)
    assert told[-1] == (source.stat().st_size, source.stat().st_size)


def test_several_datasets_can_be_converted_at_the_same_time(tmp_path: Path) -> None:
    sources = []
    for seed in range(4):
        source = tmp_path / f"{seed}.json"
        source.write_text(json.dumps(eurostat_like(100_000, seed)))
        sources.append(source)
    alone = [write_parquet(source, tmp_path / "alone.parquet").rows for source in sources]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: write_parquet(one, one.with_suffix(".parquet")), sources))
    assert [one.rows for one in together] == alone
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_writer_left_is_removed_and_what_another_is_writing_is_not(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(eurostat_like(1000)))
    (tmp_path / ".x.parquet.dead.partial").write_bytes(b"half a file")
    with whole_or_nothing(tmp_path / "x.parquet") as alive:
        alive.write_bytes(b"another")
        write_parquet(tmp_path / "x.json", tmp_path / "x.parquet")
        assert sorted(path.name for path in tmp_path.iterdir()) == [alive.name, "x.json", "x.parquet"]
    assert (tmp_path / "x.parquet").read_bytes() == b"another"


def test_a_failing_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "x.json"
    source.write_text(json.dumps(eurostat_like(100_000)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write_parquet(source, tmp_path / "x.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize("codes", [127, 128, 129, 32_767, 32_768])
def test_dimensions_of_as_many_codes_as_fit_an_integer_are_written_from_many_batches(
    tmp_path: Path, codes: int
) -> None:
    geo = [f"G{number:05}" for number in range(codes)]
    times = [str(1000 + number) for number in range(200_000 // codes + 1)]
    size = [len(geo), len(times)]
    document = {
        "version": "2.0", "class": "dataset", "id": ["geo", "time"], "size": size,
        "value": dict.fromkeys(map(str, range(size[0] * size[1])), 1),
        "dimension": {
            "geo": {"category": {"index": geo}}, "time": {"category": {"index": times}},
        },
    }  # fmt: skip
    source = tmp_path / "wide.json"
    source.write_text(json.dumps(document, separators=(",", ":")))
    write_parquet(source, tmp_path / "wide.parquet")
    table = pq.read_table(tmp_path / "wide.parquet", columns=["geo"])
    assert table["geo"].combine_chunks().unique().to_pylist() == geo
