"""A Eurostat of one's own: a local server with the paths, shapes and quirks of the dissemination API.

Belongs here: whatever imitates the publisher, and the invented datasets it publishes. Does not: any client of it.

    with running(profile="tests") as sandbox:        # a process of its own, stopped at the end
        sandbox.api_url                              # http://127.0.0.1:…/eurostat/api/dissemination
        sandbox.release("HLTH_CD_ARO", what="both")  # new dates, some new cells, items in the feed
        sandbox.restructure("HLTH_CD_ARO", "add deg_urb 3")  # other dimensions
        sandbox.cells("HLTH_CD_ARO")                 # the truth as record batches, without any JSON
        sandbox.set_faults("async:2=0.2,html=0.05")  # what goes wrong how often: faults.py lists the kinds
        sandbox.set_faults("too_big=1", ["HLTH_CO_DISCH"])   # or always, for these datasets
        sandbox.tally()                              # requests, whole datasets delivered, faults met

`running(profile="small", day_seconds=20)`: 490 health datasets of 500 to 5,000 cells, on a clock whose day lasts twenty
seconds: at 11:00 and 23:00 and on odd mornings it releases, adds, withdraws, renames and restructures by itself, as
calendar.py draws it; `stop_calendar()` freezes it. `profile="full"` has the same number of real sizes, 6.8 GB in all.

`running(recorded=folder)` serves recorded JSON files as they are. `serve(host, port, folder, profile)` blocks, for the
command line; `connect(folder)` finds the one that runs on a folder. `write_dataset("HLTH_CO_X", path, cells=10_000_000)`
writes a body without any server, `cells` tells its truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eurostat_assets.sandbox.client import ADDRESS_FILE, API_PATH, Running, connect, identity
from eurostat_assets.sandbox.errors import NotReady
from eurostat_assets.sandbox.process import running, serve

if TYPE_CHECKING:
    from eurostat_assets.sandbox.writing import cells, write_dataset

__all__ = [
    "ADDRESS_FILE",
    "API_PATH",
    "NotReady",
    "Running",
    "cells",
    "connect",
    "identity",
    "running",
    "serve",
    "write_dataset",
]


def __getattr__(name: str) -> Any:
    # numpy and pyarrow take a third of a second, and only these two need them.
    if name in ("cells", "write_dataset"):
        from eurostat_assets.sandbox import writing

        return getattr(writing, name)
    raise AttributeError(name)
