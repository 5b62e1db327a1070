"""People who read without pause while others are killed: processes, each reading every table in every way, as the reader.

What nobody may ever see: a row that is missing or there twice, rows of two releases, an older release after a newer one
over the same connection, or anything older than what a publication has reported as done. (A crash of the server may take
back a switch that was not yet reported; readers of before that crash have lost their connection.)
"""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED, ISOLATION_LEVEL_REPEATABLE_READ, connection

from eurostat_assets import child_processes
from eurostat_assets.postgres.connection import is_lost
from eurostat_assets_tests.endure.releases import WATCHED, Group, Watched, groups_of

PROCESSES = 2
NICE = 5
MOST_STORIES = 20
SECONDS_TO_END = 300
Place = tuple[str, int]
"""A table and a part of it."""
PLACES: list[Place] = [(table.name, part) for table in WATCHED for part in range(table.parts)]
Way = Callable[[connection, Watched], list[Group]]


def _aggregate(reader: connection, table: Watched) -> list[Group]:
    return _groups(reader, groups_of(table.cells))


def _through_a_view(reader: connection, table: Watched) -> list[Group]:
    return _groups(reader, groups_of(f"SELECT * FROM {table.view}"))


def _join(reader: connection, table: Watched) -> list[Group]:
    same = "part, key" if table.holds == "newest" else "part, key, release"
    of_both = (
        f"SELECT part, key, a.release, a.wrong OR b.wrong OR a.release <> b.release AS wrong"
        f" FROM ({table.cells}) AS a JOIN ({table.cells}) AS b USING ({same})"
    )
    return _groups(reader, groups_of(of_both))


def _cursor(reader: connection, table: Watched) -> list[Group]:
    with _isolated(reader, ISOLATION_LEVEL_READ_COMMITTED), reader.cursor("endure") as cursor:
        cursor.itersize = 777
        cursor.execute(table.cells)
        return _grouped(cursor)


def _copy(reader: connection, table: Watched) -> list[Group]:
    out = io.StringIO()
    with reader.cursor() as cursor:
        cursor.copy_expert(f"COPY ({table.cells}) TO STDOUT", out)
    lines = (line.split("\t") for line in out.getvalue().splitlines())
    return _grouped((int(part), int(key), int(release), wrong == "t") for part, key, release, wrong in lines)


def _twice(level: int) -> Way:
    def read(reader: connection, table: Watched) -> list[Group]:
        with _isolated(reader, level):
            first = sorted(_aggregate(reader, table))
            second = sorted(_aggregate(reader, table))
        # A load that only adds is seen by every snapshot as soon as it is committed (postgres/folder.py).
        if first != second and (table.holds == "newest" or not set(first) <= set(second)):
            raise TwoReleases(f"{table.name}: one transaction saw {first} and then {second}")
        return first

    return read


WAYS: Mapping[str, Way] = {
    "aggregate": _aggregate,
    "view": _through_a_view,
    "join": _join,
    "cursor": _cursor,
    "copy": _copy,
    "twice, read committed": _twice(ISOLATION_LEVEL_READ_COMMITTED),
    "twice, repeatable read": _twice(ISOLATION_LEVEL_REPEATABLE_READ),
}


class TwoReleases(Exception):
    """Two reads of one transaction differ."""


@dataclass
class Findings:
    """What a reader has read, by way of reading, how often it lost its connection, and what should not have been."""

    reads: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    faults: list[str] = field(default_factory=list)


