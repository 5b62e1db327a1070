"""The audit of a whole mirror: what it keeps, what belongs nowhere, what is repaired; as job and from the command line."""

import json
import os
import time
from unittest.mock import Mock

import dagster as dg
import psycopg2
import pyarrow.parquet as pq
import pytest

from eurostat_assets import auditing, postgres, repairing, resources, sandbox
from eurostat_assets.postgres import audit_findings
from eurostat_assets_tests.mirroring import Mirroring, mirroring

CODE, OTHER = "HLTH_EHIS_BM1E", "HLTH_SILC_10"


@pytest.fixture(scope="module")
def source():
    with sandbox.running(profile="tests") as running:
        yield running


@pytest.fixture
def chain(source, tmp_path, database):
    with mirroring(tmp_path, source.api_url, database) as chain:
        for code in (CODE, OTHER):
            assert chain.mirror(code) is None
        yield chain


def mirror_of(chain: Mirroring) -> resources.Mirror:
    return resources.Mirror(chain.settings)


def latest(chain: Mirroring, check: str) -> dg.AssetCheckEvaluation:
    key = dg.AssetCheckKey(dg.AssetKey("audit"), check)
    (record,) = chain.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event
    assert record.event.dagster_event
    return record.event.dagster_event.asset_check_evaluation_data


def by_hand(chain: Mirroring, statement: str) -> None:
    with psycopg2.connect(chain.settings.database_url.get_secret_value()) as connection:
        connection.cursor().execute(statement)
    connection.close()


def test_what_is_found_stays_in_the_books_until_it_is_over(chain):
    mirror = mirror_of(chain)
    assert auditing.audit(mirror).findings == ()
    by_hand(chain, "UPDATE eurostat.hlth_silc_10 SET obs_value = 4711 WHERE ctid = '(0,1)'")
    report = auditing.audit(mirror)
    assert [(finding.subject, finding.kind) for finding in report.findings] == [(OTHER, "table_changed")]
    assert report.compared == 1
    (kept,) = audit_findings(mirror.database)
    assert kept.severity == "error"
    assert "4711" in kept.sentence
    assert OTHER in kept.sentence
    auditing.audit(mirror)
    (again,) = audit_findings(mirror.database)
    assert again.first_seen == kept.first_seen
    assert again.last_seen > kept.last_seen
    with dg.instance_for_test() as instance:
        done = dict(repairing.repair(mirror.settings, instance, repairing.repairable(report.findings)))
    assert done == {OTHER: None}
    assert auditing.audit(mirror).findings == ()
    assert audit_findings(mirror.database) == []
    (over,) = audit_findings(mirror.database, resolved=True)
    assert over.resolved_at


def test_a_damaged_parquet_file_is_read_again_from_the_raw_one(chain):
    mirror = mirror_of(chain)
    auditing.audit(mirror)
    (parquet,) = (chain.settings.home / "store" / "observations").glob(f"dataset={CODE}/*.parquet")
    whole = parquet.read_bytes()
    parquet.write_bytes(whole[:-100])
    report = auditing.audit(mirror, [CODE])
    assert [finding.kind for finding in report.findings] == ["parquet_unreadable"]
    with dg.instance_for_test() as instance:
        assert dict(repairing.repair(mirror.settings, instance, {CODE: "read"})) == {CODE: None}
    assert auditing.audit(mirror, [CODE]).findings == ()


def test_whatever_belongs_nowhere_is_named_and_left_alone(chain):
    mirror = mirror_of(chain)
    by_hand(chain, "CREATE TABLE eurostat.hlth_stranger (source_dataset_id text)")
    by_hand(chain, "CREATE TABLE eurostat_releases.hlth_silc_10_999 (obs_value float8)")
    by_hand(chain, "CREATE VIEW eurostat.my_view AS SELECT * FROM eurostat.hlth_silc_10")
    store = chain.settings.home / "store"
    (store / "observations" / "dataset=HLTH_GONE").mkdir()
    for file in (store / "raw" / f"dataset={CODE}").iterdir():
        file.unlink()
    (store / "raw" / f"dataset={CODE}").rmdir()
    report = auditing.audit(mirror)
    assert sorted((finding.subject, finding.kind, finding.severity) for finding in report.findings) == [
        (CODE, "raw_missing", "warning"),
        ("eurostat.hlth_stranger", "stranger_table", "error"),
        ("eurostat_releases.hlth_silc_10_999", "forgotten_release", "warning"),
        ("observations/dataset=HLTH_GONE", "stranger_files", "warning"),
    ]
    by_hand(chain, "DROP TABLE eurostat.hlth_stranger")
    auditing.audit(mirror)
    assert "stranger_table" not in {finding.kind for finding in audit_findings(mirror.database)}


