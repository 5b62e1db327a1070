"""One request to Eurostat and the answer to it, as a value that can be written down and judged later."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from eurostat_assets.eurostat import EurostatError, refusals
from eurostat_assets.eurostat.errors import Transient

_SECRET_HEADERS: Final = {
    "set-cookie",
    "cookie",
    "authorization",
    "proxy-authorization",
    "proxy-authenticate",
}
_GONE: Final = {404, 410}


@dataclass(frozen=True)
class Exchange:
    """`content` is the uncompressed body, `gzipped` whether it came compressed, `wire_bytes` its size as it came.

    `headers` by lower-case name. `status` is None and `error` set where there was no whole answer. `cut`: the body was
    longer than what is read here, and `content` is its beginning. `asked_at` is ISO 8601 in UTC, `seconds` how long it took.
    """

    name: str
    url: str
    asked_at: str = ""
    seconds: float = 0.0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    gzipped: bool = False
    wire_bytes: int = 0
    cut: bool = False
    redirected_to: str | None = None
    error: str | None = None

    @cached_property
    def refusal(self) -> EurostatError | None:
        """What the client would raise for this answer."""
        head = self.content[: refusals.LARGEST]
        return refusals.refusal(self.status or 0, head, self.headers, dataset=None, url=self.url)

    @property
    def unreachable(self) -> str | None:
        """Why there is no answer to judge: no connection, an outage, "later". A 404 is an answer."""
        if self.error:
            return self.error
        if isinstance(self.refusal, Transient) and self.status not in _GONE:
            return self.refusal.what
        return None

    @cached_property
    def document(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.content)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8-sig", errors="replace")

    @property
    def lines(self) -> list[str]:
        """Those of a table; only LF, or CR LF, ends one."""
        return [line.removesuffix("\r") for line in self.text.split("\n") if line.strip()]


def kept_headers(headers: dict[str, str]) -> dict[str, str]:
    """Headers by lower-case name, those that may carry a secret without their value."""
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: "***" if name in _SECRET_HEADERS else value for name, value in lower.items()}
