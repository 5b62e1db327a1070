"""The guard before a WSGI application: the metrics. What it refuses is in policy.py."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from eurostat_assets.web.policy import Policy, Request, guarded_headers, refusal_of


class WsgiGuard:
    """The middleware: `WsgiGuard(app, policy)` is a WSGI application."""

    def __init__(self, app: WSGIApplication, policy: Policy) -> None:
        self._app = app
        self._policy = policy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if refusal := refusal_of(_request(environ), self._policy):
            headers = {"Content-Type": "text/plain; charset=utf-8", **guarded_headers(), **refusal.headers}
            status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
            start_response(status, list(headers.items()))
            return [f"{refusal.sentence}\n".encode()]

        def start_guarded(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, *guarded_headers().items()], *error)

        return self._app(environ, start_guarded)


def _request(environ: WSGIEnvironment) -> Request:
    """A header that was sent twice arrives as one with a comma in it (RFC 3875 §4.1.18), which is no name of a server."""
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").lower(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name == "CONTENT_TYPE" and value)
    ]
    return Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers)
