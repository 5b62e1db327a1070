"""A run may die at any byte: readers keep a whole table, and running it again gives the same result."""

import multiprocessing
import random
import time

import psycopg2

from eurostat_assets import postgres, sandbox
from eurostat_assets_tests.mirroring import mirroring, table, truth

KILLS = 20
CODE = "HLTH_CD_ARO"


def mirror(home, api_url: str, database: str) -> None:
    with mirroring(home, api_url, database) as chain:
        chain.mirror(CODE, force=True)


def tables(database: str) -> set[str]:
    """What a reader finds in the schema of published tables."""
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'eurostat'")
        names = {name for (name,) in cursor.fetchall()}
    connection.close()
    return names


def test_a_run_killed_at_random_moments_leaves_a_whole_table_and_no_litter(tmp_path, database):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    moments = random.Random(20)
    with sandbox.running(profile="tests") as source:
        with mirroring(tmp_path, source.api_url, database) as chain:
            started = time.monotonic()
            assert chain.mirror(CODE) is None
            usual = time.monotonic() - started
        before, known = sorted(table(database, CODE), key=str), tables(database)
        source.release(CODE)
        killed = 0
        whole = {str(before)}
        for _ in range(KILLS):
            child = processes.Process(target=mirror, args=(tmp_path, source.api_url, database))
            child.start()
            child.join(moments.uniform(0.05, 1.3 * usual))
            killed += child.is_alive()
            child.kill()
            child.join()
            whole.add(str(sorted(table(database, CODE), key=str)))
            assert tables(database) == known
        with mirroring(tmp_path, source.api_url, database) as chain:
            assert chain.mirror(CODE, force=True) is None
            after = sorted(table(database, CODE), key=str)
            # Only ever the old release or the new one, and at the end the new one.
            assert whole <= {str(before), str(after)}
            assert after != before
            assert after == sorted(truth(source.cells(CODE)), key=str)
            assert len(chain.files()) == 4, chain.files()
        assert killed >= KILLS / 2
        assert postgres.states(database)[CODE].error is None
