"""A short part of `make endure`: some kills of each kind, and the same verdict at the end."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from eurostat_assets_tests.endure.core import core
from eurostat_assets_tests.endure.disks import core_on_a_disk, disks
from eurostat_assets_tests.endure.mirrors import mirror
from eurostat_assets_tests.endure.publishers import bulk_loaders, publishers
from eurostat_assets_tests.endure.releases import TEXTS, rows_of
from eurostat_assets_tests.endure.rounds import NotHere, Round
from eurostat_assets_tests.endure.series import KINDS, Done, Series, run
from eurostat_assets_tests.endure.servers import servers
from eurostat_assets_tests.endure.trees import runs, syncs, ups

SEED = 11


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-endure-") as name:
        Path(name).chmod(0o755)  # as root, PostgreSQL runs as another user
        yield Path(name)


def test_killed_publishers_bulk_loaders_and_servers_lose_and_leave_nothing(folder):
    current = Round("short", SEED, folder)
    with core(current) as world:
        publishers(world, 4)
        bulk_loaders(world, 3)
        servers(world, 3)
    assert not current.faults
    assert current.done == 10
    assert current.reads > 35


def test_killed_runs_and_trees_lose_and_leave_nothing(folder):
    current = Round("short", SEED, folder)
    with mirror(current) as world:
        runs(world, 1)
        syncs(world, 1)
        ups(world, 1)
    assert not current.faults
    assert current.done == 3
    assert current.reads


def test_a_disk_that_was_full_loses_and_leaves_nothing(folder):
    current = Round("short", SEED, folder)
    try:
        with core_on_a_disk(current) as world:
            disks(world, 1)
    except NotHere as reason:
        pytest.skip(str(reason))
    assert not current.faults
    assert current.done == 1


@pytest.mark.parametrize(
    ("groups", "story"),
    [
        ([(0, 5, rows_of(5) - 1, 0, 0)], "rows of release 5, which has"),
        (
            [(0, n, rows_of(n), rows_of(n) * (rows_of(n) - 1) // 2, 0) for n in (5, 6)],
            "mixes the releases [5, 6]",
        ),
        ([(0, 5, rows_of(5), rows_of(5) * (rows_of(5) - 1) // 2, 1)], "1 flags are wrong"),
    ],
)
def test_rows_that_are_lost_mixed_or_changed_are_faults(groups, story):
    (fault,) = TEXTS.problems(groups)
    assert story in fault


def test_a_series_has_every_kind_and_goes_on_where_it_was_stopped(folder):
    assert {kind.name for kind, *_ in Series(8, SEED).rounds()} == set(KINDS)
    assert sum(kills for *_, kills in Series(1000, SEED).rounds()) == 1000
    begun = Series(
        8, SEED, [Done(kind.name, seed, {"a place": kills}) for kind, seed, kills in Series(8, SEED).rounds()]
    )
    begun.save(folder)
    told: list[str] = []
    assert run(Series.load(folder, 8, SEED), folder, told.append)
    assert not told
    assert not Series.load(folder, 9, SEED).done
