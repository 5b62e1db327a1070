"""Connections on which status and headers must be there in time as a whole, and are not endless.

A read time-out starts anew with every byte, so that a server which trickles its headers could hold a client for
days. How slowly a body may come is the download's deadline, in `wire.py`.
"""

import http.client
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection


@contextmanager
def _on_time(connection: HTTPConnection) -> Iterator[None]:
    """Hangs up when the block is not done within the connection's read time-out."""

    def hang_up() -> None:
        with suppress(OSError):
            # Not the method of an SSL socket: it would take the TLS state from under the reading thread.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    watch = threading.Timer(connection.timeout or threading.TIMEOUT_MAX, hang_up)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


class _FewLines(io.BufferedReader):
    """What a server sends, of which few bytes are lines: status, headers, sizes of chunks, trailers.

    http.client reads on through any number of `100 Continue`, of trailers, and of chunks of a single byte. Raises
    HTTPException beyond `_LINES`, and one more for each `_BYTES_PER_LINE` of the body.
    """

    _LINES = 1000
    _BYTES_PER_LINE = 64

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self._lines = self._content = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        self._lines += 1
        if self._lines > self._LINES + self._content // self._BYTES_PER_LINE:
            raise http.client.HTTPException("more headers, chunks or trailers than belong to its content")
        return super().readline(size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._counted(super().read1(size))

    def read(self, size: int | None = -1, /) -> bytes:
        return self._counted(super().read(size))

    def _counted(self, block: bytes) -> bytes:
        self._content += len(block)
        return block


class _Response(http.client.HTTPResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp: io.BufferedReader = _FewLines(self.fp.detach())


class _Connection(HTTPConnection):
    response_class = _Response

    def getresponse(self) -> HTTPResponse:
        with _on_time(self):
            return super().getresponse()


class _SecureConnection(HTTPSConnection):
    response_class = _Response

    def getresponse(self) -> HTTPResponse:
        with _on_time(self):
            return super().getresponse()


class _Pool(HTTPConnectionPool):
    # urllib3 declares a protocol here that its own classes do not fit.
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection  # pyright: ignore[reportAssignmentType]


_POOLS = {"http": _Pool, "https": _SecurePool}


class PunctualAdapter(HTTPAdapter):
    """A requests adapter whose read time-out bounds the whole head of an answer, through proxies as well."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
