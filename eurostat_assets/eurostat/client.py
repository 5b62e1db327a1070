"""The client of Eurostat's dissemination API: one method per thing that is asked of it.

A 200 is not a success here: every body is checked for what it claims to be before it is handed on.
"""

import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from eurostat_assets.eurostat import refusals
from eurostat_assets.eurostat.codes import check_code
from eurostat_assets.eurostat.content import Content, plain, store
from eurostat_assets.eurostat.errors import (
    CutShort,
    NotAvailable,
    Refused,
    StillPreparing,
    Unreadable,
    WrongDataset,
)
from eurostat_assets.eurostat.feed import LARGEST as LARGEST_FEED
from eurostat_assets.eurostat.feed import Feed, parse_feed
from eurostat_assets.eurostat.inventory import Inventory, parse_inventory
from eurostat_assets.eurostat.parts import part
from eurostat_assets.eurostat.raw import RawJson
from eurostat_assets.eurostat.release import Release
from eurostat_assets.eurostat.toc import Toc, parse_toc

if TYPE_CHECKING:
    from eurostat_assets.eurostat.wire import Answer, Wire

REAL_API = "https://ec.europa.eu/eurostat/api/dissemination"

_LARGEST_CATALOGUE = 64 * 2**20
_LARGEST_PROBE = 16 * 2**20
_SHORT_DEADLINE = 300.0
Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and those to come in all, None where Eurostat does not say."""

_T = TypeVar("_T")


class Facts(Protocol):
    """What a body says of itself: its dataset's code, and its two dates as sent."""

    @property
    def dataset(self) -> str | None: ...
    @property
    def update_data(self) -> str | None: ...
    @property
    def update_structure(self) -> str | None: ...


