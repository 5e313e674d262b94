"""Read the body of a request: a JSON object of bounded size, in bounded time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import ClientDisconnect

from clc.serving.errors import ApiError
from clc.serving.http.streaming import ClientGoneError

if TYPE_CHECKING:
    from starlette.requests import Request

    from clc.serving.settings import Limits

__all__ = ["read_object"]

# A client that is cut off while it sends may miss the reply, so a larger body is read and dropped.
_PATIENCE = 16


async def read_object(request: Request, limits: Limits) -> tuple[bytes, dict[str, Any]]:
    """Read the body; return its bytes and the JSON object.

    Raises:
        ApiError: 400 (not a JSON object), 408, 413 or 415.
        ClientGoneError: the client disconnected before the body was complete.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # browsers send other types without a preflight
        raise ApiError(
            415,
            f"the body is {kind or 'of no type'!r:.60}: send application/json",
            code="unsupported_media_type",
        )
    try:
        async with asyncio.timeout(limits.body_s):
            raw = await _read(request, limits.body_bytes)
    except TimeoutError:
        raise ApiError(
            408, f"the body took longer than {limits.body_s:g} s", code="deadline_exceeded"
        ) from None
    except ClientDisconnect:
        raise ClientGoneError from None
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"the body is not JSON: {error}", code="invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError(400, "the body is JSON, but no object", code="invalid_json")
    return raw, body


async def _read(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    total = int(declared) if declared.isdecimal() else 0
    if total > _PATIENCE * limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
        elif size > _PATIENCE * limit:
            raise _too_large(limit)
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _too_large(limit: int) -> ApiError:
    error = ApiError(
        413, f"the body is larger than {limit} bytes, the most this server takes",
        code="request_too_large",
    )  # fmt: skip
    error.headers["Connection"] = "close"
    return error
