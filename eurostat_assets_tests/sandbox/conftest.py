"""A sandbox with the `tests` datasets, for tests that change nothing; and how a test asks over real HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from eurostat_assets.sandbox import Running, running


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, undecoded; header names in lower case."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body)


def get(url: str, **headers: str) -> Answer:
    """GET without the conveniences of a library: nothing is followed, decompressed or added."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
        connection.request(
            "GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=headers
        )
        with connection.getresponse() as answer:
            body = answer.read()
    return Answer(answer.status, body, {name.lower(): value for name, value in answer.getheaders()})


def data(sandbox: Running, code: str, query: str = "") -> Answer:
    return get(f"{sandbox.api_url}/statistics/1.0/data/{code}{'?' + query if query else ''}")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    """Not to be released into: every test of the session sees the same editions."""
    with running(profile="tests") as sandbox:
        yield sandbox
