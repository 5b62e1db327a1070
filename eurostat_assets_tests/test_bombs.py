"""Bombs of 100 GB and more: each ends within seconds and 300 MB, leaves nothing, and says so.

They are made as they are sent. The client is a process of its own, whose processor time and peak of memory are looked at.
"""

import gzip
import json
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest

_MOST_SECONDS = 10  # of the processor, for each; 1 to 3 on a machine with nothing else to do
_MOST_BYTES = 300e6
_ZEROS = bytes(1 << 20)
_OPENED = b'{"version":"2.0","class":"dataset","updated":"2026-02-11T11:00:00+0100","value":{"0":'

CLIENT = """
import json, resource, sys
from pathlib import Path
from eurostat_assets.eurostat import Eurostat, EurostatError
from eurostat_assets.jsonstat import JsonStatError, read_facts

address, folder, asks = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]

def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

def act(ask):
    kind, _, name = ask.partition(":")
    if kind == "stored":
        return read_facts(folder / name)
    with Eurostat(f"{address}/{name}", attempts=3, backoff=0.01, read_timeout=60) as eurostat:
        if kind == "download":
            return eurostat.download("HLTH_A", folder / "scratch", inspect=read_facts)
        return getattr(eurostat, kind)()

for ask in asks:
    began = cpu()
    try:
        act(ask)
        said = "accepted"
    except (EurostatError, JsonStatError) as error:
        said = f"{type(error).__name__}: {error}"
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    print(json.dumps([ask, said, cpu() - began, peak]), flush=True)
"""


def gzip_of_zeros() -> Iterator[bytes]:
    """One member without end: blocks that follow a full flush can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(_ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)
    block = b"".join(packer.compress(_ZEROS) for _ in range(16)) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(100 * 64):
        yield block


def gzip_members(content: bytes) -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    member = packer.compress(content) + packer.flush()
    together = member * max(1, (1 << 16) // len(member))
    while True:
        yield together


def repeated(head: bytes, piece: bytes) -> Iterator[bytes]:
    if head:
        yield head
    for _ in range(100 * 1024):
        yield piece * max(1, (1 << 20) // len(piece))


SENT: dict[str, Callable[[], Iterator[bytes]]] = {
    "gzip": gzip_of_zeros,
    "gzip_members": lambda: gzip_members(bytes(64 << 20)),
    "gzip_empty_members": lambda: gzip_members(b""),
    "plain": lambda: repeated(b"", _ZEROS),
    "zip": lambda: repeated(b"PK\x03\x04\x14\0\0\0\x08\0", zlib.compress(_ZEROS)),
    "deflate": lambda: repeated(b"", zlib.compress(_ZEROS)),
    "zstd": lambda: repeated(b"", pa.compress(bytes(64 << 20), "zstd", asbytes=True)),
    "space": lambda: repeated(_OPENED[:-5], b" " * (1 << 20)),
    "digits": lambda: repeated(_OPENED, b"1" * (1 << 20)),
    "text": lambda: repeated(_OPENED + b'"', b"x" * (1 << 20)),
    "brackets": lambda: repeated(_OPENED, b"[" * (1 << 20)),
}
ASKED = [
    *(f"download:{name}" for name in SENT),
    *(
        f"{door}:{name}"
        for door in ("inventory", "toc", "feed")
        for name in ("gzip", "plain", "gzip_empty_members")
    ),
    "stored:bomb.json.gz",
    "stored:bomb.json.zst",
]


class Sending(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = self.path.split("/")[1]
        outline = "sinceTimePeriod" in self.path
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            # Nor does the outline announce that many observations: it is the same bomb.
            for piece in SENT[name]():
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        except OSError:
            self.close_connection = True
        self.close_connection |= outline

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Be silent."""


@pytest.fixture
def address() -> Iterator[str]:
    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has seen enough hangs up."""

    with Server(("127.0.0.1", 0), Sending) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def stored(folder: Path) -> None:
    """Bodies in the store that swell to 10 GB and 100 GB."""
    (folder / "bomb.json.gz").write_bytes(gzip.compress(_OPENED) + gzip.compress(b" " * (64 << 20)) * 160)
    frame = pa.compress(b" " * (64 << 20), "zstd", asbytes=True)
    (folder / "bomb.json.zst").write_bytes(pa.compress(_OPENED, "zstd", asbytes=True) + frame * 1600)


def test_bombs_end_within_seconds_and_300_megabytes(address: str, tmp_path: Path) -> None:
    stored(tmp_path)
    client = subprocess.run(
        [sys.executable, "-c", CLIENT, address, str(tmp_path), *ASKED],
        capture_output=True,
        text=True,
        check=False,
    )
    assert client.stderr == ""
    found = [json.loads(line) for line in client.stdout.splitlines()]
    assert [ask for ask, *_ in found] == ASKED
    for ask, said, seconds, peak in found:
        error, _, story = said.partition(": ")
        assert error in ("TooLarge", "CutShort", "Unreadable", "CorruptSource"), (ask, said)
        assert story.isprintable()
        assert len(story) < 1500
        assert seconds < _MOST_SECONDS, (ask, seconds)
        assert peak < _MOST_BYTES, (ask, peak)
    assert not list((tmp_path / "scratch").iterdir())
