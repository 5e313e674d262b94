"""Rendered prompts, kept by their messages within a bound on their characters."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["PromptCache", "count_characters"]

_T = TypeVar("_T")
_Turns = tuple[tuple[str, str], ...]


class PromptCache(Generic[_T]):
    """The prompts used last; several threads may use it.

    Args:
        most: prompts that are kept.
        characters: of their messages together; the one used last is kept however long it is.
    """

    def __init__(self, most: int, characters: int) -> None:
        self._most = most
        self._characters = characters
        self._prompts: dict[_Turns, _T] = {}  # the one used last stands last
        self._size = 0
        self._lock = threading.Lock()

    def find(self, turns: _Turns) -> _T | None:
        """Return the prompt of these messages, None if it is not kept."""
        with self._lock:
            prompt = self._prompts.pop(turns, None)
            if prompt is not None:
                self._prompts[turns] = prompt
            return prompt

    def keep(self, turns: _Turns, prompt: _T) -> None:
        """Keep a prompt; those not used for longest give way."""
        with self._lock:
            if turns not in self._prompts:
                self._size += count_characters(turns)
            self._prompts[turns] = prompt
            while len(self._prompts) > 1 and (
                len(self._prompts) > self._most or self._size > self._characters
            ):
                oldest = next(iter(self._prompts))
                del self._prompts[oldest]
                self._size -= count_characters(oldest)


def count_characters(turns: _Turns) -> int:
    """Return the characters of all messages."""
    return sum(len(content) for _, content in turns)
