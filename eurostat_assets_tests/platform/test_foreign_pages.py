"""What a page of another site can do to the servers of this machine, in the same browser: nothing. Chromium and the UI."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from eurostat_assets import partitions, ports
from eurostat_assets.metrics import Books, exposition
from eurostat_assets_tests.platform.attacks import (
    ADD_PARTITION,
    ATTACKS,
    READ,
    all_at_once,
    attackers_site,
    key_of,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REBOUND = "rebound.example"  # a name of the attacker's, which the browser is made to find at 127.0.0.1
SECONDS = 5.0
PATIENCE = 200.0
REFUSALS = ("This server is not called", "Refused:")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: NOTHING OF THE UI WAS TESTED"),
]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-popup-blocking",
                "--no-proxy-server",  # the attacker's names are this machine's, whatever proxy the environment names
                f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP *.example 127.0.0.1, MAP *.localhost 127.0.0.1",
            ],
        )
        yield browser.new_page()
        browser.close()


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    with attackers_site() as port:
        yield port


@pytest.fixture(scope="module")
def addresses(world, site) -> Iterator[dict[str, str]]:
    with exposition.serve(lambda: Books(up=True), 0) as port:
        yield {
            "UI": world.platform.ui,
            "SANDBOX": world.source.url,
            "METRICS": f"http://127.0.0.1:{port}",
            "SITE": f"http://127.0.0.1:{site}",
        }


def attacked(page: Page, origin: str, place: str, addresses: dict[str, str]) -> dict[str, str]:
    """Begin every attack at once in a page of `origin`; return what each could read."""
    page.goto(origin)
    page.evaluate(all_at_once(place, addresses))
    page.wait_for_timeout(SECONDS * 1000)
    stolen = page.evaluate("() => window.stolen")
    for other in page.context.pages:
        if other != page:
            other.close()
    return {name: text[:200] for name, text in stolen.items() if not text.startswith(REFUSALS)}


def everything(world) -> object:
    """What an attack may want to change, besides adding a partition: sensors, assets, and what the sandbox publishes."""
    with dg.DagsterInstance.get() as instance:
        sensors = {one.instigator_name: one.status for one in instance.all_instigator_state()}
        return sensors, sorted(map(str, instance.all_asset_keys())), world.source.state()


def reached() -> set[str]:
    """The attacks that added their partition, or reported one."""
    with dg.DagsterInstance.get() as instance:
        keys = {key for key in partitions.known(instance) if key.startswith("ATTACK")}
        keys |= {
            str(record.partition_key)
            for record in instance.fetch_materializations(dg.AssetKey("eurostat_dataset"), limit=200).records
            if (record.partition_key or "").startswith("ATTACK")
        }
        return keys


def test_no_page_of_another_site_changes_or_reads_anything(world, page: Page, site, addresses, tmp_path):
    before = everything(world)
    (tmp_path / "attack.html").write_text("<!doctype html><title>attacker</title><body><p>x")
    read = {}
    for place, origin in (
        ("another site", f"http://attacker.example:{site}/"),
        ("another port", f"http://127.0.0.1:{site}/"),
        ("another name", f"http://localhost:{site}/"),
        ("a file", (tmp_path / "attack.html").as_uri()),
        ("no origin", "data:text/html,<!doctype html><title>attacker</title><body><p>x"),
    ):
        read[place] = attacked(page, origin, place, addresses)
        for frame in page.frames[1:]:
            assert "Dagster" not in frame.content()
    # The attacker's own name, which now leads to our servers: to the browser, their pages are his.
    for server in ("UI", "SANDBOX", "METRICS"):
        port = addresses[server].rpartition(":")[2]
        rebound = {name: url.replace("127.0.0.1", REBOUND) for name, url in addresses.items()}
        rebound["SITE"] = addresses["SITE"]
        found = attacked(page, f"http://{REBOUND}:{port}/sandbox/state", f"rebound {server}", rebound)
        read[f"rebound {server}"] = {
            name: text for name, text in found.items() if not name.startswith("read a measure")
        }
    assert len(ATTACKS) >= 40
    assert reached() == set()
    assert {place: found for place, found in read.items() if found} == {}
    assert everything(world) == before


def test_without_the_guard_the_same_pages_change_and_read(world, page: Page, site, addresses):
    """That the test above can fail: the same attacks on a webserver of Dagster's own, before the same instance."""
    port = ports.free()
    program = Path(sys.executable).with_name("dagster-webserver")
    command = [program, "-h", "127.0.0.1", "-p", str(port), "-w", world.platform.workspace]
    unguarded = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + PATIENCE
        while ports.is_free(port):
            assert time.monotonic() < give_up
            assert unguarded.poll() is None
            time.sleep(0.2)
        ours = addresses | {"UI": f"http://127.0.0.1:{port}"}
        stolen = attacked(page, f"http://attacker.example:{site}/", "unguarded", ours)
        wanted = {key_of("unguarded", name) for name in ("image", "form address", "fetch get", "beacon")}
        while not wanted <= reached():
            assert time.monotonic() < give_up, reached()
            time.sleep(0.5)
        assert "socket" in stolen
    finally:
        unguarded.terminate()
        unguarded.wait()
        with dg.DagsterInstance.get() as instance:
            for key in reached() & set(partitions.known(instance)):
                instance.delete_dynamic_partition(partitions.NAME, key)


