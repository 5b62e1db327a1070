"""The guard before an ASGI application (Dagster's webserver, the sandbox's control address); what it refuses: policy.py."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eurostat_assets.web.policy import Policy, Request, guarded_headers, refusal_of

POLICY_VIOLATION = 1008  # close code of a web socket, RFC 6455 §7.4.1


class Guard:
    """The middleware: `Guard(app, policy)` is an ASGI application."""

    def __init__(self, app: ASGIApp, policy: Policy | None = None) -> None:
        self._app = app
        self._policy = policy or Policy()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = refusal_of(_request(scope), self._policy)
        if refusal is None:
            await self._app(scope, receive, send if scope["type"] == "websocket" else _with_headers(send))
        elif scope["type"] == "websocket":
            # The opening handshake, which is answered with 403 by closing before it is accepted.
            await receive()
            await send(
                {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.sentence[:120]}
            )
        else:
            answer = PlainTextResponse(refusal.sentence + "\n", refusal.status, refusal.headers)
            await answer(scope, receive, _with_headers(send))


def _request(scope: Scope) -> Request:
    return Request(
        scope.get("method", "GET"),
        scope["path"],
        scope["query_string"].decode("latin-1"),
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
        is_websocket=scope["type"] == "websocket",
    )


def _with_headers(send: Send) -> Send:
    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(guarded_headers(headers.get("Content-Security-Policy", "")))
        await send(message)

    return send_guarded
