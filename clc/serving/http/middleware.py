"""Middleware: request id, API key, log line, and a body for every error."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from clc.serving.errors import ApiError, api_error, stopping_error
from clc.serving.http.connections import HEAD_BYTES, large_head_error
from clc.serving.http.streaming import ClientGoneError
from clc.serving.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CLIENT_GONE", "Guard", "failure"]

_log = logging.getLogger("clc.serving")

CLIENT_GONE = 499  # nginx's status for a client that disconnected
_OPEN = frozenset({"/health"})
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_LOGGED_PATH = 200  # characters
_CODES = {404: "not_found", 405: "method_not_allowed"}


class Guard:
    """Checks the key, and gives every request a status and a log line.

    Without keys only loopback names are accepted as host, which prevents DNS rebinding: a web page
    cannot reach the server through a name of its own that resolves to this machine.

    Args:
        app: the guarded application.
        keys: accepted bearer tokens.
        finished: called with path, state, status and seconds of every request.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Sequence[str],
        finished: Callable[[str, dict[str, Any], int, float], None],
    ) -> None:
        self._app = app
        self._keys = [_digest(key) for key in keys]
        self._finished = finished

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        key = given if _ID.match(given) else f"req_{uuid.uuid4().hex}"
        state = scope.setdefault("state", {})
        state["id"] = key
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = key
            await send(message)

        try:
            _check_size(scope)
            self._admit(scope["path"], headers)
            await self._app(scope, receive, sending)
        except ClientGoneError:
            status = CLIENT_GONE
        except asyncio.CancelledError:  # the server stops, and the request outlasted drain_s
            if not status:
                await failure(stopping_error(), state)(scope, receive, sending)
        except Exception as error:
            if status:  # too late for a reply: the connection is closed
                state["error"] = type(error).__name__
                raise
            response = failure(error, state)
            await response(scope, receive, sending)
        finally:
            self._log(scope, state, status, time.monotonic() - started)

    def _admit(self, path: str, headers: Headers) -> None:
        """Raise ApiError (401 or 403) unless the request may pass."""
        if path in _OPEN:
            return
        if not self._keys:
            host = re.sub(r":\d+\Z", "", headers.get("host", "localhost"))
            if not is_loopback(host):
                raise ApiError(
                    403,
                    f"this server has no API key and answers to localhost only, not to "
                    f"{host!r:.60}; start it with a key",
                    code="invalid_host",
                )
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        digest = _digest(token.strip() if scheme.lower() == "bearer" else "")
        # Compare with every key: the time then depends on none of them.
        if sum(hmac.compare_digest(digest, known) for known in self._keys) == 0:
            raise ApiError(
                401,
                "the API key is missing or wrong; send it as a bearer token",
                code="invalid_api_key",
            )

    def _log(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
        fields = {name: value for name, value in state.items() if not name.startswith("_")}
        _log.info(
            "request",
            extra={
                "fields": {
                    **fields,
                    "method": scope["method"],
                    "path": scope["path"][:_LOGGED_PATH],
                    "status": status,
                    "seconds": round(seconds, 3),
                }
            },
        )
        self._finished(scope["path"], state, status, seconds)


def _check_size(scope: Scope) -> None:
    """Raise ApiError (431) where the head is too large."""
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    size += sum(len(name) + len(value) for name, value in scope["headers"])
    if size > HEAD_BYTES:
        raise large_head_error()


def failure(error: Exception, state: dict[str, Any]) -> JSONResponse:
    """Make the reply of any error, and log the details that it leaves out."""
    if isinstance(error, HTTPException):
        code = _CODES.get(error.status_code, "http_error")
        reply = ApiError(error.status_code, str(error.detail), code=code)
        reply.headers.update(error.headers or {})
    else:
        reply = api_error(error)
        if reply.status >= 500 and not isinstance(error, ApiError):  # noqa: PLR2004
            _log.error("request %s failed: %s", state.get("id"), error, exc_info=error)
    state["error"] = reply.code
    if reply.param is not None:
        state["param"] = reply.param
    return JSONResponse(reply.body(), reply.status, reply.headers)


def _digest(key: str) -> bytes:
    """Hash a key to a fixed length, so that comparisons take equal time."""
    return hashlib.sha256(key.encode()).digest()
