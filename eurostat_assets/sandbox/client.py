"""A running sandbox as its tests and the command line see it: addresses, releases, and the truth about its cells.

Speaks to the sandbox's own doors only; reading the API it imitates is the business of whoever is being tested.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eurostat_assets.sandbox.errors import NotReady, SandboxError

if TYPE_CHECKING:
    import pyarrow as pa

API_PATH = "/eurostat/api/dissemination"
# Where `serve` leaves the address, in the folder of its state.
ADDRESS_FILE = "sandbox.url"
SECONDS_TO_SAY_WHO = 5.0
LONGEST_IDENTITY = 1000  # bytes of the whole answer
# The sandbox is on this machine: a proxy from the environment has no say.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

Editions = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Running:
    """A sandbox in another process, by its address (`http://127.0.0.1:8080`) and, where known, its process id."""

    url: str
    pid: int | None = None

    @property
    def api_url(self) -> str:
        """What a client takes for `https://ec.europa.eu/eurostat/api/dissemination`."""
        return self.url + API_PATH

    def release(self, *codes: str, what: Literal["data", "structure", "both"] = "data") -> Editions:
        """New editions: {code: {"update_data", "update_structure", "release", "structure"}}. Raises SandboxError."""
        return self._post("release", codes=codes, what=what)

    def add(self, *codes: str) -> Editions:
        """Datasets that appear, or come back, with their items in the feed. Raises SandboxError."""
        return self._post("add", codes=codes)

    def withdraw(self, *codes: str) -> Editions:
        """Datasets that are gone from now on; answers their last editions. Raises SandboxError."""
        return self._post("withdraw", codes=codes)

    def rename(self, code: str, new: str) -> Editions:
        """Withdraw a dataset and add one under another code; answers the new edition. Raises SandboxError."""
        return self._post("rename", code=code, new=new)

    def restructure(self, code: str, change: str) -> Editions:
        """An edition with another structure: `add deg_urb 3`, `remove sex`, `rename age age18`, `position geo XK`,
        `position time 2025`, `reorder geo 7`. Raises SandboxError.
        """
        return self._post("restructure", code=code, change=change)

    def announce(
        self, code: str, category: str | None = None, date: str | None = None, description: str = ""
    ) -> None:
        """A feed item with nothing behind it; `date` is ISO 8601 with an offset, now by default."""
        self._post("announce", code=code, category=category, date=date, description=description)

    def set_clock(self, now: str | None) -> None:
        """Stop the sandbox's clock at an ISO 8601 moment with an offset; None lets it run again."""
        self._post("clock", now=now)

    def stop_calendar(self) -> dict[str, Any]:
        """Time stands still and nothing is released by itself any more: {"running", "now", "release_times"}.

        Raises SandboxError where there is no calendar.
        """
        return self._post("calendar", running=False)

    def resume_calendar(self) -> dict[str, Any]:
        """The calendar goes on where it was stopped. Raises SandboxError where there is none."""
        return self._post("calendar", running=True)

    def set_faults(self, faults: str, datasets: Sequence[str] | None = None) -> None:
        """From now on these faults instead of all before, such as `async:2=0.2,html=0.05`; an empty text ends them.

        With `datasets`, only these follow the new text, and no other. The kinds are those of faults.py. Raises
        SandboxError.
        """
        self._post("faults", faults=faults, datasets=datasets)

    def change_contract(self, *changes: str) -> None:
        """From now on the API differs from the documented one by these changes; none ends all. Their names are those of
        the folder contract. Raises SandboxError.
        """
        self._post("contract", changes=changes)

    def tally(self) -> dict[str, Any]:
        """What was asked of it, delivered, and met since it started: `requests`, `bodies`, `again` and `faults_met`,
        as Tally.report says. Raises NotReady.
        """
        return self._ask(f"{self.url}/sandbox/tally")

    def state(self) -> dict[str, Any]:
        """Everything the sandbox has published beyond its first editions. Raises NotReady."""
        return self._ask(f"{self.url}/sandbox/state")

    def cells(self, code: str) -> Iterator[pa.RecordBatch]:
        """The true present observations of a dataset, computed here instead of taken from the API.

        Columns: the dimensions but time, `time_period`, `obs_value`, `obs_flag`, `conf_status`. Raises SandboxError.
        """
        try:
            return self.all_cells()[code.upper()]
        except KeyError:
            raise SandboxError(f"the sandbox does not publish {code}") from None

    def all_cells(self) -> dict[str, Iterator[pa.RecordBatch]]:
        """The same of everything that is published at this moment, by code; each is computed while it is read."""
        from eurostat_assets.sandbox.publisher import Publisher

        published = Publisher.of(self.state()).catalogue()
        return {source.code: source.observations(edition) for source, edition in published}

    def _post(self, door: str, **order: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        return self._ask(
            urllib.request.Request(f"{self.url}/sandbox/{door}", json.dumps(order).encode(), headers)
        )

    def _ask(self, request: urllib.request.Request | str) -> dict[str, Any]:
        try:
            with _open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(json.load(error)["error"]) from None
        except OSError as error:
            raise NotReady(f"{self.url} does not answer ({error})") from error


def connect(address: str | Path) -> Running:
    """The sandbox at an address, or the one that runs on a folder. Raises NotReady when none does."""
    if isinstance(address, str):
        return Running(address.rstrip("/"))
    file = address / ADDRESS_FILE
    if not file.exists():
        raise NotReady(f"none runs on {address}; start it there first")
    return Running(file.read_text().strip())


def identity(api_url: str) -> str | None:
    """Return which sandbox answers at the address of an API; None where something else does. Raises NotReady: nothing does.

    It stays the same when a sandbox is started again, on whatever port.
    """
    if not api_url.endswith(API_PATH):
        return None
    try:
        with _open(
            api_url.removesuffix(API_PATH) + "/sandbox/identity", timeout=SECONDS_TO_SAY_WHO
        ) as answer:
            said = json.loads(answer.read(LONGEST_IDENTITY))
    except (urllib.error.HTTPError, ValueError):
        return None
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"{api_url} does not answer ({error})") from error
    name = said.get("identity") if isinstance(said, dict) else None
    return name if isinstance(name, str) and name.isalnum() else None
