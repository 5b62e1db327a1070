"""The same guard before the sandbox's control address and before the metrics; the sandbox's data answer everybody."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.auth import HTTPBasicAuth

from eurostat_assets.metrics import Books, exposition
from eurostat_assets.sandbox import Running, running
from eurostat_assets.web import Password, hash_password

FOREIGN = [
    {"Origin": "https://attacker.example"},
    {"Origin": "null"},
    {"Origin": "https://]"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    {"Host": "attacker.example"},
    {"Host": "0.0.0.0"},
    {"Host": "127.0.0.1@attacker.example"},
    {"Host": "attacker.example@127.0.0.1"},
]


@pytest.fixture(scope="module")
def source() -> Iterator[Running]:
    with running(profile="tests") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def metrics() -> Iterator[str]:
    with exposition.serve(lambda: Books(up=True), 0, hosts=["metrics"]) as port:
        yield f"http://127.0.0.1:{port}/metrics"


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_page_steers_the_sandbox_or_reads_its_state(source: Running, headers: dict[str, str]):
    before = source.state()
    orders = {
        "release": {"codes": ["HLTH_RS_BDS"]},
        "withdraw": {"codes": ["HLTH_RS_BDS"]},
        "clock": {"now": None},
    }
    for door, order in {**orders, "faults": {"faults": "503=1"}, "contract": {"changes": []}}.items():
        for kind in ("application/json", "text/plain"):
            sent = requests.post(
                f"{source.url}/sandbox/{door}",
                json.dumps(order),
                headers={**headers, "Content-Type": kind},
                timeout=30,
            )
            assert sent.status_code in (403, 421), door
    for door in ("state", "tally"):
        assert requests.get(f"{source.url}/sandbox/{door}", headers=headers, timeout=30).status_code in (
            403,
            421,
        )
    assert source.state() == before


def test_the_sandboxs_data_answer_whoever_asks_as_eurostat_does(source: Running):
    for headers in FOREIGN:
        if "@" not in headers.get("Host", ""):
            got = requests.get(f"{source.api_url}/catalogue/toc/txt", headers=headers, timeout=30)
            assert got.ok, headers


def test_what_belongs_to_the_platform_steers_it(source: Running):
    source.set_faults("")
    assert source.tally()["requests"]


@pytest.mark.parametrize("body", ["[]", '{"now": 3}', '"x"', "null", "{"])
def test_an_order_that_is_none_is_answered_as_such(source: Running, body: str):
    answer = requests.post(f"{source.url}/sandbox/clock", data=body, timeout=30)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_page_reads_the_metrics(metrics: str, headers: dict[str, str]):
    answer = requests.get(metrics, headers=headers, timeout=30)
    assert answer.status_code in (403, 421)
    assert "eurostat_mirror" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_prometheus_reads_the_metrics_by_loopback_and_by_a_name_that_is_set(metrics: str):
    port = metrics.split(":")[2].split("/")[0]
    for host in ("localhost", f"localhost:{port}", "metrics:9464", "METRICS"):
        answer = requests.get(metrics, headers={"Host": host}, timeout=30)
        assert answer.ok
        assert "eurostat_mirror_up 1.0" in answer.text
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"


def test_the_metrics_ask_for_the_password_where_one_is_set():
    password = Password("anna", hash_password("käse"))
    with exposition.serve(lambda: Books(up=True), 0, password=password) as port:
        for path in ("/metrics", "/", "/server_info"):
            url = f"http://127.0.0.1:{port}{path}"
            right = HTTPBasicAuth(b"anna", "käse".encode())
            for credentials in (
                None,
                HTTPBasicAuth("anna", "wrong"),
                HTTPBasicAuth(b"otto", "käse".encode()),
            ):
                answer = requests.get(url, auth=credentials, timeout=30)
                assert answer.status_code == 401
                assert "eurostat_mirror" not in answer.text
                assert answer.headers["WWW-Authenticate"].startswith("Basic")
            assert "eurostat_mirror_up 1.0" in requests.get(url, auth=right, timeout=30).text


def test_the_command_reads_the_password_file(tmp_path: Path):
    file = tmp_path / "password"
    command = [Path(sys.executable).with_name("eurostat-assets"), "metrics", "--port", "0"]
    environment = {**os.environ, "EUROSTAT_HOME": str(tmp_path), "EUROSTAT_WEB_PASSWORD_FILE": str(file)}
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert "password file" in refused.stderr
    file.write_text(f"anna:{hash_password('x')}")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address
            assert requests.get(address[0], timeout=30).status_code == 401
            assert requests.get(address[0], auth=("anna", "x"), timeout=30).ok
        finally:
            process.terminate()


def test_two_hosts_are_none(metrics: str):
    port = int(metrics.split(":")[2].split("/")[0])
    for hosts in (["localhost", "attacker.example"], ["attacker.example", "localhost"], []):
        lines = ["GET /metrics HTTP/1.1", *(f"Host: {host}" for host in hosts), "Connection: close"]
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            assert b" 421 " in connection.makefile("rb").readline()
