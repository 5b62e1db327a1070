"""Requests that no browser sends, byte by byte, against the real UI: none changes anything where it must not, or reads."""

import json
import socket
from urllib.parse import quote, urlsplit

import dagster as dg
import pytest

from eurostat_assets import partitions
from eurostat_assets_tests.platform.attacks import ADD_PARTITION, READ

KEY = "ATTACK_RAW"
MUTATION = ADD_PARTITION.replace("KEY", KEY)
M = quote(MUTATION)
R = quote(READ)
BODY = json.dumps({"query": MUTATION})
OURS = "Host: 127.0.0.1:PORT"
FOREIGN = "Host: attacker.example"
TYPED = "Content-Type: application/json"
UPGRADE = "\r\n".join([
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
])  # fmt: skip
TWO = quote("query A { version } mutation B " + MUTATION.removeprefix("mutation"))


def get(target: str, *headers: str, method: str = "GET", version: str = "1.1") -> str:
    close = [] if UPGRADE in headers else ["Connection: close"]
    return "\r\n".join([f"{method} {target} HTTP/{version}", *headers, *close, "", ""])


def post(target: str, *headers: str, body: str = BODY) -> str:
    return "\r\n".join(
        [f"POST {target} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "Connection: close", "", body]
    )


MULTIPART = (
    f'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{BODY}\r\n'
    '--x\r\nContent-Disposition: form-data; name="map"\r\n\r\n{}\r\n--x--\r\n'
)
REQUESTS = {
    # a mutation by GET, whoever sends it
    "plain": get(f"/graphql?query={M}", OURS),
    "slash at the end": get(f"/graphql/?query={M}", OURS),
    "two slashes": get(f"//graphql?query={M}", OURS),
    "capitals": get(f"/GRAPHQL?query={M}", OURS),
    "encoded letter": get(f"/%67raphql?query={M}", OURS),
    "encoded slash": get(f"/%2fgraphql?query={M}", OURS),
    "through a folder": get(f"/x/../graphql?query={M}", OURS),
    "parameter of the path": get(f"/graphql;x=y?query={M}", OURS),
    "prefix": get(f"/prefix/graphql?query={M}", OURS),
    "encoded name": get(f"/graphql?q%75ery={M}", OURS),
    "name in capitals": get(f"/graphql?QUERY={M}", OURS),
    "name mutation": get(f"/graphql?mutation={M}", OURS),
    "name operations": get(f"/graphql?operations={quote(BODY)}", OURS),
    "persisted query": get(f"/graphql?extensions={quote(json.dumps({'persistedQuery': {'version': 1}}))}&query={M}", OURS),
    "first of two": get(f"/graphql?query={M}&query={R}", OURS),
    "second of two": get(f"/graphql?query={R}&query={M}", OURS),
    "by semicolon": get(f"/graphql?x=y;query={M}", OURS),
    "of two operations": get(f"/graphql?query={TWO}&operationName=B", OURS),
    "after a comment": get(f"/graphql?query={quote('# query' + chr(10) + MUTATION)}", OURS),
    "after a byte order mark": get(f"/graphql?query={quote(chr(0xFEFF) + MUTATION)}", OURS),
    "beside what is too deep": get(f"/graphql?query={quote(MUTATION + ' query A ' + '{a' * 3000 + '}' * 3000)}", OURS),
    "head": get(f"/graphql?query={M}", OURS, method="HEAD"),
    "options": get(f"/graphql?query={M}", OURS, method="OPTIONS"),
    "put": get(f"/graphql?query={M}", OURS, method="PUT"),
    "method in small letters": get(f"/graphql?query={M}", OURS, method="get"),
    "override": get(f"/graphql?query={M}", OURS, "X-HTTP-Method-Override: POST", TYPED),
    "original address": get("/server_info", OURS, *(f"X-{one}-URL: /graphql?query={M}" for one in ("Original", "Rewrite"))),
    "whole address": get(f"http://127.0.0.1:PORT/graphql?query={M}", OURS),
    "body of a get": get(f"/graphql?query={M}", OURS, TYPED, f"Content-Length: {len(BODY)}") + BODY,
    # what a form can send
    "no type": post(f"/graphql?query={M}", OURS),
    "text": post("/graphql", OURS, "Content-Type: text/plain"),
    "form": post("/graphql", OURS, "Content-Type: application/x-www-form-urlencoded", body=f"query={M}"),
    "multipart": post("/graphql", OURS, "Content-Type: multipart/form-data; boundary=x", body=MULTIPART),
    "two types": post("/graphql", OURS, "Content-Type: text/plain", TYPED),
    "type with a tail": post("/graphql", OURS, "Content-Type: application/json-x"),
    # another page, or another name
    "origin": post("/graphql", OURS, TYPED, "Origin: http://attacker.example"),
    "origin null": post("/graphql", OURS, TYPED, "Origin: null"),
    "two origins": post("/graphql", OURS, TYPED, "Origin: http://127.0.0.1:PORT", "Origin: http://attacker.example"),
    "origins in one": post("/graphql", OURS, TYPED, "Origin: http://127.0.0.1:PORT http://attacker.example"),
    "origin with a user": post("/graphql", OURS, TYPED, "Origin: http://127.0.0.1:PORT@attacker.example"),
    "two sites": post("/graphql", OURS, TYPED, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"),
    "list": post("/graphql", OURS, TYPED, "Origin: null", body=f"[{BODY}]"),
    "foreign name": post("/graphql", FOREIGN, TYPED),
    "forwarded": post("/graphql", FOREIGN, TYPED, "X-Forwarded-Host: 127.0.0.1:PORT", "Forwarded: host=127.0.0.1"),
    "two names": post("/graphql", OURS, FOREIGN, TYPED),
    "two names, turned": post("/graphql", FOREIGN, OURS, TYPED),
    "names in one": post("/graphql", "Host: 127.0.0.1:PORT, attacker.example", TYPED),
    "name with a user": post("/graphql", "Host: attacker.example@127.0.0.1:PORT", TYPED),
    "no name": post("/graphql", TYPED),
    "empty name": post("/graphql", "Host:", TYPED),
    "old protocol": get(f"/graphql?query={R}", version="1.0"),
    "whole address of ours": get(f"http://127.0.0.1:PORT/graphql?query={R}", FOREIGN),
    "read": get(f"/graphql?query={R}", FOREIGN),
    "read by another page": get(f"/graphql?query={R}", OURS, "Origin: http://127.0.0.1:1"),
    "chunks and a length": get("/graphql", OURS, TYPED, "Origin: null", "Transfer-Encoding: chunked", method="POST")
    + f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n",
    "report": post("/report_asset_materialization/eurostat_dataset?partition=ATTACK_RAW", OURS, "Origin: null"),
    # web sockets
    "socket": get("/graphql", OURS, UPGRADE, "Origin: http://attacker.example", "Sec-WebSocket-Protocol: graphql-ws"),
    "newer socket": get("/graphql", OURS, UPGRADE, "Origin: null", "Sec-WebSocket-Protocol: graphql-transport-ws"),
    "socket by a foreign name": get("/graphql", FOREIGN, UPGRADE, "Sec-WebSocket-Protocol: graphql-ws"),
    "socket of two origins": get("/graphql", OURS, UPGRADE, "Origin: http://127.0.0.1:PORT", "Origin: null"),
}  # fmt: skip


def answer(port: int, request: str) -> str:
    """The answer to one request: all of it, or the first part where a web socket is asked for."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request.replace("PORT", str(port)).encode())
        said = connection.recv(65536)
        while UPGRADE not in request and (more := connection.recv(65536)):
            said += more
    return said.decode("latin-1")


@pytest.mark.parametrize("name", REQUESTS)
def test_no_request_changes_or_reads_what_it_must_not(world, name: str):
    port = urlsplit(world.platform.ui).port
    assert port
    said = answer(port, REQUESTS[name])
    assert "runsOrError" not in said
    assert "DynamicPartition" not in said
    assert not said.startswith("HTTP/1.1 101")
    with dg.DagsterInstance.get() as instance:
        assert KEY not in partitions.known(instance)
        reported = instance.fetch_materializations(dg.AssetKey("eurostat_dataset"), limit=20).records
        assert KEY not in {one.partition_key for one in reported}


def test_the_same_requests_work_where_they_may(world):
    port = urlsplit(world.platform.ui).port
    assert port
    assert "runsOrError" in answer(port, get(f"/graphql?query={R}", OURS))
    assert "AddDynamicPartitionSuccess" in answer(port, post("/graphql", OURS, TYPED))
    assert answer(port, get("/graphql", OURS, UPGRADE, "Sec-WebSocket-Protocol: graphql-ws")).startswith(
        "HTTP/1.1 101"
    )
    with dg.DagsterInstance.get() as instance:
        instance.delete_dynamic_partition(partitions.NAME, KEY)
