"""A Eurostat of one's own: a local server with the paths, shapes and quirks of the dissemination API.

Belongs here: whatever imitates the publisher, and the invented datasets it publishes. Does not: any client of it.

    with running(profile="tests") as sandbox:        # a process of its own, stopped at the end
        sandbox.api_url                              # http://127.0.0.1:…/eurostat/api/dissemination
        sandbox.release("HLTH_CD_ARO", what="both")  # new dates, some new cells, items in the feed
        sandbox.cells("HLTH_CD_ARO")                 # the truth as record batches, without any JSON

`running(recorded=folder)` serves recorded JSON files as they are. `serve(host, port, folder, profile)` blocks, for the
command line; `connect(folder)` finds the one that runs on a folder. `write_dataset("HLTH_CO_X", path, cells=10_000_000)`
writes a body without any server, `cells` tells its truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eurostat_assets.sandbox.client import API_PATH, Running, connect
from eurostat_assets.sandbox.process import running, serve

if TYPE_CHECKING:
    from eurostat_assets.sandbox.writing import cells, write_dataset

__all__ = ["API_PATH", "Running", "cells", "connect", "running", "serve", "write_dataset"]


def __getattr__(name: str) -> Any:
    # numpy and pyarrow take a third of a second, and only these two need them.
    if name in ("cells", "write_dataset"):
        from eurostat_assets.sandbox import writing

        return getattr(writing, name)
    raise AttributeError(name)
