"""A Eurostat in which an outsider wrote every text: the sandbox's answers, with the corpus in place of titles and labels."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, cycle
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from eurostat_assets import sandbox
from eurostat_assets_tests.outside.corpus import HOSTILE

REFUSED, PAGE = "HLTH_SILC_10", "HLTH_EHIS_ONE"
"""Of these two, an error comes instead of data: an envelope, and a web page."""
SENTENCE = "\x1b[2J".join(
    (HOSTILE["slack_link"], HOSTILE["md_image"], HOSTILE["rich_markup"], HOSTILE["bidi_override"])
)
# A lone surrogate is no text in JSON at all: such a body is refused as a whole.
LABELS = [text for name, text in HOSTILE.items() if name != "lone_surrogates"]


class Forger(BaseHTTPRequestHandler):
    """Passes every request on to the sandbox at `origin`."""

    origin = ""
    texts = cycle(HOSTILE.values())

    def do_GET(self) -> None:
        refused = f"/data/{REFUSED}" in self.path
        if refused or f"/data/{PAGE}" in self.path:
            envelope = {"error": [{"status": 400, "id": 150, "label": SENTENCE}]}
            page = f"<html><title>{SENTENCE.replace('<', '[')}</title></html>".encode()
            self._send(
                400 if refused else 503, "text/html", json.dumps(envelope).encode() if refused else page
            )
            return
        try:
            with urlopen(Request(self.origin + self.path, headers={"Accept-Encoding": "identity"})) as answer:
                status, kind, body = answer.status, answer.headers["Content-Type"], answer.read()
        except HTTPError as error:
            status, kind, body = error.code, error.headers["Content-Type"], error.read()
        if "/catalogue/toc/txt" in self.path:
            body = b"\n".join(self._row(line) for line in body.split(b"\n"))
        elif "/statistics/1.0/data/" in self.path:
            body = forged(body)
        self._send(status, kind, body)

    def _row(self, line: bytes) -> bytes:
        title, *cells = line.split(b"\t")
        if len(cells) < 2 or cells[1].strip(b'"') not in (b"dataset", b"table"):
            return line
        indent = b" " * (len(title.lstrip(b'"')) - len(title.lstrip(b'"').lstrip(b" ")))
        text = " ".join(next(self.texts).replace('"', '""').replace("\t", " ").replace("\r", " ").split("\n"))
        return b"\t".join([b'"' + indent + text.encode(errors="surrogatepass") + b'"', *cells])

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Be silent."""


def forged(body: bytes) -> bytes:
    """A JSON-stat body with hostile labels; another body as it is."""
    try:
        document = json.loads(body)
    except ValueError:
        return body
    if document.get("class") != "dataset":
        return body
    number = count()
    document["label"] = HOSTILE["script"] + HOSTILE["ansi_title"] + HOSTILE["md_image"]
    document["source"] = HOSTILE["osc8_link"]
    for name, dimension in document["dimension"].items():
        dimension["label"] = LABELS[next(number) % len(LABELS)]
        if name == "time":
            continue  # labels that contradict the periods are refused
        labels = dimension["category"]["label"]
        dimension["category"]["label"] = {code: LABELS[next(number) % len(LABELS)] for code in labels}
    return json.dumps(document).encode()


@contextmanager
def forging(source: sandbox.Running) -> Iterator[int]:
    """Serve while the block runs; yields the port."""
    Forger.origin = source.url
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
