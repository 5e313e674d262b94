"""Connections: how many there are, how long a request's head may take, and how large it may be.

All of it holds before a key is looked at.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from uvicorn.protocols.http.h11_impl import H11Protocol

from clc.serving.errors import ApiError

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ModuleNotFoundError:  # httptools is faster, and need not be installed
    HttpToolsProtocol = None  # type: ignore[assignment,misc]

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Base

    from clc.serving.settings import Limits
else:
    _Base = HttpToolsProtocol or H11Protocol

__all__ = ["HEAD_BYTES", "KEEPALIVE_S", "bounded_protocol", "large_head_error", "most_connections"]

HEAD_BYTES = 1 << 16  # h11's own limit
# Longer than clients keep a connection (httpx 5 s, aiohttp 15 s), so that none is closed while a
# client is about to reuse it.
KEEPALIVE_S = 75
_MOST = 4096
_RESERVED = 4  # one file in so many is for the engine, endpoints and the run folder
_FEWEST_RESERVED = 128
_FRAMING_BYTES = 2 * HEAD_BYTES  # head, trailers, and sizes and extensions of chunks
_FRAMING_PER_BYTE = 1  # chunks of a few bytes may frame small bodies only
_LINGER_S = 2.0  # for which a refused request is read and dropped, so that its reply arrives
_REFUSED = (
    b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)


def most_connections() -> int:
    """Return the most connections that are kept open, from the limit on open files."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return _MOST
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST
    return max(16, min(_MOST, files - max(_FEWEST_RESERVED, files // _RESERVED)))


def large_head_error() -> ApiError:
    """Make the error for a request whose head is too large."""
    return ApiError(
        431, f"the head of the request is larger than {HEAD_BYTES} bytes", code="headers_too_large"
    )


def bounded_protocol(limits: Limits, most: int) -> type[asyncio.Protocol]:
    """Make the class of a server's connections.

    A connection without a request in progress is closed after ``limits.head_s`` seconds (after
    a reply only when clients no longer keep it). Where there are more than ``most``, the one that
    has been without a request for longest is closed.
    """
    without: dict[Any, None] = {}  # connections without a request in progress, oldest first

    class Bounded(_Connection):
        head_s = limits.head_s
        flush_s = limits.deadline_s

        def enter(self) -> None:
            without[self] = None
            if len(self.connections) > most:
                next(iter(without)).drop()

        def leave(self) -> None:
            without.pop(self, None)

    return Bounded


class _Connection(_Base):
    """A connection that is closed when a request's head is too slow or too large."""

    head_s: float
    flush_s: float

    def enter(self) -> None:
        """Note that no request is in progress."""

    def leave(self) -> None:
        """Note that a request is in progress, or the connection lost."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._wait_s = self.head_s
        self._refused = self._complete = False
        self._framing = self._body = self._fed = 0  # bytes: of the message, and of the last read
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.leave()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def data_received(self, data: bytes) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._fed, self._complete = 0, False
        self._framing += len(data)
        super().data_received(data)
        self._framing -= self._fed
        if self._complete:  # its size is checked with the request
            self._framing = 0
        if HttpToolsProtocol is not None:  # h11 has a limit of its own
            self._check_framing()
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait_s = KEEPALIVE_S + self.head_s
        self._watch()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._framing = self._body = 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._complete = True

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        self._fed += len(body)
        super().on_body(body)

    def drop(self) -> None:
        """Close the connection at once."""
        self.leave()
        self.transport.abort()

    def _check_framing(self) -> None:
        if self._framing > _FRAMING_BYTES + _FRAMING_PER_BYTE * self._body:
            self._refuse(large_head_error())

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or too long for h11."""
        large = self._framing > HEAD_BYTES
        self._refuse(large_head_error() if large else ApiError(400, msg, code="invalid_http"))

    def _refuse(self, error: ApiError) -> None:
        """Answer, or close the connection where an answer is under way."""
        if self._refused or self._is_active():  # active: trailers, or extensions of chunks
            self.drop()
            return
        self._refused = True
        body = orjson.dumps(error.body())
        phrase = HTTPStatus(error.status).phrase.encode()
        self.transport.write(_REFUSED % (error.status, phrase, len(body), body))
        self.loop.call_later(_LINGER_S, self.transport.abort)

    def _is_active(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        """Start the time limit where no request is in progress, else stop it."""
        if self.transport.is_closing():
            return
        if self._is_active():
            self.leave()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._timer is None:
            self._timer = self.loop.call_later(self._wait_s, self._late)
            self.enter()

    def _late(self) -> None:
        self.transport.close()  # when the client has read what is left
        self._timer = self.loop.call_later(self.flush_s, self.transport.abort)