def test_our_own_page_does_by_the_same_scripts_what_it_may(world, page: Page):
    page.goto(f"{world.platform.ui}/runs")
    mutation = ADD_PARTITION.replace("KEY", "ATTACK_BY_OURSELVES")
    ask = "query => fetch('/graphql', {method: 'POST', headers: {'Content-Type': 'application/json'},"
    ask += " body: JSON.stringify({query})}).then(r => r.text())"
    assert "runsOrError" in page.evaluate(ask, READ)
    assert "AddDynamicPartitionSuccess" in page.evaluate(ask, mutation)
    opened = "() => new Promise(done => { const s = new WebSocket(location.origin.replace('http', 'ws') + '/graphql',"
    opened += " 'graphql-ws'); s.onopen = () => done(true); s.onerror = () => done(false) })"
    assert page.evaluate(opened)
    with dg.DagsterInstance.get() as instance:
        assert "ATTACK_BY_OURSELVES" in partitions.known(instance)
        instance.delete_dynamic_partition(partitions.NAME, "ATTACK_BY_OURSELVES")


def test_even_our_own_page_cannot_change_anything_by_get(world):
    mutation = quote(ADD_PARTITION.replace("KEY", "ATTACK_GET"))
    assert requests.get(f"{world.platform.ui}/graphql?query={mutation}", timeout=30).status_code == 405


def test_a_read_only_ui_shows_everything_and_changes_nothing(world):
    port = ports.free()
    command = [sys.executable, "-m", "eurostat_assets.webserver", "-h", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "EUROSTAT_WEB_READ_ONLY": "true"}
    server = subprocess.Popen([*command, "-w", world.platform.workspace], env=environment)
    try:
        give_up = time.monotonic() + PATIENCE
        while ports.is_free(port):
            assert time.monotonic() < give_up
            assert server.poll() is None
            time.sleep(0.2)
        graphql = f"http://127.0.0.1:{port}/graphql"
        assert "results" in requests.post(graphql, json={"query": READ}, timeout=60).text
        mutation = ADD_PARTITION.replace("KEY", "ATTACK_READ_ONLY")
        answer = requests.post(graphql, json={"query": mutation}, timeout=60).json()
        assert answer["data"]["addDynamicPartition"]["__typename"] == "UnauthorizedError", json.dumps(answer)
        assert reached() == set()
    finally:
        server.terminate()
        server.wait()
