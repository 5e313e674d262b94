"""Read a completion that arrives as server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.engines.openai import reply_fields
from clc.engines.openai.error_bodies import read_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from clc.engines.base import Completion
    from clc.engines.openai.reply import ReplyReader

__all__ = ["UnfinishedStreamError", "read_stream"]

_END = b"[DONE]"
_LINE_BYTES = 1 << 22


class UnfinishedStreamError(reply_fields.BrokenReplyError):
    """A stream with a mark of its end and no finish reason.

    llama-cpp-python ends a stream so when the next request arrives, wherever it is.
    """

    def __init__(self) -> None:
        super().__init__("a stream that ends without a finish reason")


async def read_stream(
    chunks: AsyncIterator[bytes], reader: ReplyReader, on_event: Callable[[], None]
) -> Completion:
    """Read a streamed completion up to its end, or to where the reader leaves it.

    The caller closes the stream, which ends the completion at the server.

    Args:
        chunks: the bytes of the reply, cut anywhere.
        reader: takes the pieces.
        on_event: called at each event; comments that keep a connection alive are none.

    Raises:
        UnfinishedStreamError: its end is marked, and there is no finish reason.
        BrokenReplyError: the stream ends early, or is not one completion.
        NoLogprobsError: its tokens have no log-probabilities.
    """
    ended = False
    async for data in _data(chunks):
        on_event()
        if data == _END:
            ended = True
            break
        event = read_json(data)
        if isinstance(event, dict):
            if event.get("usage"):
                reader.usage = reply_fields.read_usage(event["usage"])
                reader.billing = reply_fields.read_billing(event["usage"])
            if not reader.source:
                reader.source = reply_fields.read_source(event)
            if event.get("choices") == [] and not event.get("error"):
                continue  # usage alone, at the end; Azure: filters alone, at the beginning
        choice = reply_fields.first_choice(event, data) or {}
        left = reader.add(choice, reply_fields.read_reply_message(choice, "delta") or {})
        if left and not reader.finish_reason:
            return reader.complete(left, counted=True)
    reason = reader.finish_reason
    if ended and not reason:
        raise UnfinishedStreamError
    if reason in {"", "abort", "error"}:  # vLLM, when it shuts down or loses its engine
        raise reply_fields.BrokenReplyError("a stream that ends early")
    # llama-cpp-python counts no tokens in streams
    return reader.complete(reason, counted=not reader.usage.completion_tokens)


async def _data(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the content of each ``data:`` line.

    Lines end with a line feed: a line separator (U+2028), where str.splitlines and so httpx cut,
    may stand inside JSON.

    Raises:
        BrokenReplyError: a line has more than 4 MiB.
    """
    parts: list[bytes] = []  # of the last line
    size = 0
    async for chunk in chunks:
        first, *lines = chunk.split(b"\n")
        parts.append(first)
        size += len(first)
        if size > _LINE_BYTES:
            raise reply_fields.BrokenReplyError(f"a line of more than {_LINE_BYTES:,} bytes")
        if not lines:
            continue
        *whole, last = lines
        for line in (b"".join(parts), *whole):
            if line.startswith(b"data:"):
                yield line.removeprefix(b"data:").strip()
        parts, size = [last], len(last)
    line = b"".join(parts)
    if line.startswith(b"data:"):
        yield line.removeprefix(b"data:").strip()
