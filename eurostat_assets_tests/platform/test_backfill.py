"""*Materialize all*, as the UI asks for it: over a current mirror it is green, downloads nothing and touches no table."""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg2
import requests
from psycopg2 import sql

from eurostat_assets import postgres

ASSETS = ("audit", "catalogue", "observations", "published_table", "raw_json")
CHAIN = ("observations", "published_table", "raw_json")
# The UI's own mutation and the query of its page, without the fields that are not looked at here.
LAUNCH = """mutation LaunchPartitionBackfill($backfillParams: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfillParams) {
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
STATUS = """query BackfillStatusesByAsset($backfillId: String!) {
  partitionBackfillOrError(backfillId: $backfillId) {
    ... on PartitionBackfill {
      status
      error { message }
      assetBackfillData {
        assetBackfillStatuses {
          ... on AssetPartitionsStatusCounts {
            assetKey { path } numPartitionsTargeted numPartitionsMaterialized numPartitionsFailed
          }
          ... on UnpartitionedAssetStatus { assetKey { path } materialized failed }
        }
      }
    }
  }
}"""
PATIENCE = 600  # seconds; Dagster looks at a backfill every half a minute


def ask(world, query: str, **variables: object) -> Any:
    order = {"query": query, "variables": variables}
    answer = requests.post(f"{world.platform.ui}/graphql", json=order, timeout=60).json()
    assert "errors" not in answer, answer
    return answer["data"]


def launch(world) -> str:
    """*Materialize all* with all partitions chosen; returns the backfill's id."""
    params = {
        "tags": [{"key": "dagster/from_ui", "value": "true"}],
        "assetSelection": [{"path": [name]} for name in ASSETS],
        "partitionNames": list(postgres.states(world.database)),
        "fromFailure": False,
    }
    return ask(world, LAUNCH, backfillParams=params)["launchPartitionBackfill"]["backfillId"]


def ended(world, backfill: str) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """How the backfill ended, and how each asset fared in it."""
    give_up = time.monotonic() + PATIENCE
    while True:
        found = ask(world, STATUS, backfillId=backfill)["partitionBackfillOrError"]
        if found["status"] not in ("REQUESTED", "CANCELING", "COMPLETED", "FAILING"):
            break
        assert time.monotonic() < give_up, found
        world.platform.check()
        time.sleep(2)
    assert not found["error"], found
    assets = found["assetBackfillData"]["assetBackfillStatuses"]
    return found["status"], {one["assetKey"]["path"][0]: one for one in assets}


def tables(database: str) -> dict[str, tuple]:
    """Of every published table: which relations it consists of, and who wrote its rows."""
    found = {}
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        for code in postgres.states(database):
            name = f"eurostat.{code.lower()}"
            cursor.execute(
                "SELECT %s::regclass::oid, array_agg(inhrelid ORDER BY inhrelid) FROM pg_inherits"
                " WHERE inhparent = %s::regclass",
                (name, name),
            )
            relations = cursor.fetchone()
            query = "SELECT count(*), min(xmin::text), max(xmin::text), sum(hashtext(ctid::text)) FROM {}"
            cursor.execute(sql.SQL(query).format(sql.Identifier("eurostat", code.lower())))
            found[code] = (relations, cursor.fetchone())
    return found


def downloads(world) -> int:
    answered = world.source.tally()["requests"]
    return sum(count for kind, count in answered.items() if kind in ("data", "slice", "csv"))


def test_a_backfill_of_everything_over_a_current_mirror_is_green_and_touches_nothing(world):
    before, asked = tables(world.database), downloads(world)
    status, assets = ended(world, launch(world))
    assert status == "COMPLETED_SUCCESS", assets
    assert downloads(world) == asked
    assert tables(world.database) == before
    for name in CHAIN:
        counts = assets[name]
        assert counts["numPartitionsMaterialized"] == counts["numPartitionsTargeted"] == len(before)
    assert assets["catalogue"]["materialized"]
    assert assets["audit"]["materialized"]


def test_a_backfill_loads_what_is_stale_and_fails_for_nothing_but_what_failed(world):
    before = tables(world.database)
    stale, failing = "HLTH_RS_BDS", "HLTH_EHIS_BM1E"
    world.source.set_faults("html=1", [failing])
    try:
        world.source.release(stale, failing)
        status, assets = ended(world, launch(world))
        assert status == "COMPLETED_FAILED", assets
        for name in CHAIN:
            counts = assets[name]
            assert counts["numPartitionsFailed"] == 1
            assert counts["numPartitionsMaterialized"] == len(before) - 1
        after = tables(world.database)
        assert {code for code in before if after[code] != before[code]} == {stale}
        assert postgres.states(world.database)[failing].error
    finally:
        world.source.set_faults("")
        world.source.release(failing)  # a newer one, which is tried at once
        give_up = time.monotonic() + PATIENCE
        while postgres.states(world.database)[failing].state != "current":
            assert time.monotonic() < give_up, "the dataset did not recover"
            time.sleep(1)
