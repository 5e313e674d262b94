"""The plain model behind another endpoint: requests go there as they are, and replies come back.

Only the credentials differ: the client's stay here, and the upstream's never leave the server.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import httpx
import orjson
from starlette.responses import Response

from clc.engines.openai.settings import KEEPALIVE_S, bearer_header
from clc.serving.errors import ApiError
from clc.serving.http.admission import too_late
from clc.serving.http.streaming import EventStream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

__all__ = ["Upstream"]

_log = logging.getLogger("clc.serving")
_CONNECT_TIMEOUT_S = 10.0
_PASSED_ON = ("content-type", "retry-after")
_OURS = frozenset({401, 402, 403})  # the upstream refuses this server, not its client
_REDIRECTS = range(300, 400)


class Upstream:
    """One or several endpoints that serve the plain model.

    Args:
        base_urls: what stands before ``/chat/completions``; one that cannot be connected to is
            passed over.
        api_key: sent as a bearer token; the environment's ``OPENAI_API_KEY`` by default.
    """

    def __init__(self, base_urls: Sequence[str], *, api_key: str | None = None) -> None:
        self._headers = bearer_header(api_key)
        self._urls = tuple(url.rstrip("/") for url in base_urls)
        self._turn = 0
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_S),
            headers={"Content-Type": "application/json"},
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def alive(self) -> bool:
        """Whether an endpoint answers at all."""
        for url in self._urls:
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                    reply = await self._client.get(f"{url}/models", headers=self._headers)
            except (httpx.HTTPError, TimeoutError):
                continue
            if reply.is_success:
                return True
        return False

    async def forward(
        self,
        path: str,
        body: bytes,
        until: float,
        *,
        failed: Callable[[Exception], None],
        done: Callable[[], Awaitable[None]],
    ) -> Response:
        """Send a body on and return the reply: status, body, stream and all.

        Args:
            path: what stands after the base URL, such as ``/chat/completions``.
            body: sent as it is.
            until: time of the loop's clock at which the answer must have ended.
            failed: is told of an error in the middle of a stream.
            done: is called when a stream has ended, and not where there is none.

        Raises:
            ApiError: 408, 502 or 503.
        """
        try:
            async with asyncio.timeout_at(until):
                reply = await self._send(path, body)
                try:
                    _check(reply)
                    streamed = reply.headers.get("content-type", "").startswith("text/event-stream")
                    if not (reply.is_success and streamed):
                        return _whole(reply, await reply.aread())
                except BaseException:
                    await reply.aclose()
                    raise
        except TimeoutError:
            raise too_late() from None
        except httpx.HTTPError as error:
            raise _broken(error) from error
        return EventStream(_events(reply, until, failed), done)

    async def _send(self, path: str, body: bytes) -> httpx.Response:
        self._turn += 1
        start = self._turn % len(self._urls)
        for url in (*self._urls[start:], *self._urls[:start]):
            request = self._client.build_request(
                "POST", f"{url}{path}", content=body, headers=self._headers
            )
            try:
                return await self._client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                _log.warning("%s cannot be reached (%s)", url, str(error) or type(error).__name__)
        raise ApiError(
            503,
            "the model cannot be reached just now; the server's log says why",
            code="engine_unavailable",
            retry_after_s=5,
        )


def _check(reply: httpx.Response) -> None:
    if reply.status_code in _OURS or reply.status_code in _REDIRECTS:
        _log.error(
            "%s answered %d: check the base URL and OPENAI_API_KEY",
            reply.request.url,
            reply.status_code,
        )
        raise ApiError(
            503,
            "the model's endpoint refuses this server; the server's log says why",
            code="engine_unavailable",
        )


def _whole(reply: httpx.Response, body: bytes) -> Response:
    headers = {name: reply.headers[name] for name in _PASSED_ON if name in reply.headers}
    return Response(body, reply.status_code, headers)


async def _events(
    reply: httpx.Response, until: float, failed: Callable[[Exception], None]
) -> AsyncGenerator[bytes, None]:
    """Yield what the upstream streams, as it comes; an error in the middle is an error event."""
    chunks = aiter(reply.aiter_bytes())
    try:
        while True:
            async with asyncio.timeout_at(until):
                chunk = await anext(chunks, None)
            if chunk is None:
                break
            yield chunk
    except (httpx.HTTPError, TimeoutError) as error:
        told = too_late() if isinstance(error, TimeoutError) else _broken(error)
        failed(told)
        yield b"\n\ndata: " + orjson.dumps(told.body()) + b"\n\n"
    finally:
        await reply.aclose()


def _broken(error: Exception) -> ApiError:
    _log.warning("the connection to the upstream was lost: %s", str(error) or type(error).__name__)
    return ApiError(502, "the model's endpoint broke off; try again", code="upstream_failed")