def test_what_a_crash_left_in_the_servers_folder_is_reported_where_it_may_be_looked_for(
    chain, postgres_server, monkeypatch
):
    mirror = mirror_of(chain)
    with psycopg2.connect(mirror.database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filepath('eurostat.mirror')")
        (path,) = cursor.fetchone() or ("",)
    connection.close()
    left = (postgres_server.data / path).with_name("999999998_vm")
    left.write_bytes(b"x" * 11)
    an_hour_ago = time.time() - 3600
    os.utime(left, (an_hour_ago, an_hour_ago))
    report = auditing.audit(mirror)
    assert [(one.kind, one.severity, one.numbers["bytes"]) for one in report.findings] == [
        ("orphaned_files", "warning", 11)
    ]
    assert report.not_looked_at == ""
    left.unlink()
    auditing.audit(mirror)
    assert audit_findings(mirror.database) == []

    refused = postgres.DatabaseRefused("here", "nosy may not list the server's files")
    monkeypatch.setattr(auditing, "orphaned_files", Mock(side_effect=refused))
    assert "nosy may not" in auditing.audit(mirror).not_looked_at


def test_one_that_cannot_be_audited_stops_no_other(chain, monkeypatch):
    mirror = mirror_of(chain)
    compare = auditing.compare

    def broken(server, parquet, published, *arguments, **options):
        if published.dataset == CODE:
            raise RuntimeError("the store is on fire")
        return compare(server, parquet, published, *arguments, **options)

    monkeypatch.setattr(auditing, "compare", broken)
    report = auditing.audit(mirror)
    assert [(finding.subject, finding.kind) for finding in report.findings] == [(CODE, "not_audited")]
    assert [one.compared for one in report.audited if one.dataset == OTHER] == [True]


def test_the_job_shows_it_as_failed_checks_with_the_worst_datasets(chain):
    assert chain.run("audit_mirror") is None
    by_hand(chain, "DELETE FROM eurostat.hlth_ehis_bm1e WHERE ctid = '(0,1)'")
    assert chain.run("audit_mirror", run_config={"ops": {"audit": {"config": {"deep": True}}}}) is None
    equal = latest(chain, "tables_equal_parquet")
    assert not equal.passed
    assert equal.severity == dg.AssetCheckSeverity.ERROR
    assert CODE in str(equal.metadata["worst"].value)
    assert latest(chain, "everything_belongs").passed
    record = chain.instance.get_latest_materialization_event(dg.AssetKey("audit"))
    assert record.asset_materialization.metadata["compared by checksum"].value == 2


def test_a_dataset_that_is_not_published_cannot_be_asked_for(chain):
    with pytest.raises(postgres.NotPublished, match="HLTH_NOPE"):
        auditing.audit(mirror_of(chain), ["HLTH_NOPE"])


def test_mirroring_a_dataset_does_not_audit_the_mirror(chain):
    assert chain.mirror(CODE, force=True) is None
    assert postgres.seals(mirror_of(chain).database) == {}


COPY = """
CREATE TABLE eurostat.{copy} AS SELECT * FROM eurostat.hlth_silc_10;
ALTER TABLE eurostat.{copy} DROP COLUMN source_dataset_id;
ALTER TABLE eurostat.{copy} ADD COLUMN source_dataset_id text DEFAULT upper('{copy}');
INSERT INTO eurostat.datasets (dataset, table_name, release, rows, sha256, published_at)
SELECT upper('{copy}'), 'eurostat.{copy}', release, rows, sha256, published_at FROM eurostat.datasets
WHERE dataset = 'HLTH_SILC_10'
"""


def test_490_small_datasets_are_audited_in_seconds(chain):
    """All of them copies of one, each with a table and a Parquet file of its own."""
    mirror = mirror_of(chain)
    store = chain.settings.home / "store"
    (original,) = (store / "observations").glob(f"dataset={OTHER}/*.parquet")
    rows = pq.read_table(original)
    about = json.loads(rows.schema.metadata[b"jsonstat"])
    codes = [f"HLTH_COPY_{number:03}" for number in range(488)]
    for code in codes:
        place = store / "observations" / f"dataset={code}" / original.name
        place.parent.mkdir()
        ours = {**rows.schema.metadata, b"jsonstat": json.dumps(about | {"dataset": code})}
        pq.write_table(rows.replace_schema_metadata(ours), place)
        (store / "raw" / f"dataset={code}").mkdir()
    for start in range(0, len(codes), 50):
        by_hand(chain, ";".join(COPY.format(copy=code.lower()) for code in codes[start : start + 50]))
    first = auditing.audit(mirror)
    assert first.findings == ()
    assert len(first.audited) == first.compared == 490
    second = auditing.audit(mirror)
    assert second.findings == ()
    assert second.compared == 0
    assert second.rows == first.rows > 1_000_000
