"""The engine protocol, and the records that cross it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from clc.engines.confidence import Measure
from clc.records import Confidence, Message, Sampling, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from clc.engines.chat_options import ChatOptions

__all__ = ["ChatEngine", "Completion", "Engine", "Measure", "NotingEngine", "Request",
           "ResizableEngine"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request for one completion.

    Attributes:
        key: the path's content key.
        messages: the chat so far.
        sampling: how to sample.
        seed: of this completion alone.
        measure: fill in ``Completion.confidence``. It costs throughput (on vLLM with a tiny model
            on a CPU 18 % for 20 likeliest tokens; half of it with stop strings) and changes no
            token.
        on_text: called in the event loop with each new piece of the text while it is sampled. The
            pieces, joined, are a prefix of the completion's text; the caller takes the rest from
            there. What may become a stop string is held back, and an engine that gets the text
            only at its end passes on no piece. It changes no token and must not raise.
        on_thought: the same for the thought of a thinking model, which is no part of the text.
        chat_options: how to ask the model to think, in place of the engine's own options (of a
            ``ChatEngine``).
    """

    key: str
    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int
    measure: Measure | None = None
    on_text: Callable[[str], None] | None = field(default=None, compare=False)
    on_thought: Callable[[str], None] | None = field(default=None, compare=False)
    chat_options: ChatOptions | None = None

    @property
    def is_streamed(self) -> bool:
        """Whether a caller wants the completion while it is sampled."""
        return self.on_text is not None or self.on_thought is not None


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion, or the reason why there is none.

    Attributes:
        text: the answer: what was sampled, without a thought and its marks.
        finish_reason: ``stop``, ``length``, ``abort`` or ``error``; ``content_filter`` for a
            refusal by an endpoint, which may have more.
        usage: tokens spent, those of the thought included.
        error: why the path is lost, with ``finish_reason`` ``error``; the run goes on without it.
        confidence: measured where the request has a ``measure``, over thought and text.
        thought: what a thinking model wrote before its answer, as it wrote it.
        closed: whether the thought ended; None where there is none.
        cached_tokens: of the prompt, those that the endpoint had cached.
        cost: what the endpoint says that it costs, in its currency; None where it does not.
    """

    text: str
    finish_reason: str
    usage: Usage = Usage()  # noqa: RUF009 - frozen
    error: str | None = None
    confidence: Confidence | None = None
    thought: str = ""
    closed: bool | None = None
    cached_tokens: int = 0
    cost: float | None = None

    @classmethod
    def lost(cls, reason: str) -> Completion:
        """Make the completion of a path that was lost for ``reason``."""
        return cls("", "error", error=reason)


@runtime_checkable
class Engine(Protocol):
    """Anything that completes requests.

    Attributes:
        fingerprint: identity of what generates (engine, model, revision). It is part of every
            path's key, is known before ``start``, and does not load the model.
        window: how many requests it is best to keep in flight.
    """

    @property
    def fingerprint(self) -> str:
        """Identity of what generates."""
        ...

    @property
    def window(self) -> int:
        """Requests to keep in flight."""
        ...

    async def start(self) -> None:
        """Load the model. Called once, before the first ``complete``.

        Raises:
            EngineError: it cannot start; the message says why and what to do.
        """

    async def complete(self, request: Request) -> Completion:
        """Complete one request; cancelling the call aborts it in the engine.

        Raises:
            EngineError: the engine itself is lost. One lost path is a ``Completion.lost``.
        """

    async def close(self) -> None:
        """Free everything. May be called twice, or without ``start``."""


@runtime_checkable
class ChatEngine(Engine, Protocol):
    """An engine that takes chat options with each request.

    Its ``start`` may be called several times, and loads the model once.

    Attributes:
        chat_options: of requests without their own.
    """

    @property
    def chat_options(self) -> ChatOptions:
        """Options of requests without their own."""
        ...

    def fingerprint_with(self, options: ChatOptions) -> str:
        """Return the fingerprint of requests with these options."""
        ...

    def check_options(self, options: ChatOptions) -> None:
        """Check the options of later requests; called after ``start``.

        Raises:
            ConfigurationError: the model's chat template does not take them.
        """


@runtime_checkable
class NotingEngine(Engine, Protocol):
    """An engine that notes how its requests differed from what was asked for."""

    def notes(self) -> dict[str, Any]:
        """Return the notes so far as JSON values, {} for none."""
        ...


@runtime_checkable
class ResizableEngine(Engine, Protocol):
    """An engine whose longest sequence may be another when a run goes on.

    Attributes:
        max_model_len: longest prompt and completion together, in tokens; None for the model's own.
    """

    @property
    def max_model_len(self) -> int | None:
        """Longest prompt and completion together, in tokens."""
        ...

    def keep_fingerprint(self, stored: str, lengths: Iterable[int | None]) -> None:
        """Take the fingerprint ``stored`` if this engine had it with one of the ``lengths``.

        What it sampled under that length stays valid: the length only cuts a text off.
        """
