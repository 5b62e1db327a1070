"""Kills of those who load: a publication of a release, a bulk load in each of its modes; at a random step or moment."""

from __future__ import annotations

from contextlib import closing
from functools import partial

import psycopg2

from eurostat_assets.postgres.roles import LOADER
from eurostat_assets_tests.endure.core import Core, last_words
from eurostat_assets_tests.endure.releases import (
    APPENDED,
    CODED,
    REPLACED,
    SCHEMA,
    SCOPED,
    TEXTS,
    Watched,
    write_release,
)
from eurostat_assets_tests.endure.victims import RAISED, REFUSED, Ending, Rehearsal, rehearse, strike

CREATED = Watched(f"{SCHEMA}.created")
SHARE_OF_TWO = 0.2
"""Bulk loads with two processes."""


def publishers(world: Core, kills: int) -> None:
    """Kill publications."""
    _kill(world, kills, [TEXTS, CODED])


def bulk_loaders(world: Core, kills: int) -> None:
    """Kill bulk loads."""
    _kill(world, kills, [REPLACED, SCOPED, APPENDED, CREATED])
    _rehearse(world, CREATED)  # removes what the last one that was killed has left
    _drop(world)


def _kill(world: Core, kills: int, tables: list[Watched]) -> None:
    rehearsed = {table: _rehearse(world, table) for table in tables}
    chance, goal = world.round.chance, world.round.done + kills
    while world.round.done < goal:
        table = chance.choice(tables)
        part, number = chance.randrange(table.parts), world.next(table)
        jobs = 2 if not table.observations and chance.random() < SHARE_OF_TWO else 1
        if table is CREATED:
            _drop(world)
        file, url, before = (
            write_release(world.folder, table, number, part),
            world.url(LOADER),
            world.numbers(table),
        )
        task = partial(world.load_file, file, url, table, part, jobs)
        ending = strike(task, rehearsed[table], chance, world.said)
        world.judge(table, part, number, before, ending.code)
        _note(world, table, ending)
        file.unlink()


def _rehearse(world: Core, table: Watched) -> Rehearsal:
    """A load that is let live, with a look at its steps."""
    if table is CREATED:
        _drop(world)
    number = world.next(table)
    file, url, before = write_release(world.folder, table, number), world.url(LOADER), world.numbers(table)
    rehearsed = rehearse(partial(world.load_file, file, url, table))
    world.judge(table, 0, number, before, 0)
    file.unlink()
    return rehearsed


def _note(world: Core, table: Watched, ending: Ending) -> None:
    if ending.killed:
        world.round.count(ending.place)
    elif ending.code in (REFUSED, RAISED):
        world.round.fault(f"{table.name}: a load that was not killed failed; {last_words(world)}")


def _drop(world: Core) -> None:
    with closing(psycopg2.connect(world.url())) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {CREATED.name} CASCADE")
