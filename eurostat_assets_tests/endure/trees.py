"""Kills of whole trees of processes: `sync`, `up`, and one run of the chain from download to table."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from eurostat_assets import access, process_tree, resources
from eurostat_assets_tests.endure.leftovers import wait_until
from eurostat_assets_tests.endure.mirrors import CODES, Mirror
from eurostat_assets_tests.mirroring import mirroring

SECONDS_TO_COME_UP = 300
INTERRUPTED = 130
"""Exit code of a command that was told to end."""


def syncs(world: Mirror, kills: int) -> None:
    """Kill `sync`: its leader, one of its processes, all of them; or tell it to end."""
    current, usual, goal = world.round, world.usual, world.round.done + kills
    while current.done < goal:
        world.release(*current.chance.sample(CODES, current.chance.choice((1, len(CODES)))))
        sync = world.start("sync", "--all")
        time.sleep(current.chance.uniform(0.05, usual))
        if sync.poll() is not None:
            world.all_reported()
            usual *= 0.8  # the first one makes a database as well
            continue
        how = current.chance.choice(("leader", "member", "all", "TERM", "INT"))
        _strike(sync, how, current.chance)
        code = world.end_of(sync)
        if how in ("TERM", "INT") and code not in (0, INTERRUPTED, -signal.SIGTERM, -signal.SIGINT):
            current.fault(f"`sync` told to end by {how} ended with {code}: {world.last_words()}")
        world.look(access.reader_url(world.settings), {})
        current.count(f"sync, {how}")


def runs(world: Mirror, kills: int) -> None:
    """Kill the chain itself, in one process: download, Parquet, table."""
    current, goal = world.round, world.round.done + kills
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__])
    database = resources.database_url(world.settings, resources.MIRROR_DATABASE)
    task = partial(run_chain, world.settings.home, world.source.api_url, database)
    began = time.monotonic()
    rehearsed = forks.Process(target=task, args=(CODES[0],))
    rehearsed.start()
    rehearsed.join()
    usual = time.monotonic() - began
    while current.done < goal:
        code = current.chance.choice(CODES)
        world.release(code)
        process = forks.Process(target=task, args=(code,))
        process.start()
        seconds = current.chance.uniform(0.05, 1.2) * usual
        process.join(seconds)
        killed = process.is_alive()
        process.kill()
        process.join()
        world.look(access.reader_url(world.settings), {})
        if killed:
            current.count(f"run, after {seconds / usual // 0.25 * 25:.0f} % of its time")


def run_chain(home: Path, api_url: str, database: str, code: str) -> None:
    """Mirror one dataset in this process."""
    with mirroring(home, api_url, database) as chain:
        chain.mirror(code, force=True)


def ups(world: Mirror, kills: int) -> None:
    """Kill what `up` has started, which it starts again, and at last `up` itself, after which nothing is left."""
    current, goal = world.round, world.round.done + kills
    world.run("db", "stop")
    while current.done < goal:
        up = world.start("up")
        if not _is_up(world, up):
            current.fault(f"`up` did not come up: {world.last_words()}")
        names = ["code-server", "dagster-webserver", "dagster-daemon", "guardian", "PostgreSQL", "a run"]
        current.chance.shuffle(names)
        for name in names[: goal - current.done - 1]:
            _strike_member(world, name)
            if up.poll() is not None:
                current.fault(f"`up` ended when {name} was killed: {world.last_words()}")
                return
            current.count(f"up, {name}")
        how = current.chance.choice(("leader", "all", "TERM", "INT"))
        _strike(up, how, current.chance)
        world.end_of(up)
        if not wait_until(lambda: not world.server.status().running):
            current.fault(f"the database server of `up` was left running, {how}")
        current.count(f"up, {how}")
        world.server.start()  # for those who read


def _strike(leader: subprocess.Popen[bytes], how: str, chance: random.Random) -> None:
    if how in ("TERM", "INT"):
        leader.send_signal(signal.SIGTERM if how == "TERM" else signal.SIGINT)
        return
    with suppress(psutil.NoSuchProcess):
        members = psutil.Process(leader.pid).children(recursive=True)
        members = [one for one in members if "postgres" not in one.name()]
        victims = {"leader": [leader], "member": [chance.choice(members)] if members else [leader]}
        for victim in victims.get(how, [leader, *members]):
            with suppress(psutil.NoSuchProcess):
                victim.kill()


def _is_up(world: Mirror, up: subprocess.Popen[bytes]) -> bool:
    """Wait until everything that is kept alive runs."""
    wanted = {"code-server", "dagster-webserver", "dagster-daemon"}

    def whole() -> bool:
        return wanted <= set(process_tree.members(world.home).values()) and _answers(world)

    return wait_until(lambda: up.poll() is not None or whole(), SECONDS_TO_COME_UP) and up.poll() is None


def _strike_member(world: Mirror, name: str) -> None:
    """Kill it, and wait until it is there again."""
    log = world.home / "logs" / "launcher.log"
    if name == "a run":
        _strike_run(world)
        return
    before = log.read_text().count(f"{name} was started again")
    pids = _pids(world, name)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if not wait_until(
        lambda: log.read_text().count(f"{name} was started again") > before, SECONDS_TO_COME_UP
    ):
        world.round.fault(f"{name} of `up` was killed and not started again: {pids}")


def _pids(world: Mirror, name: str) -> list[int]:
    """The process to kill: the first that was started as this."""
    if name == "PostgreSQL":
        pid = world.server.status().pid
        return [pid] if pid else []
    if name == "guardian":
        guardians = [one for one in psutil.process_iter(["cmdline"]) if _is_guardian(one, world)]
        return [one.pid for one in guardians[:1]]
    members = [one for one, started_as in process_tree.members(world.home).items() if started_as == name]
    return [min(members, key=lambda one: one.create_time()).pid] if members else []


def _is_guardian(process: psutil.Process, world: Mirror) -> bool:
    words = process.info["cmdline"] or []
    return "eurostat_assets.guardian" in words and str(world.home) in words


def _strike_run(world: Mirror) -> None:
    """Let a dataset be released, and kill the process that mirrors it when there is one."""
    world.release(CODES[0])
    found: list[psutil.Process] = []

    def at_work() -> bool:
        for process, started_as in process_tree.members(world.home).items():
            with suppress(psutil.Error):
                if (
                    started_as == "dagster-daemon"
                    and os.getsid(process.pid) == process.pid
                    and "spawn" not in str(process.cmdline())
                    and "dagster-daemon" not in str(process.cmdline()[:3])
                ):
                    found.append(process)
        return bool(found)

    if wait_until(at_work, 120):
        with suppress(psutil.Error):
            found[0].kill()


def _answers(world: Mirror) -> bool:
    return world.server.status().running
