"""The replay engine: generations that already exist, for re-voting and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.engines.base import Completion, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Recorded", "ReplayEngine"]

Recorded = str | Completion | None
"""A recorded generation: its text, all of its completion, or None for one that is missing."""


class ReplayEngine:
    """Answers each request with what was recorded for it, without a model.

    Args:
        responses: completions by request key, or a function of the request (for recordings that
            are keyed in another way, and for scripted tests). A text alone is a path that
            stopped by itself, with no tokens counted.
        fingerprint: identity of what generated the recording; paths are keyed by it.
        window: requests that it is best to keep in flight. They cost nothing here.
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
        """Give what was recorded; a request without a recording is a lost path.

        A recording's confidence is as it was measured then; the request's measure changes nothing.
        """
        found = self._find(request)
        if found is None:
            return Completion.lost("not recorded")
        return Completion(found, "stop") if isinstance(found, str) else found

    async def close(self) -> None:
        """Do nothing: nothing is held."""
