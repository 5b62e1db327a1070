"""On a running platform: a stopped sensor, a broken feed and a dead daemon each raise one alarm, and one all-clear."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import requests
from dagster._core.scheduler.instigation import SensorInstigatorData

from eurostat_assets import launcher, sandbox
from eurostat_assets.settings import Settings
from eurostat_assets_tests.alarms import receivers

STOP = "mutation ($id: String!) { stopSensor(id: $id) { __typename } }"
START = "mutation ($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename } }"
STATE = "query ($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { sensorState { id } } } }"
SENSOR = {
    "repositoryName": "__repository__",
    "repositoryLocationName": "eurostat_assets",
    "sensorName": "stale_datasets",
}


@dataclass(frozen=True)
class World:
    platform: launcher.Platform
    source: sandbox.Running
    hook: receivers.WebhookServer
    mail: receivers.MailServer

    def told(self, words: str) -> tuple[int, int]:
        """How often webhook and mail told of it."""
        return tuple(  # type: ignore[return-value]
            sum(text.count(words) for text in texts) for texts in (self.hook.texts, self.mail.letters)
        )

    def ask(self, query: str, **variables: object) -> dict:
        order = {"query": query, "variables": variables}
        answer = requests.post(f"{self.platform.ui}/graphql", json=order, timeout=60).json()
        assert "errors" not in answer, answer
        return answer["data"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    before = dict(os.environ)
    with ExitStack() as stack:
        stack.callback(lambda: (os.environ.clear(), os.environ.update(before)))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eurostat-assets-alarms-")))
        home.chmod(0o755)  # as root, PostgreSQL runs as another user
        hook, mail = stack.enter_context(receivers.webhook()), stack.enter_context(receivers.mail())
        source = stack.enter_context(sandbox.running(folder=home / "sandbox", profile="tests"))
        os.environ |= {
            "EUROSTAT_HOME": str(home / "mirror"),
            "EUROSTAT_API_URL": source.api_url,
            "EUROSTAT_THEME": "HLTH_RS_BDS",
            "EUROSTAT_DATABASE_URL": "",
            "EUROSTAT_STORE_URL": "",
            # Another platform may be starting at this moment.
            "EUROSTAT_WEBSERVER_PORT": str(random.randrange(10_000, 20_000)),
            "EUROSTAT_ATTEMPTS": "1",
            "EUROSTAT_POLL_INTERVAL": "1",
            "EUROSTAT_REQUEST_INTERVAL": "600",
            "EUROSTAT_ALARM_INTERVAL": "1",
            "EUROSTAT_ALARM_DISK_FREE": "0",
            "EUROSTAT_ALARM_WEBHOOK": hook.url,
            "EUROSTAT_ALARM_EMAIL": "ada@example.org",
            "EUROSTAT_SMTP_URL": mail.url,
        }
        platform = stack.enter_context(launcher.running(Settings()))
        yield World(platform, source, hook, mail)
        everything = "\n".join([*hook.texts, *mail.letters])
        assert "hunter2" not in everything
        assert "s3cr3t" not in everything


def wait_for(done: Callable[[], bool], what: str, seconds: float = 120) -> None:
    give_up = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < give_up, what
        time.sleep(0.3)


def test_a_stopped_sensor_is_one_alarm_and_one_all_clear(world):
    # Dagster's daemon reads and writes a sensor's whole state as a tick begins and ends: a stop in between would be lost.
    wait_for(_has_ticked, "the first tick of the sensor, the next one being ten minutes away")
    state = world.ask(STATE, s=SENSOR)["sensorOrError"]["sensorState"]["id"]
    world.ask(STOP, id=state)
    wait_for(lambda: world.told("ALARM sensor_stopped") == (1, 1), "the alarm")
    world.ask(START, s=SENSOR)
    wait_for(lambda: world.told("ALL CLEAR sensor_stopped") == (1, 1), "the all-clear")
    assert world.told("ALARM sensor_stopped") == (1, 1)


def test_a_broken_feed_is_one_alarm_and_one_all_clear(world):
    world.source.set_faults("feed_500=1")
    wait_for(lambda: world.told("ALARM source_failing") == (1, 1), "the alarm")
    world.source.set_faults("")
    wait_for(lambda: world.told("ALL CLEAR source_failing") == (1, 1), "the all-clear")
    assert world.told("ALARM source_failing") == (1, 1)
    assert world.told("ticks_failing") == (0, 0)  # one cause, one alarm


def test_a_silent_daemon_is_told_by_the_watchdog_and_its_return_as_well(world):
    healthz = [str(Path(sys.executable).with_name("eurostat-assets")), "healthz", "--daemon", "--tell"]
    daemon = world.platform.pid("dagster-daemon")
    os.kill(daemon, signal.SIGSTOP)  # a dead one would be started again at once
    try:
        time.sleep(2)
        impatient = {**os.environ, "EUROSTAT_ALARM_DAEMON_SILENCE": "1"}
        for _ in range(2):
            silent = subprocess.run(healthz, env=impatient, capture_output=True, text=True)
            assert silent.returncode == 1, silent.stdout
            assert "daemon_dead" in silent.stdout
        assert world.told("ALARM daemon_dead") == (1, 1)
    finally:
        os.kill(daemon, signal.SIGCONT)
    wait_for(lambda: world.told("ALL CLEAR daemon_dead") == (1, 1), "the all-clear")


def _has_ticked() -> bool:
    with dg.DagsterInstance.get() as instance:
        states = {one.instigator_name: one for one in instance.all_instigator_state()}
    state = states.get(SENSOR["sensorName"])
    data = state.instigator_data if state else None
    return isinstance(data, SensorInstigatorData) and data.last_tick_success_timestamp is not None