class Eurostat:
    """One API and how patiently to talk to it; times in seconds. Each thread needs its own.

    `attempts` counts tries, at the start of a request (connection, 429, 5xx) as well as of a body that ends
    early; `backoff` is the first pause between two of them. `download_deadline` bounds one whole download
    try.
    """

    def __init__(
        self,
        api_url: str = REAL_API,
        *,
        language: str = "en",
        connect_timeout: float = 10.0,
        read_timeout: float = 180.0,
        download_deadline: float = 3 * 3600.0,
        attempts: int = 3,
        backoff: float = 1.0,
        user_agent: str | None = None,
    ) -> None:
        parts = urlsplit(api_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{api_url!r} is not an API's address, which begins with https:// or http://")
        self._api_url = api_url
        self._language = language.lower()
        self._deadline = download_deadline
        self._attempts = attempts
        self._backoff = backoff
        self._timeouts = (connect_timeout, read_timeout)
        self._user_agent = user_agent

    @cached_property
    def _wire(self) -> "Wire":
        # A fifth of a second to import, and every run imports this room, whether it asks Eurostat or not.
        from importlib.metadata import version

        from eurostat_assets.eurostat.wire import Wire

        return Wire(
            self._api_url,
            timeouts=self._timeouts,
            attempts=self._attempts,
            backoff=self._backoff,
            user_agent=self._user_agent or f"eurostat-assets/{version('eurostat-assets')}",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if "_wire" in self.__dict__:
            self._wire.close()

    def inventory(self) -> Inventory:
        """Every dataset by code, with its release. Raises Transient errors, Refused."""
        return parse_inventory(self._read("/files/inventory", {"type": "data"}, _LARGEST_CATALOGUE))

    def toc(self) -> Toc:
        """The table of contents in the client's language. Raises Transient errors, Refused."""
        return parse_toc(self._read("/catalogue/toc/txt", {"lang": self._language}, _LARGEST_CATALOGUE))

    def feed(self) -> Feed:
        """What was released in the last seven days. Raises Transient errors, Refused."""
        return parse_feed(
            self._read(f"/catalogue/rss/{self._language}/statistics-update.rss", {}, LARGEST_FEED)
        )

    def probe(self, code: str) -> Release:
        """The dataset's current release for a few kB: an answer without cells still carries all dates.

        Time is the one dimension that every dataset has, and no period lies in the year 2999. Should Eurostat
        refuse to answer with nothing, the inventory knows as well. Raises NotAvailable, Transient errors,
        MalformedCode.
        """
        code = check_code(code)
        try:
            body = self._read(
                _data_path(code), self._data_params(sinceTimePeriod="2999"), _LARGEST_PROBE, dataset=code
            )
            return _release_in(body, code)
        except (Refused, StillPreparing, Unreadable):
            listed = self.inventory().get(code)
            if listed is None:
                raise NotAvailable("the inventory does not list it", dataset=code) from None
            return listed.release

    def download(
        self,
        code: str,
        folder: Path,
        *,
        inspect: Callable[[Path], Facts],
        on_progress: Progress | None = None,
    ) -> RawJson:
        """The whole dataset as a new file in `folder`, complete and checked, or an error and nothing left
        there.

        `inspect` reads the finished file's own account of itself; what it raises means that the body is
        unreadable. Raises any EurostatError.
        """
        code = check_code(code)
        return self._persistently(
            lambda: self._download_once(code, folder, inspect, on_progress or (lambda _done, _total: None))
        )

    def _download_once(
        self, code: str, folder: Path, inspect: Callable[[Path], Facts], on_progress: Progress
    ) -> RawJson:
        content = Content(head_size=refusals.LARGEST)
        fetched_at = datetime.now(UTC)
        started = time.monotonic()
        with (
            part(folder, code) as (path, file),
            self._wire.get(
                _data_path(code), self._data_params(), dataset=code, deadline=self._deadline
            ) as answer,
        ):
            suffix = store(
                answer.blocks(), file, content, lambda done: on_progress(done, answer.length), code
            )
            _check(answer, content.head, code)
            release = _inspected(path, code, inspect)
            finished = path.with_suffix(suffix)
            size = path.stat().st_size
            path.rename(finished)
        return RawJson(
            dataset=code,
            path=finished,
            release=release,
            url=answer.url,
            fetched_at=fetched_at,
            sha256=content.sha256,
            bytes=size,
            content_bytes=content.size,
            seconds=round(time.monotonic() - started, 3),
        )

    def _data_params(self, **filters: str) -> dict[str, str]:
        return {"format": "JSON", "lang": self._language.upper(), **filters}

    def _read(
        self, path: str, params: Mapping[str, str], largest: int, *, dataset: str | None = None
    ) -> bytes:
        """A small body whole, uncompressed and no refusal."""

        def read_once() -> bytes:
            body = bytearray()
            with self._wire.get(path, params, dataset=dataset, deadline=_SHORT_DEADLINE) as answer:
                for piece in plain(answer.blocks(), dataset):
                    body += piece
                    if len(body) > largest:
                        break
            _check(answer, bytes(body[: refusals.LARGEST]), dataset)
            return bytes(body)

        body = self._persistently(read_once)
        if len(body) > largest:
            raise Unreadable(f"{path} answers with more than {largest:,} bytes", dataset=dataset)
        return body

    def _persistently(self, act: Callable[[], _T]) -> _T:
        """Try `act` again when its body was bad: a cut connection is rarely cut twice."""
        for attempt in range(1, self._attempts):
            try:
                return act()
            except (CutShort, Unreadable):
                time.sleep(self._backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
        return act()


def _data_path(code: str) -> str:
    return f"/statistics/1.0/data/{code}"


def _check(answer: "Answer", head: bytes, dataset: str | None) -> None:
    """Raises what the answer means when it is not the body asked for."""
    url = answer.redirected_to or answer.url
    refused = refusals.refusal(answer.status, head, answer.headers, dataset=dataset, url=url)
    if refused is not None:
        raise refused
    if not head.strip():
        raise CutShort(f"{url} answered with an empty body", dataset=dataset)


def _inspected(path: Path, code: str, inspect: Callable[[Path], Facts]) -> Release:
    """The release of the body at `path`. Raises Unreadable, WrongDataset."""
    try:
        facts = inspect(path)
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise Unreadable(f"the body is not a readable dataset ({error})", dataset=code) from error
    return _checked_release(code, facts.dataset, facts.update_data, facts.update_structure)


def _release_in(body: bytes, code: str) -> Release:
    """The release that a small JSON body speaks of. Raises Unreadable, WrongDataset."""
    try:
        extension = json.loads(body)["extension"]
        dates = {note["type"]: note.get("date") for note in extension["annotation"]}
        claimed = extension["id"]
    except (ValueError, LookupError, TypeError) as error:
        raise Unreadable(f"the probe's answer is not a dataset ({error!r})", dataset=code) from error
    return _checked_release(code, claimed, dates.get("UPDATE_DATA"), dates.get("UPDATE_STRUCTURE"))


def _checked_release(code: str, claimed: str | None, data: str | None, structure: str | None) -> Release:
    if claimed is None or claimed.upper() != code:
        raise WrongDataset(code, claimed)
    try:
        return Release.from_wire(data, structure)
    except ValueError as error:
        raise Unreadable(f"the body does not say when it was released ({error})", dataset=code) from error
