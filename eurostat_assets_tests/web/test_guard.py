"""The guard before a real server: what a browser's page, another page and a program get from it."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from eurostat_assets.web import Password, Policy, hash_password
from eurostat_assets.web.guard import Guard

MUTATION = "mutation { wipeAssets }"
JSON = {"Content-Type": "application/json"}


@dataclass
class Served:
    """A server of a test: its port, and what reached the application behind the guard."""

    port: int
    reached: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def application(reached: list[str]) -> Starlette:
    """Answers as Dagster's webserver does, as far as the guard can tell: GraphQL by GET, POST and web socket; a page."""

    async def graphql(request: Request) -> Response:
        query = request.query_params.get("query") or (await request.body()).decode()
        reached.append(query)
        return JSONResponse({"data": "rows"})

    async def page(_request: Request) -> Response:
        reached.append("page")
        return HTMLResponse("<title>ours</title>", headers={"Content-Security-Policy": "script-src 'self'"})

    async def report(_request: Request) -> Response:
        reached.append("report")
        return JSONResponse({})

    async def socket_(websocket: WebSocket) -> None:
        reached.append("socket")
        await websocket.accept()
        await websocket.close()

    return Starlette(
        routes=[
            Route("/graphql", graphql, methods=["GET", "POST"]),
            WebSocketRoute("/graphql", socket_),
            Route("/server_info", page),
            Route("/report_asset_materialization/x", report, methods=["POST"]),
            Route("/{path:path}", page),
        ]
    )


