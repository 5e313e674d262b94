"""The queue of requests: how many run, how many wait, and who gets 429."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from clc.serving.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Admission"]

_LONGEST_RETRY_S = 60
_MEMORY = 0.9  # of the mean over past requests


class Admission:
    """A bounded first-in, first-out queue.

    Args:
        running: requests answered at a time.
        waiting: requests that may wait.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self.limit = running
        self.running = 0
        self.waiting = 0
        self._most_waiting = waiting
        self._places = asyncio.Semaphore(running)
        self._mean_s = 1.0

    def check(self) -> None:
        """Raise ApiError (429) when the queue is full."""
        if self._places.locked() and self.waiting >= self._most_waiting:
            raise ApiError(
                429,
                f"{self.running} requests are being answered and {self.waiting} wait already; "
                "try again later",
                code="queue_full",
                retry_after_s=self._retry_after_s(),
            )

    @asynccontextmanager
    async def place(self, until: float) -> AsyncIterator[None]:
        """Hold a place; wait for it until ``until`` by the loop's clock.

        Raises:
            ApiError: 429 when the queue is full, 408 when the deadline passes.
        """
        self.check()
        self.waiting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._places.acquire()
        except TimeoutError:
            raise deadline_error() from None
        finally:
            self.waiting -= 1
        self.running += 1
        started = time.monotonic()
        try:
            yield
        finally:
            self.running -= 1
            self._places.release()
            self._mean_s += (1 - _MEMORY) * (time.monotonic() - started - self._mean_s)

    def _retry_after_s(self) -> int:
        """Estimate the seconds until half of the waiting requests have a place."""
        rounds = self.waiting / (2 * self.limit)
        return max(1, min(_LONGEST_RETRY_S, math.ceil(rounds * self._mean_s)))


def deadline_error() -> ApiError:
    """Make the error for a request whose deadline passed before a path was done."""
    return ApiError(
        408,
        "the deadline passed before one reasoning path was done; give a later deadline, fewer "
        "paths or a smaller max_tokens",
        code="deadline_exceeded",
        retry=False,
    )
