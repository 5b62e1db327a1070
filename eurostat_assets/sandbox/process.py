"""The sandbox as a process: `serve` in this one, `running` in one of its own that never outlives its parent.

Cheap to import: the server's libraries are imported where the server runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import NotReadyError, SandboxError

if TYPE_CHECKING:
    import pyarrow as pa

API_PATH = "/eurostat/api/dissemination"


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    folder: Path | None = None,
    profile: str | None = None,
    recorded: Path | None = None,
    *,
    seed: int = 0,
    scale: float = 1.0,
    behaviour: dict[str, Any] | None = None,
    on_ready: Callable[[str], object] | None = None,
    parent: int | None = None,
) -> None:
    """Serve until interrupted.

    `profile` defaults to `tests`, or to none at all beside `recorded`; `port` 0 takes a free one. `on_ready` gets the
    address (`http://127.0.0.1:8080`) once it listens. `behaviour` holds the fields of server.Behaviour, its `cost` those
    of CostModel. With `parent` the server ends when that process is no longer its parent. Raises SandboxError.
    """
    import socket

    import uvicorn

    from .extraction import CostModel
    from .publisher import Publisher
    from .server import Behaviour, application

    options = dict(behaviour or {})
    cost = CostModel(**options.pop("cost", {}))
    publisher = Publisher(
        folder, profile or (None if recorded else "tests"), recorded=recorded, seed=seed, scale=scale
    )
    listening = socket.create_server((host, port))
    app = application(publisher, Behaviour(cost=cost, **options))
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1
        )
    )
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent, server), daemon=True).start()
    if on_ready is not None:
        on_ready(f"http://{host}:{listening.getsockname()[1]}")
    server.run(sockets=[listening])


@dataclass(frozen=True)
class Running:
    """A sandbox in another process, by its address."""

    url: str
    pid: int | None = None

    @property
    def api_url(self) -> str:
        """What a client takes for `https://ec.europa.eu/eurostat/api/dissemination`."""
        return self.url + API_PATH

    def release(
        self, *codes: str, what: Literal["data", "structure", "both"] = "data"
    ) -> dict[str, dict[str, Any]]:
        """New editions: {code: {"update_data", "update_structure", "release", "structure"}}. Raises SandboxError."""
        return self._post("release", codes=codes, what=what)

    def add(self, *codes: str) -> dict[str, dict[str, Any]]:
        """New or returning datasets, with their items in the feed. Raises SandboxError."""
        return self._post("add", codes=codes)

    def withdraw(self, *codes: str) -> None:
        """Datasets that are gone from now on. Raises SandboxError."""
        self._post("withdraw", codes=codes)

    def announce(
        self, code: str, category: str | None = None, date: str | None = None, description: str = ""
    ) -> None:
        """A feed item with nothing behind it; `date` is ISO 8601 with an offset, now by default."""
        self._post("announce", code=code, category=category, date=date, description=description)

    def set_clock(self, now: str | None) -> None:
        """Stop the sandbox's clock at an ISO 8601 moment with an offset; None lets it run again."""
        self._post("clock", now=now)

    def state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/sandbox/state", timeout=60) as answer:
            return json.load(answer)

    def cells(self, code: str) -> Iterator[pa.RecordBatch]:
        """The true present observations of a dataset, computed here and not taken from the API."""
        from .publisher import Publisher

        source, edition = Publisher.of(self.state()).published(code) or (None, None)
        if source is None or edition is None:
            raise SandboxError(f"the sandbox does not publish {code}")
        return source.observations(edition)

    def _post(self, door: str, **order: Any) -> dict[str, Any]:
        body = json.dumps(order).encode()
        request = urllib.request.Request(
            f"{self.url}/sandbox/{door}", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(json.load(error)["error"]) from None


@contextmanager
def running(
    folder: Path | None = None,
    profile: str | None = None,
    recorded: Path | None = None,
    port: int = 0,
    *,
    seed: int = 0,
    scale: float = 1.0,
    **behaviour: Any,
) -> Iterator[Running]:
    """A sandbox in a process of its own: answers when this returns, ends with the block or with its parent, however killed.

    Keywords are those of `serve`; further ones are the fields of server.Behaviour (`gzip`, `pace`, `latency`, `cost`).
    Raises NotReadyError.
    """
    arguments = {
        "folder": folder and str(folder),
        "profile": profile,
        "recorded": recorded and str(recorded),
        "port": port,
        "seed": seed,
        "scale": scale,
        "behaviour": behaviour,
        "parent": os.getpid(),
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "eurostat_assets.sandbox", json.dumps(arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the parent, which then ends the child
    )
    try:
        assert child.stdout is not None
        url = child.stdout.readline().decode().strip()
        if not url:
            raise NotReadyError(
                f"its process ended with exit code {child.wait()}; the reason is on standard error"
            )
        yield Running(url, child.pid)
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _end_with(parent: int, server: Any) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    server.should_exit = True
    time.sleep(3)
    os._exit(0)


def main(arguments: Sequence[str]) -> None:
    """The child's side of `running`: one JSON argument, the address as the only line on standard output."""
    options = json.loads(arguments[0])
    for name in ("folder", "recorded"):
        options[name] = options[name] and Path(options[name])
    serve(**options, on_ready=lambda url: print(url, flush=True))  # noqa: T201 - the parent reads it
