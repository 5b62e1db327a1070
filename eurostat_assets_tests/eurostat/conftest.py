"""A real HTTP server that answers as it is told, byte by byte if need be."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from eurostat_assets.eurostat import Eurostat

Reply = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One request. A reply writes to `wfile` what it wants the client to see."""

    protocol_version = "HTTP/1.1"
    server: "Publisher"  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.asked.append(self.path)
            self.server.times.append(time.monotonic())
            self.server.headers.append(dict(self.headers))
            reply = self.server.replies.pop(0) if len(self.server.replies) > 1 else self.server.replies[0]
        try:
            reply(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        """A complete answer with its length."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def start_chunks(self, **headers: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def chunk(self, piece: bytes) -> None:
        """Without a piece: the last chunk."""
        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.flush()

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        pass


class Publisher(ThreadingHTTPServer):
    """Replies in the order given, the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.lock = threading.Lock()
        self.replies: list[Reply] = []
        self.asked: list[str] = []
        self.times: list[float] = []
        self.headers: list[dict[str, str]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has seen enough hangs up; that is its right."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api"


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def eurostat(publisher: Publisher) -> Iterator[Eurostat]:
    with Eurostat(publisher.url, read_timeout=20, attempts=3, backoff=0.01) as client:
        yield client


@pytest.fixture
def impatient(publisher: Publisher) -> Iterator[Eurostat]:
    with Eurostat(publisher.url, read_timeout=1, download_deadline=3, attempts=2, backoff=0.01) as client:
        yield client
