"""Tokens spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.bounds import MOST_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent, as the engine counted them.

    ``reasoning_tokens`` are those of the completion that were a thought.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    @classmethod
    def sum(cls, usages: Iterable[Usage]) -> Usage:
        """Add usages up.

        >>> Usage.sum([Usage(1, 2), Usage(3, 4, 1)])
        Usage(prompt_tokens=4, completion_tokens=6, reasoning_tokens=1)
        """
        prompt = completion = reasoning = 0
        for one in usages:
            prompt += one.prompt_tokens
            completion += one.completion_tokens
            reasoning += one.reasoning_tokens
        return cls(prompt, completion, reasoning)

    def clamped(self) -> Usage:
        """Return the usage with no count above ``MOST_TOKENS``, whatever a server says."""
        if max(self.prompt_tokens, self.completion_tokens, self.reasoning_tokens) <= MOST_TOKENS:
            return self
        return Usage(
            min(self.prompt_tokens, MOST_TOKENS),
            min(self.completion_tokens, MOST_TOKENS),
            min(self.reasoning_tokens, MOST_TOKENS),
        )

    def to_json(self) -> dict[str, int]:
        """Return plain values; reasoning tokens only where there are any."""
        values = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
        }
        if self.reasoning_tokens:
            values["reasoning_tokens"] = self.reasoning_tokens
        return values

    @property
    def total(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens
