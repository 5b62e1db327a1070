"""Behind a proxy: loopback is never asked of it, whatever NO_PROXY says; Eurostat always is."""

import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from eurostat_assets import loopback

PROGRAM = """
import concurrent.futures, http.server, threading
import grpc, requests
import eurostat_assets
from eurostat_assets.eurostat import Eurostat, EurostatError

class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()

web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
threading.Thread(target=web.serve_forever, daemon=True).start()
for host in ("127.0.0.1", "localhost"):
    assert requests.get(f"http://{host}:{web.server_port}/", timeout=60).ok

server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
for host in ("127.0.0.1", "localhost"):
    grpc.channel_ready_future(grpc.insecure_channel(f"{host}:{port}")).result(timeout=60)

with Eurostat(attempts=1, connect_timeout=10) as eurostat:
    try:
        eurostat.probe("HLTH_A")
    except EurostatError:
        print("Eurostat was not reached")
"""


class CountingProxy(socketserver.ThreadingTCPServer):
    """A proxy that lets nothing through and keeps the first line of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        proxy = self

        class Refuse(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                proxy.asked.append(self.rfile.readline().decode().strip())
                self.wfile.write(
                    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )

        super().__init__(("127.0.0.1", 0), Refuse)


@pytest.fixture
def proxy() -> Iterator[CountingProxy]:
    with CountingProxy() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("spell", [str.upper, str.lower], ids=["HTTP_PROXY", "http_proxy"])
@pytest.mark.parametrize(
    "no_proxy", [None, "", "intranet.example,10.0.0.0/8"], ids=["unset", "empty", "others"]
)
def test_loopback_is_direct_and_eurostat_goes_through_the_proxy(proxy, spell, no_proxy):
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        environment[spell(name)] = f"http://127.0.0.1:{proxy.server_address[1]}"
    if no_proxy is not None:
        environment[spell("no_proxy")] = no_proxy
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Eurostat was not reached" in done.stdout
    assert {line.rpartition(" ")[0] for line in proxy.asked} == {"CONNECT ec.europa.eu:443"}


def test_what_the_variables_said_before_is_kept():
    environment = {"NO_PROXY": "intranet.example"}
    loopback.keep_direct(environment)
    once = dict(environment)
    loopback.keep_direct(environment)
    assert environment == once  # every process does it again
    for name in ("NO_PROXY", "no_proxy", "no_grpc_proxy"):
        assert set(environment[name].split(",")) == {"intranet.example", *loopback.NAMES}


def test_a_star_stays_one():
    environment = {"no_proxy": "*"}
    loopback.keep_direct(environment)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "*"
    assert set(loopback.NAMES) <= set(environment["no_grpc_proxy"].split(","))
