"""Put a completion together from a reply, whole or in pieces: its thought, text and confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion
from clc.engines.confidence import Meter
from clc.engines.deltas import DeltaStream, find_stop
from clc.engines.openai import reply_fields
from clc.records import Usage
from clc.thoughts import Split, split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        stops: stop strings that the server was not given, because it would find them in thoughts.
        may_open: it is not known whether the prompt ends inside a thought, so that a stop string
            ends the reading only after one.

    Attributes:
        usage: tokens, as far as the server has counted them.
        billing: cached tokens of the prompt, and the cost, as far as the server gives them.
        source: names and values of what replied: model, fingerprint, provider.
        finish_reason: the server's, or ''.
        opened_by_prompt: the text closes a thought that it did not open.
        started: some text or thought has arrived.
        passed_on: a listener got some of it.
    """

    def __init__(
        self,
        request: Request,
        marks: Marks,
        *,
        opened: bool = False,
        prompt_tokens: int = 0,
        stops: Sequence[str] = (),
        may_open: bool = False,
    ) -> None:
        self.usage = Usage()
        self.billing: tuple[int, float | None] = (0, None)
        self.source: tuple[tuple[str, str], ...] = ()
        self.finish_reason = ""
        self.opened_by_prompt = False
        self._measure = request.measure
        self._meter = None if request.measure is None else Meter(request.measure)
        self._marks = marks
        self._opened = opened
        self._prompt_tokens = prompt_tokens
        self._stops = stops
        self._may_open = may_open
        self._pieces = self._thought_pieces = 0
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._stream: DeltaStream | None = None
        if request.is_streamed or stops:
            self._stream = DeltaStream(
                marks,
                opened=opened,
                on_text=request.on_text,
                on_thought=request.on_thought,
                stops=stops,
            )

    @property
    def started(self) -> bool:
        """Whether some text or thought has arrived."""
        return bool(self._content or self._reasoning)

    @property
    def passed_on(self) -> bool:
        """Whether a listener got some of it."""
        return self._stream is not None and self._stream.started

    def add(self, choice: Mapping[str, Any], message: Mapping[str, Any]) -> str:
        """Read the next piece, or all, of a choice.

        Returns:
            The reason to leave the rest: ``abort`` below the measure's floor, ``stop`` after a stop
            string, '' for none.

        Raises:
            NoLogprobsError: it is to be measured and has no log-probabilities.
        """
        content = message.get("content")
        text, reasoning = reply_fields.read_text(content), reply_fields.read_reasoning(message)
        for part, parts in (
            (text, self._content),
            (reasoning, self._reasoning),
            (message.get("refusal"), self._refusal),
        ):
            if isinstance(part, str) and part:
                parts.append(part)
        self._pieces += bool(text or reasoning)
        self._thought_pieces += bool(reasoning)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and 0 < len(reason) <= _REASON_CHARS:
            self.finish_reason = reason
        if self._stream is not None:
            self._stream.think(reasoning)
            self._stream.add(text)
        if self._meter is not None:
            for likeliest, sampled in reply_fields.read_tokens(choice):
                self._meter.add(likeliest, sampled)
            if self._content and not self._meter.tokens:
                raise reply_fields.NoLogprobsError
            if self._meter.fell:
                return "abort"
        stream = self._stream
        if stream is None or not stream.stopped:
            return ""
        return "stop" if stream.thought_seen or not self._may_open else ""

    def complete(self, finish_reason: str, *, counted: bool = False) -> Completion:
        """Return the completion of what was read; ``counted``: with the tokens that arrived."""
        content, reasoning = "".join(self._content), "".join(self._reasoning)
        # A server that splits the thought off has closed what the prompt began.
        self._opened = self._opened and not reasoning
        thought, visible, closed = self._split(content, finish_reason)
        if (end := self._find_stop(content, thought, apart=bool(reasoning))) is not None:
            content, finish_reason = content[:end], "stop"
            thought, visible, closed = self._split(content, finish_reason)
        if reasoning:
            closed = bool(visible.strip()) or finish_reason not in {"length", "abort"}
            thought = reasoning + thought
        elif closed:
            self.opened_by_prompt = self._began_inside(content, thought)
        elif closed is None and finish_reason == "length" and self.usage.reasoning_tokens:
            # The model thought, and nothing shows where the thought ended: no part is an answer.
            thought, visible, closed = content, "", False
        if refusal := "".join(self._refusal):
            visible, finish_reason = visible or refusal, _REFUSED
        return Completion(
            visible.lstrip() if closed else visible,
            finish_reason,
            self._counted() if counted else self.usage,
            confidence=None if self._meter is None else self._meter.confidence,
            thought=thought,
            closed=closed,
            cached_tokens=self.billing[0],
            cost=self.billing[1],
        )

    def _split(self, content: str, finish_reason: str) -> Split:
        return split(content, self._marks, opened=self._opened, finish_reason=finish_reason)

    def _find_stop(self, content: str, thought: str, *, apart: bool) -> int | None:
        """Return where the content ends at a stop string that the server was not given."""
        if not self._stops:
            return None
        opened = self._opened or (bool(thought) and self._began_inside(content, thought))
        low = len(content) - len(content.lstrip()) if apart else 0
        return find_stop(content, self._stops, self._marks, opened=opened, low=low)

    def _began_inside(self, content: str, thought: str) -> bool:
        """Whether the content closes a thought that neither it nor a known prompt opened."""
        if self._opened:
            return False
        start = content.lstrip().casefold()
        opens = (mark.casefold() for family in self._marks.families for mark in
                 (*family.open, *family.bare_open))  # fmt: skip
        return content.startswith(thought) and not start.startswith(tuple(opens))

    def _counted(self) -> Usage:
        """Return the tokens of a completion without the server's count: one for each event."""
        prompt = self.usage.prompt_tokens or self._prompt_tokens
        if self._meter is not None:
            return Usage(prompt, self._meter.tokens)
        if self.usage.completion_tokens:
            return self.usage
        return Usage(prompt, self._pieces, self._thought_pieces)
