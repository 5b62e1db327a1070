"""The sandbox as a process: `serve` in this one, `running` in one of its own that never outlives its parent.

Cheap to import: the server's libraries are imported where the server runs.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eurostat_assets import child_processes
from eurostat_assets.sandbox.client import ADDRESS_FILE, Running
from eurostat_assets.sandbox.errors import NotReady


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    folder: Path | None = None,
    profile: str | None = None,
    recorded: Path | None = None,
    *,
    seed: int = 0,
    scale: float = 1.0,
    faults: str = "",
    day_seconds: float | None = None,
    calendar: dict[str, Any] | None = None,
    behaviour: dict[str, Any] | None = None,
    on_ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until interrupted, in the main thread.

    `profile` defaults to `tests`, or to none at all beside `recorded`; `port` 0 takes a free one; `folder` keeps the
    state (None: memory) and lets `connect` find the address. `faults` are written as in faults.py. With `day_seconds`
    the sandbox's clock runs that fast and it releases by itself; `calendar` holds the fields of calendar.Rhythm.
    `on_ready` gets the address once it answers. `behaviour` holds the fields of travel.Behaviour, its `cost` those of
    CostModel. Raises SandboxError, OSError when the port is taken.
    """
    import socket

    import uvicorn

    from eurostat_assets.sandbox.calendar import Calendar, Rhythm
    from eurostat_assets.sandbox.extraction import CostModel
    from eurostat_assets.sandbox.faults import Faults
    from eurostat_assets.sandbox.publisher import Publisher
    from eurostat_assets.sandbox.server import application
    from eurostat_assets.sandbox.travel import Behaviour

    options = dict(behaviour or {})
    cost = CostModel(**options.pop("cost", {}))
    profile = profile or (None if recorded else "tests")
    publisher = Publisher(folder, profile, recorded=recorded, seed=seed, scale=scale)
    releases = Calendar(publisher, day_seconds, Rhythm(**(calendar or {}))) if day_seconds else None
    app = application(publisher, Behaviour(cost=cost, **options), Faults(seed, faults), releases)
    # Open answers are cut after a second: whoever stops a sandbox does not wait for 300 MB.
    config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=1)
    listening = socket.create_server((host, port))
    url = f"http://{host}:{listening.getsockname()[1]}"

    def ready() -> None:
        if releases:
            releases.start()
        if on_ready:
            on_ready(url)

    server = _server(config, ready)
    # A TERM ends it as Ctrl-C does, so that the address does not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    address = folder / ADDRESS_FILE if folder else None
    if address:
        address.parent.mkdir(parents=True, exist_ok=True)
        address.write_text(url)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        listening.close()
        if address:
            address.unlink(missing_ok=True)


@contextmanager
def running(
    folder: Path | None = None,
    profile: str | None = None,
    recorded: Path | None = None,
    port: int = 0,
    *,
    seed: int = 0,
    scale: float = 1.0,
    faults: str = "",
    day_seconds: float | None = None,
    calendar: dict[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    **behaviour: Any,
) -> Iterator[Running]:
    """A sandbox in a process of its own: answers when this returns, ends with the block or its parent, however killed.

    Keywords are those of `serve`; `environment` is added to that of the process. Further ones are the fields of
    travel.Behaviour (`gzip`, `pace`, `latency`, `cost`).
    Raises NotReady.
    """
    arguments = {
        "folder": folder and str(folder),
        "profile": profile,
        "recorded": recorded and str(recorded),
        "port": port,
        "seed": seed,
        "scale": scale,
        "faults": faults,
        "day_seconds": day_seconds,
        "calendar": calendar,
        "behaviour": behaviour,
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "eurostat_assets.sandbox", str(os.getpid()), json.dumps(arguments)],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the parent, which then ends the child
    )
    with child:
        try:
            assert child.stdout is not None
            if not (url := child.stdout.readline().strip()):
                raise NotReady(f"its process ended with exit code {child.wait()}; standard error says why")
            yield Running(url, child.pid)
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def main(arguments: Sequence[str]) -> None:
    """The child's side of `running`, for the pid of its parent and the arguments of `serve` as JSON: the address is the only
    line on standard output."""
    parent, options = arguments
    child_processes.end_with_parent(int(parent), grace=3)
    options = json.loads(options)
    for name in ("folder", "recorded"):
        options[name] = options[name] and Path(options[name])
    serve(**options, on_ready=lambda url: print(url, flush=True))  # noqa: T201 - the parent reads it


def _server(config: Any, on_ready: Callable[[], object]) -> Any:
    """A uvicorn server that tells when it answers, and cuts open answers without the alarm of a traceback for each."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            on_ready()

        async def shutdown(self, sockets: Any = None) -> None:
            logging.getLogger("uvicorn.error").disabled = True
            await super().shutdown(sockets)

    return Server(config)
