"""The client of Eurostat's dissemination API: one method per thing that is asked of it.

A 200 is not a success here: every body is checked for what it claims to be before it is handed on.
"""

from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from eurostat_assets.eurostat import refusals
from eurostat_assets.eurostat.codes import check_code
from eurostat_assets.eurostat.content import plain
from eurostat_assets.eurostat.download import Download, Progress
from eurostat_assets.eurostat.errors import (
    ExtractionTooBig,
    NotAvailable,
    Refused,
    StillPreparing,
    Unreadable,
)
from eurostat_assets.eurostat.facts import Inspect, Outline, believed, outline_of
from eurostat_assets.eurostat.feed import LARGEST as LARGEST_FEED
from eurostat_assets.eurostat.feed import Feed, parse_feed
from eurostat_assets.eurostat.gate import Gate
from eurostat_assets.eurostat.inventory import Inventory, parse_inventory
from eurostat_assets.eurostat.measure import Allowance
from eurostat_assets.eurostat.patience import Patience
from eurostat_assets.eurostat.raw import RawJson
from eurostat_assets.eurostat.release import Release
from eurostat_assets.eurostat.slices import NO_CELLS, Slice
from eurostat_assets.eurostat.toc import Toc, parse_toc

if TYPE_CHECKING:
    from eurostat_assets.eurostat.wire import Answer, Wire

REAL_API = "https://ec.europa.eu/eurostat/api/dissemination"

_LARGEST_CATALOGUE = 32 * 2**20
_LARGEST_OUTLINE = 16 * 2**20
_SHORT_DEADLINE = 300.0


class Eurostat:
    """One API and how patiently to talk to it; times in seconds. Each thread needs its own.

    `attempts` counts tries, at the start of a request (connection, 429, 5xx) as well as of a body that ends
    early; `backoff` is the first pause between two of them. `download_deadline` bounds one try of one body.
    `gate` shares a limit on parallel downloads and a pace with every process on this machine that uses the
    same. `allowance` is how large a body may become, `ahead` how far in the future a
    release may be dated to be believed (None: no matter how far).
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
        gate: Gate | None = None,
        allowance: Allowance | None = None,
        ahead: timedelta | None = None,
    ) -> None:
        parts = urlsplit(api_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{api_url!r} is not an API's address, which begins with https:// or http://")
        self._api_url = api_url
        self._language = language.lower()
        self._timeouts = (connect_timeout, read_timeout)
        self._deadline = download_deadline
        self._attempts = attempts
        self._backoff = backoff
        self._user_agent = user_agent
        self._gate = gate
        self._allowance = allowance or Allowance()
        self._ahead = ahead

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
            gate=self._gate,
        )

    @property
    def wire(self) -> "Wire":
        """The transport with this client's limits, for those who judge answers instead of using them."""
        return self._wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if "_wire" in self.__dict__:
            self._wire.close()

    def inventory(self) -> Inventory:
        """Every dataset by code, with its release. Raises Transient errors, Refused."""
        body = self._read("/files/inventory", [("type", "data")], _LARGEST_CATALOGUE)
        return parse_inventory(body, self._ahead)

    def toc(self) -> Toc:
        """The table of contents in the client's language. Raises Transient errors, Refused."""
        return parse_toc(self._read("/catalogue/toc/txt", [("lang", self._language)], _LARGEST_CATALOGUE))

    def feed(self) -> Feed:
        """What was released in the last seven days. Raises Transient errors, Refused."""
        return parse_feed(
            self._read(f"/catalogue/rss/{self._language}/statistics-update.rss", [], LARGEST_FEED)
        )

    def probe(self, code: str) -> Release:
        """The dataset's current release for a few kB. Should Eurostat refuse such a request, the inventory
        knows as well. Raises NotAvailable, DatedAhead, Transient errors, MalformedCode.
        """
        code = check_code(code)
        try:
            return believed(self._outline(code).release, self._ahead, code)
        except (ExtractionTooBig, Refused, StillPreparing, Unreadable):
            listed = self.inventory().get(code)
            if listed is None:
                raise NotAvailable("the inventory does not list it", dataset=code) from None
            return listed.release

    def download(
        self,
        code: str,
        folder: Path,
        *,
        inspect: Inspect,
        on_progress: Progress | None = None,
        patience: float = 0.0,
        slices: bool = False,
        last_resort: bool = False,
    ) -> RawJson:
        """The whole dataset as new files in `folder`, complete and checked, or an error and nothing left
        there.

        `patience`: seconds to wait in all for an answer that is being prepared, without holding the gate; by
        default StillPreparing is raised at once. For callers that can join them, a dataset that is not to be
        had in one body may come in several parts: `slices`, when it is too big for one extraction;
        `last_resort`, when slices do not help (or are not allowed) or the answer is still being prepared when
        patience is at its end: the body without cells, then the cells as SDMX-CSV. Raises any EurostatError.
        """
        code = check_code(code)
        download = Download(
            code=code,
            folder=folder,
            ask=lambda slice_: self._ask(code, slice_),
            ask_bulk=lambda: self._ask_bulk(code),
            outline=lambda: self._outline(code),
            inspect=inspect,
            on_progress=on_progress or (lambda _done, _total: None),
            patience=Patience(self._attempts, self._backoff, patience),
            allowance=self._allowance,
            ahead=self._ahead,
        )
        return download.run(slices=slices, last_resort=last_resort)

    def _outline(self, code: str) -> Outline:
        """The dataset without its cells, which still carries the dates of all of them. Raises Transient
        errors, Refused.
        """
        body = self._read(_data_path(code), self._params(NO_CELLS), _LARGEST_OUTLINE, dataset=code)
        return outline_of(body, code)

    def _ask(self, code: str, slice_: Slice) -> "AbstractContextManager[Answer]":
        return self._wire.get(
            _data_path(code), self._params(slice_), dataset=code, deadline=self._deadline, bulk=True
        )

    def _ask_bulk(self, code: str) -> "AbstractContextManager[Answer]":
        params = [("format", "SDMX-CSV"), ("compressed", "true")]
        return self._wire.get(
            f"/sdmx/2.1/data/{code}/", params, dataset=code, deadline=self._deadline, bulk=True
        )

    def _params(self, slice_: Slice) -> list[tuple[str, str]]:
        filters = [(dimension, position) for dimension, codes in slice_.items() for position in codes]
        return [("format", "JSON"), ("lang", self._language.upper()), *filters]

    def _read(
        self, path: str, params: list[tuple[str, str]], largest: int, *, dataset: str | None = None
    ) -> bytes:
        """A small body whole, uncompressed and no refusal."""

        def read_once() -> bytes:
            body = bytearray()
            with self._wire.get(path, params, dataset=dataset, deadline=_SHORT_DEADLINE) as answer:
                for piece in plain(answer.blocks(), dataset):
                    body += piece
                    if len(body) > largest:
                        break
            answer.check(bytes(body[: refusals.LARGEST]))
            return bytes(body)

        body = Patience(self._attempts, self._backoff).run(read_once)
        if len(body) > largest:
            raise Unreadable(f"{path} answers with more than {largest:,} bytes", dataset=dataset)
        return body


def _data_path(code: str) -> str:
    return f"/statistics/1.0/data/{code}"
