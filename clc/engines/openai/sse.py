"""A completion that arrives in pieces, as server-sent events, and may be left before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion
from clc.engines.confidence import Measure, Meter
from clc.engines.openai import wire
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["read_stream"]

_END = b"[DONE]"


async def read_stream(
    chunks: AsyncIterator[bytes], measure: Measure, prompt_tokens: int
) -> Completion:
    """Read a streamed completion, up to its end or to where it falls under the measure's floor.

    The caller closes the stream, which ends the completion at the server.

    Args:
        chunks: the bytes of the reply, cut anywhere.
        measure: how its confidence is measured.
        prompt_tokens: an estimate, for a completion that is left before the server counts it.

    Raises:
        wire.BrokenReplyError: the stream ends early, or is not one completion.
        wire.NoLogprobsError: its tokens have no log-probabilities.
    """
    meter, text, finish_reason, usage = Meter(measure), "", "", Usage()
    async for data in _data(chunks):
        if data == _END:
            break
        piece = wire.read_json(data)
        if isinstance(piece, dict):
            usage = wire.read_usage(piece["usage"]) if piece.get("usage") else usage
            if piece.get("choices") == [] and not piece.get("error"):
                continue  # usage alone, at the end; Azure: filters alone, at the beginning
        choice = wire.read_choice(piece, data) or {}
        delta = choice.get("delta")
        text += wire.read_text(delta.get("content")) if isinstance(delta, dict) else ""
        fell = _take(meter, choice)
        finish_reason = choice.get("finish_reason") or finish_reason
        if text and not meter.tokens:
            raise wire.NoLogprobsError
        if fell and not finish_reason:
            spent = Usage(prompt_tokens, meter.tokens)
            return Completion(text, "abort", spent, confidence=meter.confidence)
    if not finish_reason or finish_reason in {"abort", "error"}:
        raise wire.BrokenReplyError(f"a stream that ends early, after {meter.tokens} tokens")
    return Completion(text, finish_reason, usage, confidence=meter.confidence)


def _take(meter: Meter, choice: dict[str, Any]) -> bool:
    """Take in all tokens of a piece: its text cannot be cut between them."""
    for likeliest, sampled in wire.read_tokens(choice):
        meter.add(likeliest, sampled)
    return meter.fell


async def _data(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what stands on each ``data:`` line.

    Lines end with a line feed: a line separator (U+2028), where str.splitlines and so httpx cut,
    may stand inside JSON.
    """
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line.removeprefix(b"data:").strip()
    if rest.startswith(b"data:"):
        yield rest.removeprefix(b"data:").strip()
