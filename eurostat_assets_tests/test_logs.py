"""The runs' words as lines of JSON, for whoever collects logs."""

import json
import logging

import dagster as dg

from eurostat_assets.logs import JsonLines


def test_what_an_asset_says_is_a_line_with_its_dataset_and_its_run(tmp_path):
    handler = JsonLines(tmp_path)

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["HLTH_A"]))
    def one(context: dg.AssetExecutionContext):
        context.log.addHandler(handler)
        context.log.info("Etwas Größeres\nin two lines")
        context.log.removeHandler(handler)

    result = dg.materialize([one], partition_key="HLTH_A", tags={"eurostat/release": "2026_2025"})
    (file,) = tmp_path.iterdir()
    (line,) = file.read_text(encoding="utf-8").splitlines()
    told = json.loads(line)
    assert told.pop("at") < "3000"
    assert told == {
        "level": "INFO",
        "dataset": "HLTH_A",
        "release": "2026_2025",
        "run": result.run_id,
        "job": "__ephemeral_asset_job__",
        "step": "one",
        "message": "Etwas Größeres\nin two lines",
    }


def test_only_the_last_thirty_days_are_kept(tmp_path):
    for day in range(40):
        (tmp_path / f"runs-2026-{10 + day // 30}-{day % 30 + 1:02}.jsonl").touch()
    JsonLines(tmp_path).emit(logging.makeLogRecord({"msg": "now", "levelname": "INFO", "levelno": 20}))
    assert len(list(tmp_path.iterdir())) == 31
    assert not (tmp_path / "runs-2026-10-01.jsonl").exists()
