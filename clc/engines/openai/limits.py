"""Bounds on what an endpoint may send; packed replies are unpacked within them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from clc.engines.openai.reply_fields import BrokenReplyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    import httpx

    from clc.engines.base import Request

__all__ = ["ACCEPT_ENCODING", "LIST_BYTES", "most_bytes", "read_body", "unpacked"]

ACCEPT_ENCODING = "gzip"
LIST_BYTES = 1 << 22  # of a list of models; OpenRouter's has 0.5 MB
_REPLY_BYTES = 1 << 22
# An event of a stream has one token in about 300 bytes, and 60 more for each likeliest token.
_TOKEN_BYTES = 1 << 11
_LIKELIEST_BYTES = 1 << 8
_UNLIMITED_TOKENS = 1 << 17  # where the request does not say how many tokens it wants
_PIECE = 1 << 16
_AUTO = zlib.MAX_WBITS | 32  # gzip's or zlib's header


def most_bytes(request: Request, left_out: Collection[str] = ()) -> int:
    """Return the most bytes of a reply to a request, streamed or not, unpacked."""
    tokens = _UNLIMITED_TOKENS if "max_tokens" in left_out else request.sampling.max_tokens
    likeliest = 0 if request.measure is None else request.measure.top_k
    return _REPLY_BYTES + tokens * (_TOKEN_BYTES + likeliest * _LIKELIEST_BYTES)


async def unpacked(response: httpx.Response, most: float) -> AsyncIterator[bytes]:
    """Yield the bytes of a reply as they arrive, unpacked; never more than ``most`` in all.

    Raises:
        BrokenReplyError: there are more, or they are packed in a way that was not asked for.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise BrokenReplyError(f"a body in the encoding {encoding!r:.40}, which was not asked for")
    packed = None if encoding in {"", "identity"} else zlib.decompressobj(_AUTO)
    left, arrived = most, False
    async for raw in response.aiter_raw():
        rest, arrived = raw, arrived or bool(raw)
        while rest:
            if packed is None:
                part, rest = rest, b""
            else:
                try:
                    part = packed.decompress(rest, int(min(left + 1, _PIECE)))
                except zlib.error as error:
                    raise BrokenReplyError(f"a body that cannot be unpacked ({error})") from None
                rest = packed.unconsumed_tail
            left -= len(part)
            if left < 0:
                raise BrokenReplyError(f"more than {most:,} bytes, the most that are read")
            if part:
                yield part
    if arrived and packed is not None and not packed.eof:
        raise BrokenReplyError("a body that cannot be unpacked (it ends early)")


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Read a whole reply.

    Raises:
        BrokenReplyError: it has more than ``most`` bytes, or cannot be unpacked.
    """
    return b"".join([part async for part in unpacked(response, most)])
