"""A release at the source becomes a new published table by itself, and nothing else runs."""

import time

import dagster as dg

from eurostat_assets import postgres


def runs_by_partition(instance: dg.DagsterInstance) -> dict[str, int]:
    counts: dict[str, int] = {}
    for run in instance.get_runs():
        key = run.tags.get("dagster/partition", "")
        counts[key] = counts.get(key, 0) + 1
    return counts


def test_every_published_table_holds_the_cells_of_its_source(world):
    import psycopg2
    import pyarrow as pa

    states = postgres.states(world.database)
    assert len(states) >= 4
    with psycopg2.connect(world.database) as connection, connection.cursor() as cursor:
        for code, state in states.items():
            truth = pa.Table.from_batches(world.source.cells(code))
            cursor.execute(f"SELECT count(*), count(obs_value) FROM eurostat.{code.lower()}")  # noqa: S608
            rows, values = cursor.fetchone() or (0, 0)
            assert rows == state.rows == truth.num_rows
            assert values == truth.num_rows - truth["obs_value"].null_count
    connection.close()


def test_a_release_arrives_through_the_sensor_alone_and_only_its_partition_runs(world):
    code = min(
        (state for state in postgres.states(world.database).values() if (state.rows or 0) > 50),
        key=lambda state: state.rows or 0,
    ).dataset
    with dg.DagsterInstance.get() as instance:
        runs = runs_by_partition(instance)
        before = postgres.states(world.database)
        world.source.release(code)
        give_up = time.monotonic() + 90
        while postgres.states(world.database)[code].release == before[code].release:
            assert time.monotonic() < give_up, "the release did not come through the feed"
            world.platform.check()
            time.sleep(0.5)
        time.sleep(2 * world.settings.poll_interval)  # further ticks must not ask again
        now = postgres.states(world.database)
        assert runs_by_partition(instance) == {**runs, code: runs.get(code, 0) + 1}
    assert {c for c in now if now[c].release != before[c].release} == {code}
