"""HTTP to Eurostat: one polite session, retries before the first byte, time-outs, an overall deadline.

Gives wire bytes as they come. Which refusals there are is `refusals.py`'s, which redirects are followed
`redirects.py`'s, what becomes of a body `download.py`'s.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.util import Retry

from eurostat_assets.eurostat import redirects, refusals
from eurostat_assets.eurostat.errors import CutShort, RedirectRefused, TooSlow, Unreachable
from eurostat_assets.eurostat.gate import Gate
from eurostat_assets.eurostat.punctual import PunctualAdapter
from eurostat_assets.model.addresses import without_secrets
from eurostat_assets.model.numbers import whole_number

_BLOCK: Final = 256 * 1024
_LONGEST_RETRY_AFTER: Final = 120


class _PoliteRetry(Retry):
    """urllib3 would also repeat a 413 with Retry-After, which here means "too big" or "in some minutes"."""

    RETRY_AFTER_STATUS_CODES = frozenset({429, 503})

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds; 0 for what is no number, or one that no computer holds."""
        try:
            return super().parse_retry_after(retry_after)
        except (ValueError, OverflowError, urllib3.exceptions.HTTPError):
            return 0.0


@dataclass(frozen=True)
class Answer:
    """An answer whose body has not been read. `url` was asked for, `redirected_to` is where it led, if
    elsewhere; both without credentials, as they are recorded and told.
    """

    status: int
    headers: Mapping[str, str]
    url: str
    redirected_to: str | None
    _response: requests.Response
    _deadline: float
    _dataset: str | None

    @property
    def length(self) -> int | None:
        """Bytes of the body as announced; None for a chunked one."""
        return whole_number(self.headers.get("Content-Length", ""))

    def blocks(self) -> Iterator[bytes]:
        """The body's bytes as sent, still compressed if they were. Raises CutShort, TooSlow.

        Each block is what one read of the socket gave, so that a server that trickles cannot outlive the
        deadline.
        """
        raw: urllib3.BaseHTTPResponse = self._response.raw
        try:
            while block := raw.read1(_BLOCK, decode_content=False):
                if time.monotonic() > self._deadline:
                    raise TooSlow(f"{self.url} was not done by the deadline", dataset=self._dataset)
                yield block
        except urllib3.exceptions.ReadTimeoutError as error:
            raise TooSlow(
                f"{self.url} fell silent in the middle of the body", dataset=self._dataset
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise CutShort(
                f"the body of {self.url} ended early ({_reason(error)})", dataset=self._dataset
            ) from error

    def check(self, head: bytes) -> None:
        """Raises what this answer means when it is not the body asked for. `head`: its first refusals.LARGEST
        bytes, uncompressed.
        """
        url = self.redirected_to or self.url
        refused = refusals.refusal(self.status, head, self.headers, dataset=self._dataset, url=url)
        if refused is not None:
            raise refused
        if not head.strip():
            raise CutShort(f"{url} answered with an empty body", dataset=self._dataset)


class Wire:
    """A session with one API. Not for several threads at once; use one per thread.

    `timeouts`: seconds to connect, and between two bytes. Proxies and a custom CA come from the usual
    environment variables (HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE); loopback is never proxied (loopback.py).
    """

    def __init__(
        self,
        api_url: str,
        *,
        timeouts: tuple[float, float],
        attempts: int,
        backoff: float,
        user_agent: str,
        gate: Gate | None = None,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._host = urlsplit(api_url).hostname or ""
        self._timeouts = timeouts
        self._gate = gate
        self._session = requests.Session()
        self._session.headers.update({"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": user_agent})
        retry = _PoliteRetry(
            total=attempts - 1,
            status_forcelist={429, 500, 502, 503, 504},
            allowed_methods={"GET"},
            backoff_factor=backoff,
            backoff_jitter=backoff,
            backoff_max=30,
            retry_after_max=_LONGEST_RETRY_AFTER,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PunctualAdapter(max_retries=retry))

    @contextmanager
    def get(
        self,
        path: str,
        params: list[tuple[str, str]],
        *,
        dataset: str | None,
        deadline: float,
        bulk: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Answer]:
        """Ask for `path` below the API's address; the whole answer must be there `deadline` seconds after.

        Raises Unreachable. Any status is an answer. `bulk`: whether this is one of the gate's downloads.
        `headers` are sent besides the usual ones.
        """
        passage = self._gate.passage(self._host, bulk=bulk) if self._gate else nullcontext()
        with passage, self._answer(path, params, dataset, deadline, headers) as answer:
            yield answer

    @contextmanager
    def _answer(
        self,
        path: str,
        params: list[tuple[str, str]],
        dataset: str | None,
        deadline: float,
        headers: Mapping[str, str] | None,
    ) -> Iterator[Answer]:
        until = time.monotonic() + deadline
        url = asked = requests.Request("GET", self._api_url + path, params=params).prepare().url or ""
        for _ in range(redirects.MOST + 1):
            with self._response(url, headers, dataset) as response:
                location = response.headers.get("Location")
                if response.status_code not in redirects.STATUSES or not location:
                    yield Answer(
                        status=response.status_code,
                        headers=response.headers,
                        url=without_secrets(asked),
                        redirected_to=without_secrets(url) if url != asked else None,
                        _response=response,
                        _deadline=until,
                        _dataset=dataset,
                    )
                    return
                url = redirects.next_address(url, location, dataset)
        raise RedirectRefused(
            without_secrets(asked), "address after address", f"more than {redirects.MOST} of them", dataset
        )

    def _response(
        self, url: str, headers: Mapping[str, str] | None, dataset: str | None
    ) -> requests.Response:
        """The answer of just this address. Raises Unreachable."""
        try:
            return self._session.get(
                url, headers=headers, timeout=self._timeouts, stream=True, allow_redirects=False
            )
        # An OSError is every error of requests, and that of a CA bundle that is not there; a ValueError comes of an address
        # that is none, which requests reads in an answer's Location although it is not to follow it.
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            shown = without_secrets(url.partition("?")[0])
            # Not `from error`: its text, which a traceback would show, may have a proxy's password in it.
            raise Unreachable(f"no answer from {shown} ({_reason(error)})", dataset=dataset) from None

    def close(self) -> None:
        self._session.close()


def _reason(error: BaseException) -> str:
    """The innermost cause, which says more than the libraries' wrappings."""
    inner: BaseException = error
    while (cause := getattr(inner, "reason", None) or next(iter(inner.args), None)) is not None:
        if not isinstance(cause, BaseException):
            break
        inner = cause
    return f"{type(inner).__name__}: {inner}"
