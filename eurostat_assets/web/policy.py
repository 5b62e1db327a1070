"""Whether an HTTP request is answered: a decision by its method, path and headers alone, for every kind of server.

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

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from eurostat_assets.web.password import Password

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(:[0-9]*)?")
"""A name or address and a port, without the user name that an address may have (RFC 9110 §7.2)."""

GRAPHQL_TYPES = ("application/json", "application/graphql")

HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer: no frame around it, no page of another site that embeds or reads it."""

NO_FRAMES = "frame-ancestors 'none'"
FOREIGN_PAGE = "Refused: this request comes from a page of another site."


@dataclass(frozen=True)
class Policy:
    """What a guard lets through.

    `hosts`: names of this server besides those of loopback, in lower case, without port. `open_paths`: paths that need no
    password, such as a health check's.
    `graphql`: the end of the path whose GET requests may only query; empty where a server has none.
    """

    hosts: frozenset[str] = frozenset()
    open_paths: frozenset[str] = frozenset()
    graphql: str = ""
    password: Password | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Request:
    """What the decision needs to know. `headers`: names in lower case, each as often as it was sent; `query` as sent."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    is_websocket: bool = False

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]

    def first(self, name: str) -> str:
        """Return the first value of a header, "" where it was not sent."""
        return next(iter(self.all(name)), "")

    @property
    def is_link(self) -> bool:
        """Whether somebody followed a link on another page: the answer is opened alone, where no other page can read it."""
        opens_document = self.all("sec-fetch-mode") == ["navigate"] and self.all("sec-fetch-dest") == [
            "document"
        ]
        return opens_document and not self.is_websocket and self.method in ("GET", "HEAD")


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered: the HTTP status and a sentence for the person who reads it."""

    status: int
    sentence: str
    headers: dict[str, str] = field(default_factory=dict)


def refusal_of(request: Request, policy: Policy) -> Refusal | None:
    """Return why a request is refused, None where it is let through."""
    for check in (_host, _origin, _site, _password, _method):
        if refusal := check(request, policy):
            return refusal
    return None


def guarded_headers(content_security_policy: str = "") -> dict[str, str]:
    """Return the headers of every answer, with the application's own Content-Security-Policy, if any, kept in them."""
    own = content_security_policy.rstrip("; ")
    return {**HEADERS, "Content-Security-Policy": f"{own}; {NO_FRAMES}" if own else NO_FRAMES}


def hostname(address: str) -> str:
    """Return the host of an address in lower case, without port and without the dot that ends a full name; "" for none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _host(request: Request, policy: Policy) -> Refusal | None:
    hosts = request.all("host")  # of two, one is somebody else's
    if len(hosts) == 1 and HOST.fullmatch(hosts[0]) and hostname(f"//{hosts[0]}") in LOOPBACK | policy.hosts:
        return None
    named = ", ".join(hosts)[:100]
    return Refusal(
        421,
        f"This server is not called {named!r}. If it should be, add that name to EUROSTAT_WEB_HOSTS and restart it.",
    )


def _origin(request: Request, policy: Policy) -> Refusal | None:
    origins = request.all("origin")
    if not origins or request.is_link:
        return None
    if len(origins) == 1 and _same_server(origins[0], request.first("host"), policy):
        return None
    return Refusal(403, FOREIGN_PAGE)


def _same_server(origin: str, host: str, policy: Policy) -> bool:
    """Whether `origin` is the address under which the request came.

    Behind a proxy that ends TLS the scheme differs, and many hand on the name without its port.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:  # no address at all
        return False
    if parts.scheme not in ("http", "https") or not parts.netloc:  # "null", extensions, files
        return False
    if parts.netloc.lower() == host.lower():
        return True
    return hostname(origin) in policy.hosts - LOOPBACK and hostname(origin) == host.lower().rstrip(".")


def _site(request: Request, _policy: Policy) -> Refusal | None:
    if set(request.all("sec-fetch-site")) <= {"same-origin", "none"} or request.is_link:
        return None
    return Refusal(403, FOREIGN_PAGE)


def _password(request: Request, policy: Policy) -> Refusal | None:
    if policy.password is None or request.path in policy.open_paths:
        return None
    if policy.password.accepts(request.first("authorization")):
        return None
    return Refusal(
        401, "A user name and password are needed.", {"WWW-Authenticate": 'Basic realm="Eurostat Assets"'}
    )


def _method(request: Request, policy: Policy) -> Refusal | None:
    if request.is_websocket or not policy.graphql or not request.path.endswith(policy.graphql):
        return None
    if request.method in SAFE_METHODS:
        if any(changes_something(text) for text in parse_qs(request.query).get("query", ())):
            return Refusal(405, "Refused: GET may only query. Send mutations by POST.", {"Allow": "POST"})
        return None
    # Any other type could be sent by a form of a foreign page, and Dagster would take the query from the address.
    types = request.all("content-type")
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() not in GRAPHQL_TYPES:
        return Refusal(415, "Refused: send GraphQL as application/json.")
    return None


def changes_something(query: str) -> bool:
    """Whether a GraphQL document holds any operation but queries; False for what is no GraphQL, which nobody executes."""
    from graphql import (
        GraphQLError,
        OperationDefinitionNode,
        OperationType,
        parse,
    )  # only where there is GraphQL

    try:
        document = parse(query, no_location=True)
    except GraphQLError:
        return False
    except RecursionError:
        return True
    return any(
        node.operation != OperationType.QUERY
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )
