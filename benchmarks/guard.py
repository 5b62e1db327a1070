"""What the guard before the Dagster UI costs a request, and the code server's socket against a port of loopback.

Two webservers of Dagster's, one of them behind the guard, answer the same requests in turns, so that whatever else the
machine does is the same for both.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests
from dagster._grpc.client import DagsterGrpcClient

from benchmarks.report import Table, machine, write
from eurostat_assets import ports
from eurostat_assets.code_server import Address
from eurostat_assets.web import Policy, Request, refusal_of

PROGRAMS = Path(sys.executable).parent
GUARDED = [sys.executable, "-m", "eurostat_assets.webserver"]
BARE = [str(PROGRAMS / "dagster-webserver")]
QUERY = {"query": "{ version runsOrError(limit: 10) { ... on Runs { results { id status } } } }"}
OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
ASKED: dict[str, Callable[[requests.Session, str], requests.Response]] = {
    "the page itself": lambda session, url: session.get(f"{url}/", headers=OURS),
    "a small GraphQL query": lambda session, url: session.post(
        f"{url}/graphql", json=QUERY, headers={**OURS, "Origin": url}
    ),
    "versions": lambda session, url: session.get(f"{url}/server_info", headers=OURS),
}


def main(arguments: Sequence[str]) -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(prog="guard", description=__doc__)
    parser.add_argument("--requests", type=int, default=400, help="of each kind, to each of two servers")
    count: int = parser.parse_args(arguments).requests
    facts = machine(["dagster", "dagster-webserver", "uvicorn"])
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-guard-") as folder:
        os.environ |= {
            "DAGSTER_HOME": folder,
            "EUROSTAT_HOME": f"{folder}/home",
            "DAGSTER_DISABLE_TELEMETRY": "1",
        }
        tables = [_pages(count), _decision(count * 50), _code_server(Path(folder), count)]
    print(write("guard", "The guard before the Dagster UI", facts, tables))


def _pages(count: int) -> Table:
    columns = [
        "asked",
        "requests",
        "without p50 ms",
        "with p50 ms",
        "without p90 ms",
        "with p90 ms",
        "median of the differences ms",
    ]
    table = Table("A request to Dagster's webserver, with and without the guard", columns)
    with _webserver(BARE) as bare, _webserver(GUARDED) as guarded, requests.Session() as session:
        for what, ask in ASKED.items():
            took = _in_turns(count, lambda ask=ask: ask(session, bare), lambda ask=ask: ask(session, guarded))
            table.rows.append((what, count, *_spreads(*took)))
    return table


def _decision(count: int) -> Table:
    table = Table("The decision alone", ["request", "decisions", "microseconds each"])
    host = ("host", "127.0.0.1:3000")
    ours = [
        host,
        ("origin", "http://127.0.0.1:3000"),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json"),
    ]
    policy = Policy(graphql="/graphql")
    for what, request in {
        "POST of our own page": Request("POST", "/graphql", "", ours),
        "GET with a query": Request("GET", "/graphql", "query=%7B+version+%7D", [host]),
        "POST of another page": Request(
            "POST", "/graphql", "", [host, ("origin", "https://attacker.example")]
        ),
    }.items():
        began = time.process_time()
        for _ in range(count):
            refusal_of(request, policy)
        table.rows.append((what, count, round((time.process_time() - began) / count * 1e6, 1)))
    return table


def _code_server(folder: Path, count: int) -> Table:
    columns = [
        "asked",
        "requests",
        "port p50 ms",
        "socket p50 ms",
        "port p90 ms",
        "socket p90 ms",
        "median of the differences ms",
    ]
    table = Table("The code server at a port of loopback and at a socket", columns)
    (folder / "nothing.py").write_text("import dagster as dg\n\ndefs = dg.Definitions()\n")
    by_port, by_socket = Address(port=ports.free()), Address(socket=folder / "code.sock")
    command = [str(PROGRAMS / "dagster"), "api", "grpc", "-f", str(folder / "nothing.py")]
    with (
        _running([*command, *by_port.options], by_port.answers),
        _running([*command, *by_socket.options], by_socket.answers),
    ):
        port, socket = DagsterGrpcClient(port=by_port.port), DagsterGrpcClient(socket=str(by_socket.socket))
        took = _in_turns(count, lambda: port.ping("x"), lambda: socket.ping("x"))
        table.rows.append(("an echo", count, *_spreads(*took)))
    return table


def _in_turns(count: int, *asks: Callable[[], object]) -> list[list[float]]:
    """Milliseconds of every request, the first ones left out: connections and caches are made there."""
    took: list[list[float]] = [[] for _ in asks]
    for turn in range(count + 10):
        for which, ask in enumerate(asks):
            began = time.perf_counter()
            ask()
            if turn >= 10:
                took[which].append((time.perf_counter() - began) * 1000)
    return took


def _spreads(one: list[float], other: list[float]) -> list[float]:
    differences = statistics.median(b - a for a, b in zip(one, other, strict=True))
    p90 = [statistics.quantiles(times, n=10)[-1] for times in (one, other)]
    return [
        round(value, 2) for value in (statistics.median(one), statistics.median(other), *p90, differences)
    ]


@contextmanager
def _webserver(program: Sequence[str]) -> Iterator[str]:
    port = ports.free()
    command = [*program, "-h", "127.0.0.1", "-p", str(port), "--empty-workspace"]
    with _running(command, lambda: not ports.is_free(port)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: Sequence[str], answers: Callable[[], bool]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not answers():
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} ended with code {process.returncode}")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()