@contextmanager
def serving(app: ASGIApp) -> Iterator[int]:
    """Serve `app` at a free port of loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="auto"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def served() -> Iterator[Served]:
    reached: list[str] = []
    with serving(
        Guard(application(reached), Policy(hosts=frozenset({"mirror.example.org"}), graphql="/graphql"))
    ) as port:
        yield Served(port, reached)


def test_a_program_may_query_and_change(served: Served):
    assert requests.get(f"{served.url}/graphql", {"query": "{ version }"}, timeout=10).ok
    assert requests.post(f"{served.url}/graphql", json={"query": MUTATION}, timeout=10).ok
    assert requests.post(f"{served.url}/report_asset_materialization/x", timeout=10).ok
    assert len(served.reached) == 3


@pytest.mark.parametrize(
    "query",
    [
        MUTATION,
        "query A { version } mutation B { wipeAssets }",
        "\n#x\nmutation{wipeAssets}",
        "subscription { pipelineRunLogs }",
    ],
)
def test_get_never_changes_anything(served: Served, query: str):
    answer = requests.get(f"{served.url}/graphql", {"query": query}, timeout=10)
    assert answer.status_code == 405
    assert not served.reached


@pytest.mark.parametrize("second", ["{ version }", MUTATION])
def test_a_mutation_does_not_hide_beside_another_query(served: Served, second: str):
    address = f"{served.url}/graphql?query={second}&query={MUTATION}"
    assert requests.get(address, timeout=10).status_code == 405
    assert not served.reached


@pytest.mark.parametrize(
    "host",
    ["attacker.example", "127.0.0.1.attacker.example", "localhost.attacker.example", "", "[::1", "10.0.0.1"],
)
def test_a_foreign_host_name_is_refused(served: Served, host: str):
    answer = requests.get(f"{served.url}/graphql?query={{v}}", headers={"Host": host}, timeout=10)
    assert answer.status_code in (400, 421)  # 400: the server itself refuses what is no host at all
    assert not served.reached


@pytest.mark.parametrize(
    "host",
    ["localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}", "mirror.example.org", "mirror.example.org."],
)
def test_a_name_of_this_server_is_taken(served: Served, host: str):
    headers = {"Host": host.format(port=served.port)}
    assert requests.get(f"{served.url}/x", headers=headers, timeout=10).ok


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1.attacker.example:{port}"},
        {"Origin": "chrome-extension://abc"},
        # Another port of the machine whose name is set is another server.
        {"Origin": "http://mirror.example.org:81", "Host": "mirror.example.org:80"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        # A form of another page is a navigation as well.
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/x"])
def test_another_page_changes_nothing(served: Served, headers: dict[str, str], path: str):
    sent = {name: value.format(port=served.port) for name, value in headers.items()}
    answer = requests.post(f"{served.url}{path}", json={"query": MUTATION}, headers=sent, timeout=10)
    assert answer.status_code == 403
    assert not served.reached


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_graphql_is_not_taken_from_a_form(served: Served, content_type: str):
    address = f"{served.url}/graphql?query={MUTATION}"
    answer = requests.post(address, b"x", headers={"Content-Type": content_type}, timeout=10)
    assert answer.status_code == 415
    assert not served.reached


def test_a_link_on_another_page_opens_ours_and_a_frame_does_not(served: Served):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    opened = requests.get(f"{served.url}/runs", headers=link, timeout=10)
    assert opened.ok
    assert opened.headers["X-Frame-Options"] == "DENY"
    assert opened.headers["Content-Security-Policy"] == "script-src 'self'; frame-ancestors 'none'"
    framed = requests.get(f"{served.url}/runs", headers={**link, "Sec-Fetch-Dest": "iframe"}, timeout=10)
    assert framed.status_code == 403


def test_our_own_page_does_everything_it_did(served: Served):
    own = {"Origin": served.url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert requests.post(f"{served.url}/graphql", json={"query": MUTATION}, headers=own, timeout=10).ok


def test_behind_a_proxy_that_ends_tls_our_own_page_is_known(served: Served):
    own = {"Host": "mirror.example.org", "Origin": "https://mirror.example.org"}
    assert requests.post(f"{served.url}/graphql", json={"query": MUTATION}, headers=own, timeout=10).ok


def handshake(port: int, origin: str | None) -> str:
    """The status line that a web socket's opening is answered with."""
    lines = [
        "GET /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    if origin:
        lines.append(f"Origin: {origin}")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection.recv(200).decode("latin-1").splitlines()[0]


def test_a_web_socket_is_opened_by_our_own_page_only(served: Served):
    assert "403" in handshake(served.port, "https://attacker.example")
    assert "403" in handshake(served.port, "null")
    assert not served.reached
    assert "101" in handshake(served.port, served.url)
    assert "101" in handshake(served.port, None)


def test_with_a_password_nobody_reads_without_it():
    reached: list[str] = []
    password = Password("anna", hash_password("correct horse"))
    with serving(
        Guard(application(reached), Policy(open_paths=frozenset({"/server_info"}), password=password))
    ) as port:
        url = f"http://127.0.0.1:{port}"
        for wrong in (None, ("anna", "wrong"), ("bert", "correct horse"), ("anna", "")):
            answer = requests.get(f"{url}/x", auth=wrong, timeout=10)
            assert answer.status_code == 401
            assert "Basic" in answer.headers["WWW-Authenticate"]
        assert not reached
        assert requests.get(f"{url}/x", auth=("anna", "correct horse"), timeout=10).ok
        assert requests.get(f"{url}/server_info", timeout=10).ok  # a health check knows no password


def test_the_password_file_is_read_or_refused_with_a_remedy(tmp_path):
    from eurostat_assets.web import PasswordFileError

    file = tmp_path / "password"
    file.write_text(f"anna:{hash_password('x')}\n")
    assert Password.read(file).name == "anna"
    for text in ("", "anna", "anna:secret", "anna:scrypt$a$b$c$d$e", ":scrypt$1$1$1$eA==$eA=="):
        file.write_text(text)
        with pytest.raises(PasswordFileError, match="web-password"):
            Password.read(file)
    with pytest.raises(PasswordFileError):
        Password.read(tmp_path / "absent")


def test_a_refusal_is_a_sentence_that_names_the_setting(served: Served):
    answer = requests.get(f"{served.url}/x", headers={"Host": "stats.example.org"}, timeout=10)
    assert "EUROSTAT_WEB_HOSTS" in answer.text
    assert json.dumps(answer.text)  # one line of plain text
    assert answer.headers["Content-Type"].startswith("text/plain")
