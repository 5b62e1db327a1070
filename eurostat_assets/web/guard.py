"""ASGI middleware that answers a web page's request only when the page is one of the server itself.

A server on loopback is reachable by every page that is open in a browser on the same machine, so "it listens on 127.0.0.1"
protects nothing. The browser says where a request comes from in headers that no page can forge:

- `Host` must be a name of this server, else a page whose own name was pointed at 127.0.0.1 could read answers (DNS
  rebinding);
- `Sec-Fetch-Site` must say `same-origin` (or `none`: typed by the user). Other sites may only *link* to a page. Another port
  of the same machine is `same-site` and just as foreign;
- `Origin`, where it is sent, must be this server: for browsers without Fetch Metadata, and for web sockets;
- GET never changes anything: a GraphQL mutation in the address is refused, whoever sends it.

A program that is no browser (curl, a GraphQL client) sends none of these headers but `Host`, and is let through.

Sources: Fetch Metadata Request Headers (W3C), RFC 6454 (Origin), RFC 9110 §15.5.20 (421 Misdirected Request).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hmac import compare_digest
from urllib.parse import parse_qs, urlsplit

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eurostat_assets.web.password import Password

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
GRAPHQL_TYPES = ("application/json", "application/graphql")
POLICY_VIOLATION = 1008  # close code of a web socket, RFC 6455 §7.4.1

HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOREIGN_PAGE = "Refused: this request comes from a page of another site."
NO_FRAMES = "frame-ancestors 'none'"


@dataclass(frozen=True)
class Policy:
    """What a guard lets through.

    `hosts`: names of this server besides those of loopback, in lower case, without port. `open_paths`: paths that need no
    password, such as a health check's. `token`: lets the platform's own programs in without it, as `Authorization: Bearer`.
    `graphql`: the path whose GET requests may only query.
    """

    hosts: frozenset[str] = frozenset()
    open_paths: frozenset[str] = frozenset()
    graphql: str = "/graphql"
    password: Password | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered: the HTTP status and a sentence for the person who reads it."""

    status: int
    sentence: str
    headers: dict[str, str] = field(default_factory=dict)


class Guard:
    """The middleware: `Guard(app, policy)` is an ASGI application."""

    def __init__(self, app: ASGIApp, policy: Policy | None = None) -> None:
        self._app = app
        self._policy = policy or Policy()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = refusal_of(scope, self._policy)
        if refusal is None:
            await self._app(scope, receive, send if scope["type"] == "websocket" else _with_headers(send))
        elif scope["type"] == "websocket":
            await (
                receive()
            )  # the opening handshake, which is answered with 403 by closing before it is accepted
            await send(
                {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.sentence[:120]}
            )
        else:
            answer = PlainTextResponse(refusal.sentence + "\n", refusal.status, refusal.headers)
            await answer(scope, receive, _with_headers(send))


def refusal_of(scope: Scope, policy: Policy) -> Refusal | None:
    """Return why a request of an ASGI `scope` is refused, None where it is let through."""
    headers = Headers(scope=scope)
    for check in (_host, _origin, _site, _password, _method):
        if refusal := check(scope, headers, policy):
            return refusal
    return None


def _host(_scope: Scope, headers: Headers, policy: Policy) -> Refusal | None:
    host = headers.get("host", "")
    if hostname(f"//{host}") in LOOPBACK | policy.hosts:
        return None
    return Refusal(
        421,
        f"This server is not called {host[:100]!r}. If it should be, add that name to EUROSTAT_WEB_HOSTS and restart it.",
    )


def _origin(scope: Scope, headers: Headers, policy: Policy) -> Refusal | None:
    origins = headers.getlist("origin")
    if not origins or _is_link(scope, headers):
        return None
    if len(origins) == 1 and _same_server(origins[0], headers.get("host", ""), policy):
        return None
    return Refusal(403, FOREIGN_PAGE)


def _same_server(origin: str, host: str, policy: Policy) -> bool:
    """Whether `origin` is the address under which the request came; behind a proxy that ends TLS, the scheme differs."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc:  # "null", extensions, files
        return False
    if parts.netloc.lower() == host.lower():
        return True
    return hostname(origin) in policy.hosts and hostname(origin) == hostname(f"//{host}")


def _site(scope: Scope, headers: Headers, _policy: Policy) -> Refusal | None:
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none") or _is_link(scope, headers):
        return None
    return Refusal(403, FOREIGN_PAGE)


def _is_link(scope: Scope, headers: Headers) -> bool:
    """Whether somebody followed a link on another page: the answer is opened alone, where no other page can read it."""
    opens_document = (
        headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    )
    return opens_document and scope.get("method") in ("GET", "HEAD")


def _password(scope: Scope, headers: Headers, policy: Policy) -> Refusal | None:
    if policy.password is None or scope["path"] in policy.open_paths:
        return None
    given = headers.get("authorization", "")
    if policy.token and compare_digest(given.encode(), f"Bearer {policy.token}".encode()):
        return None
    if policy.password.accepts(given):
        return None
    return Refusal(
        401, "A user name and password are needed.", {"WWW-Authenticate": 'Basic realm="Eurostat Assets"'}
    )


def _method(scope: Scope, headers: Headers, policy: Policy) -> Refusal | None:
    if scope["type"] == "websocket" or not scope["path"].endswith(policy.graphql):
        return None
    if scope["method"] in SAFE_METHODS:
        if any(
            changes_something(text)
            for text in parse_qs(scope["query_string"].decode("latin-1")).get("query", ())
        ):
            return Refusal(405, "Refused: GET may only query. Send mutations by POST.", {"Allow": "POST"})
        return None
    # Any other type could be sent by a form of a foreign page, and Dagster would take the query from the address.
    if not headers.get("content-type", "").startswith(GRAPHQL_TYPES):
        return Refusal(415, "Refused: send GraphQL as application/json.")
    return None


def changes_something(query: str) -> bool:
    """Whether a GraphQL document holds any operation but queries; False for what cannot be parsed, which nobody executes."""
    try:
        document = parse(query, no_location=True)
    except (GraphQLError, RecursionError):
        return False
    return any(
        node.operation != OperationType.QUERY
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )


def hostname(address: str) -> str:
    """Return the host of an address in lower case, without port and without the dot that ends a full name; "" for none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            policy = headers.get("Content-Security-Policy")
            headers["Content-Security-Policy"] = (
                f"{policy.rstrip('; ')}; {NO_FRAMES}" if policy else NO_FRAMES
            )
        await send(message)

    return send_guarded
