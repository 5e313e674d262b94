"""The plain model behind another endpoint: requests are forwarded and replies returned untouched.

Only the credentials differ: the client's key is not sent on, and the upstream's key is sent to the
upstream only.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from starlette.responses import Response

from clc.bounds import abbreviate
from clc.engines.openai.connections import open_client
from clc.engines.openai.limits import read_body, unpacked
from clc.engines.openai.reply_fields import BrokenReplyError
from clc.engines.openai.secrets import Secrets
from clc.engines.openai.settings import KEEPALIVE_S, checked_endpoints, endpoint_headers
from clc.serving.errors import ApiError
from clc.serving.http.admission import deadline_error
from clc.serving.http.streaming import EventStream
from clc.serving.question import check_choices, check_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence

    from clc.engines.openai.endpoint_spec import EndpointSpec
    from clc.serving.settings import Limits

__all__ = ["Upstream", "check_forwarded"]

_log = logging.getLogger("clc.serving")
_CONNECT_TIMEOUT_S = 10.0
_WHOLE_BYTES = 1 << 26  # of a reply that is no stream
_PASSED_ON = ("content-type", "retry-after")
_OURS = frozenset({401, 402, 403})  # the upstream refuses this server, not its client
_REDIRECTS = range(300, 400)
_NEW_TOKENS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


class Upstream:
    """One or several endpoints that serve the plain model.

    Args:
        base_urls: URLs before ``/chat/completions``, or endpoints with their own keys, headers and
            queries; one that refuses connections is skipped.
        api_key: sent as a bearer token; the environment's ``OPENAI_API_KEY`` by default.

    Raises:
        ConfigurationError: the key, or the environment's proxy or certificates, cannot be used.
    """

    def __init__(
        self, base_urls: Sequence[str | EndpointSpec], *, api_key: str | None = None
    ) -> None:
        endpoints = checked_endpoints(base_urls)
        headers = [endpoint_headers(one, api_key, {}) for one in endpoints]
        queries = [{} if isinstance(one, str) else one.secret_query for one in endpoints]
        self._secrets = Secrets(*headers, *queries)
        self._clients = {
            one if isinstance(one, str) else one.url: _open(one, own)
            for one, own in zip(endpoints, headers, strict=True)
        }
        self._urls = tuple(self._clients)
        self._turn = 0

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()

    async def alive(self) -> bool:
        """Whether an endpoint answers."""
        for url in self._urls:
            try:
                async with (
                    asyncio.timeout(_CONNECT_TIMEOUT_S),
                    self._clients[url].stream("GET", f"{url}/models") as reply,
                ):
                    if reply.is_success:
                        return True
            except (httpx.HTTPError, OSError, TimeoutError):
                continue
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
        """Forward a body and return the reply: status, body or stream.

        Args:
            path: appended to the base URL, such as ``/chat/completions``.
            body: sent unchanged.
            until: time of the loop's clock at which the answer must have ended.
            failed: called with an error in the middle of a stream.
            done: called at the end of a stream; not called for a whole reply.

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
                        return self._whole(reply, await read_body(reply, _WHOLE_BYTES))
                except BaseException:
                    await reply.aclose()
                    raise
        except TimeoutError:
            raise deadline_error() from None
        except (httpx.HTTPError, OSError, BrokenReplyError) as error:
            raise self._broken(error) from error

        def fail(error: ApiError) -> Iterator[bytes]:
            failed(error)
            yield b"\n\ndata: " + orjson.dumps(error.body()) + b"\n\n"

        return EventStream(self._events(reply, until, fail), until, fail, done)

    async def _send(self, path: str, body: bytes) -> httpx.Response:
        self._turn += 1
        start = self._turn % len(self._urls)
        for url in (*self._urls[start:], *self._urls[:start]):
            client = self._clients[url]
            request = client.build_request("POST", f"{url}{path}", content=body)
            try:
                return await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                _log.warning("%s cannot be reached (%s)", url, self._reason(error))
        raise ApiError(
            503,
            "the model cannot be reached just now; the server's log says why",
            code="engine_unavailable",
            retry_after_s=5,
        )

    def _whole(self, reply: httpx.Response, body: bytes) -> Response:
        """Return a reply as it is, but for a key of this server that it repeats."""
        headers = {name: reply.headers[name] for name in _PASSED_ON if name in reply.headers}
        return Response(self._secrets.hide_bytes(body), reply.status_code, headers)

    async def _events(
        self,
        reply: httpx.Response,
        until: float,
        fail: Callable[[ApiError], Iterator[bytes]],
    ) -> AsyncGenerator[bytes, None]:
        """Yield the upstream's chunks as they arrive; an error becomes an error event."""
        chunks = aiter(unpacked(reply, math.inf))
        try:
            while True:
                async with asyncio.timeout_at(until):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                yield chunk
        except TimeoutError:
            for event in fail(deadline_error()):
                yield event
        except (httpx.HTTPError, OSError, BrokenReplyError) as error:
            for event in fail(self._broken(error)):
                yield event
        finally:
            await reply.aclose()

    def _broken(self, error: Exception) -> ApiError:
        _log.warning("the connection to the upstream was lost: %s", self._reason(error))
        return ApiError(502, "the model's endpoint broke off; try again", code="upstream_failed")

    def _reason(self, error: Exception) -> str:
        return self._secrets.quote(str(error)) or type(error).__name__


def check_forwarded(body: dict[str, Any], limits: Limits) -> None:
    """Check the texts and new tokens of a request that is forwarded, as far as it gives numbers.

    Raises:
        ApiError: 400, more than ``limits.paths`` or ``limits.tokens``, or a number that endpoints
            read differently.
    """
    tokens = max((_whole_number(body, name) or 0 for name in _NEW_TOKENS), default=0)
    given = _whole_number(body, "n")
    n = 1 if given is None else given
    check_choices(n, limits)
    check_tokens(n, tokens, limits)


def _open(endpoint: str | EndpointSpec, headers: Mapping[str, str]) -> httpx.AsyncClient:
    """Open the client of one endpoint."""
    return open_client(
        headers,
        params=None if isinstance(endpoint, str) else dict(endpoint.query) or None,
        timeout=httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S),
        limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_S),
    )


def _whole_number(body: dict[str, Any], name: str) -> int | None:
    """Return a field's value; 3.0 is 3, and null is None."""
    value = body.get(name)
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not float(value).is_integer() or value < 0:
        raise ApiError(
            400,
            f"{name} is {abbreviate(value)}: it must be a whole number and not negative",
            code="invalid_value",
            param=name,
        )
    return int(value)


def _check(reply: httpx.Response) -> None:
    if reply.status_code in _OURS or reply.status_code in _REDIRECTS:
        _log.error(
            "%s answered %d: check the base URL and OPENAI_API_KEY",
            reply.request.url.copy_with(query=None),  # which may hold a key
            reply.status_code,
        )
        raise ApiError(
            503,
            "the model's endpoint refuses this server; the server's log says why",
            code="engine_unavailable",
        )
