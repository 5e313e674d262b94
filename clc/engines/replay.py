"""The replay engine: answers requests with recorded generations, for re-voting and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.engines.base import Completion, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Recorded", "ReplayEngine"]

Recorded = str | Completion | None
"""A recorded generation: its text, all of its completion, or None for one that is missing."""


class ReplayEngine:
    """An engine that returns recorded completions, without a model.

    Args:
        responses: completions by request key, or a function of the request (for recordings that
            are keyed in another way, and for scripted tests). A text alone is a path that
            stopped by itself, with no tokens counted.
        fingerprint: identity of what generated the recording; paths are keyed by it.
        window: requests to keep in flight; they cost nothing here.
    """

    __slots__ = ("_find", "fingerprint", "window")

    def __init__(
        self,
        responses: Mapping[str, str | Completion] | Callable[[Request], Recorded],
        *,
        fingerprint: str = "replay",
        window: int = 256,
    ) -> None:
        self.fingerprint = fingerprint
        self.window = window
        self._find: Callable[[Request], Recorded] = (
            responses if callable(responses) else lambda request: responses.get(request.key)
        )

    async def start(self) -> None:
        """Do nothing: there is no model to load."""

    async def complete(self, request: Request) -> Completion:
        """Return the recorded completion; a request without one is a lost path.

        A recording keeps its confidence; the request's measure changes nothing.
        """
        recorded = self._find(request)
        if recorded is None:
            return Completion.lost("not recorded")
        return Completion(recorded, "stop") if isinstance(recorded, str) else recorded

    async def close(self) -> None:
        """Do nothing: there is nothing to free."""