class Readers:
    """Processes that read until `stop`. `address`: a file with the URL that they connect to."""

    def __init__(self, address: Path, seed: int, processes: int = PROCESSES) -> None:
        spawn: SpawnContext = multiprocessing.get_context("spawn")
        self._reported = spawn.Array("i", len(PLACES), lock=False)
        self._stopped = spawn.Event()
        self._readers: list[tuple[BaseProcess, Pipe]] = []
        for number in range(processes):
            ours, theirs = spawn.Pipe(duplex=False)
            arguments = (str(address), seed + number, self._reported, self._stopped, theirs)
            process = spawn.Process(target=_read_on, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._readers.append((process, ours))
        for _, ours in self._readers:
            ours.recv()  # it has read everything once; EOFError where it could not

    def reported(self, table: Watched, number: int, part: int = 0) -> None:
        """A publication has reported that this release is done: from now on nobody may see an older one."""
        if table in WATCHED:
            self._reported[PLACES.index((table.name, part))] = number

    def stop(self) -> Findings:
        """End them; returns what all of them found."""
        self._stopped.set()
        every = Findings()
        for process, ours in self._readers:
            if not ours.poll(SECONDS_TO_END):
                every.faults.append("a reader hangs")
                process.kill()
            else:
                with suppress(EOFError):
                    one: Findings = ours.recv()
                    every.reads += one.reads
                    every.lost += one.lost
                    every.faults += one.faults
            process.join()
            if process.exitcode:
                every.faults.append(f"a reader ended with exit code {process.exitcode}")
        return every


def _read_on(address: str, seed: int, reported: list[int], stopped: Event, answer: Pipe) -> None:
    child_processes.end_with_parent()
    os.nice(NICE)
    chance, found = random.Random(seed), Findings()
    turns = [(table, way) for table in WATCHED for way in WAYS]
    first = True
    while not stopped.is_set() or first:
        try:
            reader = psycopg2.connect(Path(address).read_text(), application_name="endure reader")
        except psycopg2.OperationalError:
            if first:
                raise
            time.sleep(0.05)
            continue
        reader.autocommit = True
        seen: dict[Place, set[int]] = defaultdict(set)
        try:
            while not stopped.is_set() or first:
                chance.shuffle(turns)
                for table, way in turns:
                    _read(reader, table, way, reported, seen, found)
                    if stopped.is_set() and not first:
                        break
                if first:
                    answer.send("reading")
                first = False
        except psycopg2.Error as error:
            if first:
                raise
            if is_lost(error) or reader.closed:
                found.lost += 1
            elif len(found.faults) < MOST_STORIES:
                found.faults.append(f"a reader was refused: {error.pgcode} {str(error).strip()}")
        finally:
            reader.close()
    answer.send(found)


def _read(
    reader: connection,
    table: Watched,
    way: str,
    reported: list[int],
    seen: dict[Place, set[int]],
    found: Findings,
) -> None:
    least = {place: reported[n] for n, place in enumerate(PLACES) if place[0] == table.name}
    try:
        groups = WAYS[way](reader, table)
        stories = table.problems(groups)
    except TwoReleases as error:
        groups, stories = [], [str(error)]
    found.reads[way] += 1
    now: dict[Place, set[int]] = defaultdict(set)
    for part, number, *_ in groups:
        now[table.name, part].add(number)
    for place, number in least.items():
        if groups and max(now[place], default=0) < number:
            stories.append(f"{place}: release {sorted(now[place])} is there after {number} was reported")
        before = seen[place]
        lost = (
            before - now[place]
            if table.holds == "all"
            else {one for one in before if one > max(now[place], default=0)}
        )
        if groups and lost:
            stories.append(f"{place}: {sorted(now[place])} is there after {sorted(lost)} was seen")
        seen[place] = now[place] if groups else before
    if stories and len(found.faults) < MOST_STORIES:
        found.faults += [f"{way}: {story}" for story in stories]


def _groups(reader: connection, query: str) -> list[Group]:
    with reader.cursor() as cursor:
        cursor.execute(query)
        return [tuple(map(int, row)) for row in cursor.fetchall()]  # type: ignore[misc]


def _grouped(cells: Iterable[tuple[int, int, int, bool]]) -> list[Group]:
    found: dict[tuple[int, int], list[int]] = {}
    for part, key, release, wrong in cells:
        group = found.setdefault((part, release), [0, 0, 0])
        group[0] += 1
        group[1] += key
        group[2] += wrong
    return [(part, release, *sums) for (part, release), sums in found.items()]  # type: ignore[misc]


@contextmanager
def _isolated(reader: connection, level: int) -> Iterator[None]:
    """One transaction of this isolation level."""
    reader.autocommit = False
    reader.isolation_level = level
    try:
        with reader:
            yield
    finally:
        if not reader.closed:
            reader.isolation_level = None
            reader.autocommit = True
