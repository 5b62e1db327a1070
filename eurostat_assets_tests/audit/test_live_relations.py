"""An audit never calls a relation with live rows an orphan: neither a bulk load's, nor a person's, nor a partition."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.audit import strangers
from eurostat_assets.postgres import publish, relation_sizes
from eurostat_assets.postgres.bulk import load_parquet
from eurostat_assets.postgres.connection import connect
from eurostat_assets.postgres.session_locks import try_lock
from eurostat_assets_tests.postgres.conftest import Query, Write, mirror, query, release

__all__ = ["mirror", "query", "release"]  # fixtures


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for n in range(4):
        pq.write_table(pa.table({"n": pa.array([n] * 10)}), folder / f"{n}.parquet")
    return folder


def found(url: str, known: tuple[str, ...] = ()) -> dict[str, str]:
    return {one.subject: one.sentence for one in strangers(relation_sizes(url), (), known, ())}


def test_nothing_of_a_bulk_load_is_an_orphan(mirror: str, query: Query, files: Path) -> None:
    load_parquet(mirror, [files], "public.many", jobs=2)
    load_parquet(mirror, [files], "eurostat.mine")
    assert found(mirror) == {}
    query("ALTER TABLE public.many RENAME TO other")
    assert found(mirror) == {}
    (child,) = next(
        iter(query("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'other'::regclass"))
    )
    query(f"ALTER TABLE {child} NO INHERIT other")
    assert found(mirror) == {}


def test_partitions_and_children_of_tables_are_referred_to_whoever_made_them(
    mirror: str, query: Query, release: Write
) -> None:
    publish(mirror, release())
    query("CREATE TABLE public.people (born date) PARTITION BY RANGE (born)")
    query(
        "CREATE TABLE eurostat_releases.people_1 PARTITION OF public.people FOR VALUES FROM ('2000-01-01') TO ('2001-01-01')"
    )
    query("CREATE TABLE public.base (n int)")
    query("CREATE TABLE eurostat.heir () INHERITS (public.base)")
    # The books of the release are lost: its table is still what readers of the dataset see.
    query("UPDATE eurostat.releases SET stored_as = NULL")
    assert found(mirror, known=("HLTH_TEST",)) == {}


def test_what_a_person_put_there_is_to_be_moved_and_never_to_be_dropped(mirror: str, query: Query) -> None:
    query("CREATE TABLE eurostat_releases.notes AS SELECT 'mine' AS text")
    query("CREATE TABLE eurostat.notes AS SELECT 'mine' AS text")
    query("CREATE MATERIALIZED VIEW eurostat.summary AS SELECT 1 AS one")
    sentences = found(mirror)
    assert sentences.keys() == {"eurostat_releases.notes", "eurostat.notes", "eurostat.summary"}
    assert not [sentence for sentence in sentences.values() if "drop" in sentence.lower()]


def test_a_load_at_work_is_left_alone_and_a_dead_one_is_the_next_loads_to_clear(
    mirror: str, query: Query
) -> None:
    query("INSERT INTO eurostat.bulk_loads (table_name, state) VALUES ('public.many', 'loading')")
    (load,) = query("SELECT max(id) FROM eurostat.bulk_loads")[0]
    query(f'CREATE TABLE eurostat_releases."bulk#{load}_1" (n int)')
    with connect(mirror) as connection:
        assert try_lock(connection, "bulk:public.many")
        assert found(mirror) == {}
    (sentence,) = found(mirror).values()
    assert "the next load into public.many removes it" in sentence
    assert "drop" not in sentence
