"""Track work in progress to find the problem that crashes its replica.

A replica that dies cannot report why. It therefore registers work before it starts and removes it
when it is done: work that is registered twice was running in a replica that died.
"""

from __future__ import annotations

from collections import Counter

__all__ = ["BATCH_TRIES", "PROBLEM_TRIES", "Ledger"]

BATCH_TRIES = 2  # a node may be preempted once; then the batch's problems run one by one
PROBLEM_TRIES = 2
_STARTS = 8  # of one replica in a row with nothing done: more than one bad problem causes


class Ledger:
    """Counts how often each piece of unfinished work was started. One actor for a run.

    Args:
        replicas: number of replicas.
    """

    def __init__(self, replicas: int) -> None:
        self._most_starts = _STARTS * replicas
        self._started: Counter[str] = Counter()
        self._starts = 0
        self._spent = 0.0
        self._reason = "a replica's process ended without an error (out of memory?)"

    def start(self) -> str | None:
        """Register the start of a replica; return the reason to give up, if there is one."""
        self._starts += 1
        if self._starts <= self._most_starts:
            return None
        return f"replicas were lost {self._most_starts} times in a row: {self._reason}"

    def take(self, name: str) -> int:
        """Register the start of a piece of work; return how often it was started, with this."""
        self._started[name] += 1
        return self._started[name]

    def done(self, name: str) -> None:
        """Remove finished work."""
        self._started.pop(name, None)
        self._starts = 0

    def lost(self, reason: str) -> None:
        """Note why a replica gives up."""
        self._reason = reason

    def spend(self, cost: float) -> float:
        """Add what a replica spent; return what all spent in this call."""
        self._spent += cost
        return self._spent

    def reason(self) -> str:
        """Return why the last replica was lost."""
        return self._reason
