"""`eurostat-assets accept` as a person uses it, and what is kept of rows that were not understood."""

import getpass
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from eurostat_assets import postgres
from eurostat_assets.cli.accept import accept
from eurostat_assets.eurostat import MalformedCode
from eurostat_assets.quality import Quarantine, Verdict

REFUSED = Verdict("row_count_plausible", False, "10 rows, -90% of the 100 before", {"rows": 10})


def test_the_command_names_what_it_accepts_and_makes_it_due(database, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EUROSTAT_DATABASE_URL", database)
    monkeypatch.setenv("EUROSTAT_HOME", str(tmp_path))
    postgres.migrate(database)
    postgres.record_waiting(database, "HLTH_X", "held back", 3600)
    with pytest.raises(postgres.NothingHeldBack, match="HLTH_X"):
        accept("hlth_x", reason="it is right")
    postgres.record_checks(database, "HLTH_X", "2026-01-01", [REFUSED], run_id="a run")
    accept("hlth_x", reason="it is right")
    said = capsys.readouterr().out
    assert "2026-01-01" in said
    assert "row_count_plausible" in said
    [one] = postgres.acceptances(database, "HLTH_X", "2026-01-01")
    assert (one.checks, one.reason, one.accepted_by) == (
        ("row_count_plausible",),
        "it is right",
        getpass.getuser(),
    )
    assert postgres.states(database)["HLTH_X"].next_attempt_at is None
    assert postgres.acceptances(database, "HLTH_X", "2026-02-01") == []
    with pytest.raises(MalformedCode):
        accept("../etc", reason="it is right")


def test_numbers_are_compared_with_published_releases_only(database):
    postgres.migrate(database)
    postgres.record_checks(database, "HLTH_X", "2026-01-01", [REFUSED], numbers={"rows": 10})
    assert postgres.published_numbers(database, "HLTH_X", "2026-02-01") == []


@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_rows_whose_period_is_none_are_kept_and_a_refused_body_is_counted(tmp_path, scheme):
    root = UPath(f"{scheme}{tmp_path}/quarantine")
    quarantine, body = Quarantine(root), UPath(f"{scheme}{tmp_path}/body.json.gz")
    body.parent.mkdir(parents=True, exist_ok=True)
    body.write_bytes(b"a body")
    periods = pa.array(["2020-W01", "2020-W99", "2020-W02"]).dictionary_encode()
    pq.write_table(pa.table({"time_period": periods, "obs_value": [1.0, 2.0, 3.0]}), tmp_path / "x.parquet")
    quarantine.odd_periods("HLTH_X", tmp_path / "x.parquet", ["2020-W99"])
    with (quarantine.folder("HLTH_X") / "odd_periods.parquet").open("rb") as file:
        assert pq.read_table(file)["obs_value"].to_pylist() == [2.0]
    for times in (1, 2):
        folder = quarantine.refused("HLTH_X", [body], {"sha256": "abc", "position": 7})
        story = json.loads((folder / "refused.json").read_text())
        assert (story["times"], story["position"], story["files"]) == (times, 7, ["refused-1.json.gz"])
        assert (folder / "refused-1.json.gz").read_bytes() == b"a body"
    quarantine.clear("HLTH_X")
    assert not list(root.glob("**/*.json"))
    quarantine.clear("HLTH_Y")
