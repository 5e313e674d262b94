"""Refusals that every request will meet: they end a run after a few."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clc.errors import EngineError

if TYPE_CHECKING:
    from clc.engines.base import Request

__all__ = ["Refusals"]

_FEWEST = 6
_FEWEST_PROMPTS = 3  # one prompt may be refused for its content
_CONTENT = re.compile(r"content[_ ]?(?:filter|management|policy)|safety|moderation", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")


@dataclass(slots=True)
class Refusals:
    """The refusals of an engine before its first completion.

    Attributes:
        works: a completion has arrived.
    """

    works: bool = False
    _counts: dict[str, int] = field(default_factory=dict)
    _prompts: dict[str, set[str]] = field(default_factory=dict)

    def add(self, url: str, reason: str, request: Request) -> None:
        """Count a refusal.

        Args:
            url: of the endpoint.
            reason: status and the server's words.
            request: that was refused.

        Raises:
            EngineError: several requests with several prompts were refused in the same words, and
                none was answered.
        """
        if self.works or _CONTENT.search(reason):
            return
        words = _DIGITS.sub("0", reason)
        self._counts[words] = count = self._counts.get(words, 0) + 1
        prompts = self._prompts.setdefault(words, set())
        prompts.add(str(request.messages))
        if count >= _FEWEST and len(prompts) >= _FEWEST_PROMPTS:
            raise EngineError(
                f"{url} refuses every request {reason}. Correct the setting that it names, and "
                "run the same command again: what was stored stays."
            )
