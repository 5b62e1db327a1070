"""What a page of another site can do to the Dagster UI that is open in the same browser: nothing. Real Chromium, real UI."""

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import dagster as dg
import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from eurostat_assets import partitions

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REBOUND = "rebound.example"  # a name of the attacker's, which the browser is made to find at 127.0.0.1
SECONDS = 3.0

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: NOTHING OF THE UI WAS TESTED"),
]

ADD_PARTITION = """mutation {{ addDynamicPartition(partitionKey: "{key}", partitionsDefName: "eurostat_dataset",
 repositorySelector: {{repositoryName: "__repository__", repositoryLocationName: "eurostat_assets"}})
 {{ __typename }} }}"""
READ = "{ runsOrError(limit: 1) { ... on Runs { results { id } } } }"

# Each is a script in an attacker's page; `UI`, `MUTATION` and `READ` are filled in. What a script can read it puts into
# `window.stolen`.
ATTACKS = {
    "image": "new Image().src = `${UI}/graphql?query=${encodeURIComponent(MUTATION)}`",
    "script": "document.head.append(Object.assign(document.createElement('script'),"
    " {src: `${UI}/graphql?query=${encodeURIComponent(MUTATION)}`}))",
    "stylesheet": "document.head.append(Object.assign(document.createElement('link'),"
    " {rel: 'stylesheet', href: `${UI}/graphql?query=${encodeURIComponent(MUTATION)}`}))",
    "fetch get": "fetch(`${UI}/graphql?query=${encodeURIComponent(MUTATION)}`, {mode: 'no-cors', credentials: 'include'})",
    "fetch text": "fetch(`${UI}/graphql`, {method: 'POST', mode: 'no-cors', body: JSON.stringify({query: MUTATION})})",
    "fetch address": "fetch(`${UI}/graphql?query=${encodeURIComponent(MUTATION)}`, {method: 'POST', mode: 'no-cors'})",
    "fetch json": "fetch(`${UI}/graphql`, {method: 'POST', headers: {'Content-Type': 'application/json'},"
    " body: JSON.stringify({query: MUTATION})})",
    "beacon": "navigator.sendBeacon(`${UI}/graphql?query=${encodeURIComponent(MUTATION)}`, 'x')",
    "form": "const f = Object.assign(document.createElement('form'), {method: 'POST', target: '_blank',"
    " action: `${UI}/graphql?query=${encodeURIComponent(MUTATION)}`}); document.body.append(f); f.submit()",
    "form in a frame": "document.body.innerHTML = '<iframe name=f></iframe>';"
    "const f = Object.assign(document.createElement('form'), {method: 'POST', target: 'f', enctype: 'text/plain',"
    " action: `${UI}/graphql?query=${encodeURIComponent(MUTATION)}`}); document.body.append(f); f.submit()",
    "link": "window.open(`${UI}/graphql?query=${encodeURIComponent(MUTATION)}`)",
    "report": "fetch(`${UI}/report_asset_materialization/eurostat_dataset?partition=KEY`,"
    " {method: 'POST', mode: 'no-cors'})",
    "read": "fetch(`${UI}/graphql?query=${encodeURIComponent(READ)}`).then(r => r.text()).then(t => window.stolen = t)",
    "read by post": "fetch(`${UI}/graphql`, {method: 'POST', headers: {'Content-Type': 'application/json'},"
    " body: JSON.stringify({query: READ})}).then(r => r.text()).then(t => window.stolen = t)",
    "read info": "fetch(`${UI}/server_info`).then(r => r.text()).then(t => window.stolen = t)",
    "web socket": "const s = new WebSocket(UI.replace('http', 'ws') + '/graphql', 'graphql-ws');"
    " s.onopen = () => window.stolen = 'open'",
    "frame": "document.body.innerHTML = `<iframe src='${UI}/runs' onload='this.contentWindow.length >= 0'></iframe>`",
}


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>attacker</title><body>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Say nothing."""


@contextmanager
def attackers_site() -> Iterator[int]:
    """A web site of somebody else's on this machine; its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


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
                "--no-proxy-server",  # the attacker's names are this machine's, whatever proxy the environment names
                f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP attacker.example 127.0.0.1",
            ],
        )
        yield browser.new_page()
        browser.close()


def attacked(page: Page, origin: str, ui: str, name: str, key: str) -> str | None:
    """Run one attack in a page of `origin`; returns what it could read."""
    page.goto(origin)
    values = {"UI": ui, "MUTATION": ADD_PARTITION.format(key=key), "READ": READ}
    constants = "".join(f"const {name} = {json.dumps(value)};" for name, value in values.items())
    script = ATTACKS[name].replace("KEY", key)
    page.evaluate(f"() => {{ window.stolen = null; {constants} {script}; return null }}")
    page.wait_for_timeout(SECONDS * 1000)
    stolen = page.evaluate("() => window.stolen")
    for other in page.context.pages:
        if other != page:
            other.close()
    return stolen


def test_no_page_of_another_site_changes_or_reads_anything(world, page: Page):
    ui = world.platform.ui
    reached, read = [], []
    with attackers_site() as port, dg.DagsterInstance.get() as instance:
        # Another site; another port of this machine, which browsers call the same site; and the UI by a foreign name.
        for place, origin, target in (
            ("another site", f"http://attacker.example:{port}/", ui),
            ("another port", f"http://127.0.0.1:{port}/", ui),
        ):
            for number, name in enumerate(ATTACKS):
                key = f"ATTACK_{place.split()[1].upper()}_{number}"
                if stolen := attacked(page, origin, target, name, key):
                    read.append((place, name, stolen[:200]))
                if key in partitions.known(instance):
                    reached.append((place, name))
        for other in page.frames[1:]:
            assert "Dagster" not in other.content()
        rebound = f"http://{REBOUND}:{world.platform.port}"
        answer = page.goto(f"{rebound}/runs")
        assert answer is not None
        assert answer.status == 421
        for attack in ("fetch json", "read", "read by post", "web socket", "fetch get", "report"):
            if stolen := attacked(page, f"{rebound}/runs", rebound, attack, f"ATTACK_REBOUND_{len(attack)}"):
                read += [("rebound", attack, stolen[:200])] if "not called" not in stolen else []
        reached += [("rebound", key) for key in partitions.known(instance) if key.startswith("ATTACK")]
    assert not reached
    assert not read


def test_the_attacks_would_work_from_the_ui_itself(world, page: Page):
    """That the test can fail: our own page reads by the same script, and adds a partition by POST."""
    ui = world.platform.ui
    assert "runsOrError" in (attacked(page, f"{ui}/runs", ui, "read by post", "X") or "")
    assert attacked(page, f"{ui}/runs", ui, "web socket", "X") == "open"
    attacked(page, f"{ui}/runs", ui, "fetch json", "ATTACK_BY_OURSELVES")
    with dg.DagsterInstance.get() as instance:
        assert "ATTACK_BY_OURSELVES" in partitions.known(instance)
        instance.delete_dynamic_partition(partitions.NAME, "ATTACK_BY_OURSELVES")


def test_even_our_own_page_cannot_change_anything_by_get(world):
    mutation = quote(ADD_PARTITION.format(key="ATTACK_GET"))
    assert requests.get(f"{world.platform.ui}/graphql?query={mutation}", timeout=30).status_code == 405
