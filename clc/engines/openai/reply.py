"""Put a completion together from a reply, whole or in pieces: its thought, text and confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion
from clc.engines.confidence import Meter
from clc.engines.deltas import DeltaStream
from clc.engines.openai import wire
from clc.records import Usage
from clc.thoughts import split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.engines.base import Request
    from clc.thoughts import Marks

__all__ = ["ReplyReader"]

_REFUSED = "content_filter"
_REASON_CHARS = 64  # a longer finish reason is none


class ReplyReader:
    """Reads the one choice of a reply, whole or in pieces, and makes its completion.

    A thought comes in a field of its own (``reasoning``, ``reasoning_content``), as a part of the
    content (Mistral), or within the text between marks.

    Args:
        request: what was sent.
        marks: the marks of thoughts.
        opened: the prompt ends inside a thought.
        prompt_tokens: an estimate, for a completion that is left before the server counts it.

    Attributes:
        usage: tokens, as far as the server has counted them.
        finish_reason: the server's, or ''.
        opened_by_prompt: the text closes a thought that it did not open.
        started: some text or thought has arrived.
        passed_on: a listener got some of it.
    """

    def __init__(
        self, request: Request, marks: Marks, *, opened: bool = False, prompt_tokens: int = 0
    ) -> None:
        self.usage = Usage()
        self.finish_reason = ""
        self.opened_by_prompt = False
        self._measure = request.measure
        self._meter = None if request.measure is None else Meter(request.measure)
        self._marks = marks
        self._opened = opened
        self._prompt_tokens = prompt_tokens
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._stream: DeltaStream | None = None
        if request.is_streamed:
            self._stream = DeltaStream(
                marks, opened=opened, on_text=request.on_text, on_thought=request.on_thought
            )

    @property
    def started(self) -> bool:
        """Whether some text or thought has arrived."""
        return bool(self._content or self._reasoning)

    @property
    def passed_on(self) -> bool:
        """Whether a listener got some of it."""
        return self._stream is not None and self._stream.started

    def add(self, choice: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
        """Read the next piece, or all, of a choice; return whether it fell below the floor.

        Raises:
            NoLogprobsError: it is to be measured and has no log-probabilities.
        """
        content = message.get("content")
        text, reasoning = wire.read_text(content), wire.read_reasoning(message)
        for part, parts in (
            (text, self._content),
            (reasoning, self._reasoning),
            (message.get("refusal"), self._refusal),
        ):
            if isinstance(part, str) and part:
                parts.append(part)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and 0 < len(reason) <= _REASON_CHARS:
            self.finish_reason = reason
        if self._stream is not None:
            self._stream.think(reasoning)
            self._stream.add(text)
        if self._meter is None:
            return False
        for likeliest, sampled in wire.read_tokens(choice):
            self._meter.add(likeliest, sampled)
        if self._content and not self._meter.tokens:
            raise wire.NoLogprobsError
        return self._meter.fell

    def complete(self, finish_reason: str) -> Completion:
        """Return the completion of what was read."""
        content, reasoning = "".join(self._content), "".join(self._reasoning)
        # A server that splits the thought off has closed what the prompt began.
        opened = self._opened and not reasoning
        thought, visible, closed = split(
            content, self._marks, opened=opened, finish_reason=finish_reason
        )
        if reasoning:
            closed = bool(visible.strip()) or finish_reason not in {"length", "abort"}
            thought = reasoning + thought
        elif closed:
            self.opened_by_prompt = not self._opened and self._begins_inside(content, thought)
        elif closed is None and finish_reason == "length" and self.usage.reasoning_tokens:
            # The model thought, and nothing shows where the thought ended: no part is an answer.
            thought, visible, closed = content, "", False
        if refusal := "".join(self._refusal):
            visible, finish_reason = visible or refusal, _REFUSED
        return Completion(
            visible.lstrip() if closed else visible,
            finish_reason,
            self._counted(finish_reason),
            confidence=None if self._meter is None else self._meter.confidence,
            thought=thought,
            closed=closed,
        )

    def _begins_inside(self, content: str, thought: str) -> bool:
        start = content.lstrip().casefold()
        opens = (mark.casefold() for family in self._marks.families for mark in
                 (*family.open, *family.bare_open))  # fmt: skip
        return content.startswith(thought) and not start.startswith(tuple(opens))

    def _counted(self, finish_reason: str) -> Usage:
        if finish_reason == "abort" and self._meter is not None:
            return Usage(self._prompt_tokens, self._meter.tokens)
        return self.usage
