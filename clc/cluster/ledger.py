"""Who has what in hand: how a problem that takes its replica with it is found out.

A replica that dies cannot say why. So it says before what it takes in hand, and what it has done
after; what is taken a second time was in the hands of one that died. Only what is in hand is kept.
"""

from __future__ import annotations

from collections import Counter

__all__ = ["BATCH_TRIES", "PROBLEM_TRIES", "Ledger"]

BATCH_TRIES = 2  # a machine may be taken away once; after that the batch is looked at one by one
PROBLEM_TRIES = 2
_STARTS = 8  # of a replica, in a row, without anything done: more than one bad problem takes


class Ledger:
    """Counts what is taken and not done. One for a run, in a process of its own.

    Args:
        replicas: how many replicas there are.
    """

    def __init__(self, replicas: int) -> None:
        self._most_starts = _STARTS * replicas
        self._taken: Counter[str] = Counter()
        self._starts = 0
        self._last_words = "a replica's process ended without a word (out of memory?)"

    def start(self) -> str | None:
        """Note that a replica starts; return why none should any more, where that is so."""
        self._starts += 1
        if self._starts <= self._most_starts:
            return None
        return f"replicas were lost {self._most_starts} times in a row: {self._last_words}"

    def take(self, name: str) -> int:
        """Note that something is taken in hand; return how often it was, this time included."""
        self._taken[name] += 1
        return self._taken[name]

    def done(self, name: str) -> None:
        """Forget what is done."""
        self._taken.pop(name, None)
        self._starts = 0

    def lost(self, words: str) -> None:
        """Note why a replica gives up."""
        self._last_words = words

    def last_words(self) -> str:
        """Return why a replica was lost last."""
        return self._last_words
