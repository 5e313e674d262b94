"""What an engine is: the records that cross the seam, and the protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from clc.engines.confidence import Measure
from clc.records import Confidence, Message, Sampling, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Completion", "Engine", "Measure", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One completion that is wanted. ``key`` is the path's content key.

    With ``measure`` the completion has a ``confidence``. It costs throughput (on vLLM with a tiny
    model on a CPU 18 % for 20 likeliest tokens; half of it with stop strings) and changes no token.

    ``heard`` is called in the event loop with each new piece of the text while it is drawn. The
    pieces, joined, are a beginning of the completion's text, and whoever listens takes the rest
    from there: what may become a stop string is held back, and an engine that learns of the text
    only at its end tells no piece. It changes nothing in what is drawn and must not raise.
    """

    key: str
    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int
    measure: Measure | None = None
    heard: Callable[[str], None] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. ``finish_reason`` is ``stop``, ``length``, ``abort`` or ``error``.

    With ``error`` the path is lost, ``error`` says why, and the run goes on without it.
    """

    text: str
    finish_reason: str
    usage: Usage = Usage()  # noqa: RUF009 - frozen
    error: str | None = None
    confidence: Confidence | None = None

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
