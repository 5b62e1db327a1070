"""A webhook server and a mail server of the test's own: both keep what they are told."""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class WebhookServer(ThreadingHTTPServer):
    """Answers every POST with `status`; keeps the bodies it took."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.status = 200
        self.bodies: list[dict] = []
        self.refused = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/T00/s3cr3t-path"

    @property
    def texts(self) -> list[str]:
        return [body["text"] for body in self.bodies]


class _Hook(BaseHTTPRequestHandler):
    server: WebhookServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.bodies.append(json.loads(body))
        else:
            self.server.refused += 1
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"ok" if self.server.status == 200 else f"no {self.path}".encode())

    def log_message(self, *_: object, **__: object) -> None:
        pass


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP (RFC 5321) as a client needs; keeps the letters, and who logged in."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.letters: list[str] = []
        self.logins: list[str] = []

    @property
    def url(self) -> str:
        return f"smtp://robot:hunter2@127.0.0.1:{self.server_address[1]}"


class _Smtp(socketserver.StreamRequestHandler):
    server: MailServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                self._say("250-test\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                self.server.logins.append(line)
                self._say("235 welcome")
            elif word == "DATA":
                self._say("354 go on")
                self.server.letters.append(self._letter())
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _letter(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def webhook() -> Iterator[WebhookServer]:
    with WebhookServer() as server:
        yield from _serving(server)


@contextmanager
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield from _serving(server)


def _serving(server):
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
