"""How many requests are worked on at a time, how many wait, and who is sent away."""

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
    """A bounded queue in order of arrival.

    Args:
        running: requests worked on at a time.
        waiting: requests that may wait for a place.
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
        """Hold a place; wait for it until the loop's clock shows ``until``.

        Raises:
            ApiError: 429 when the queue is full, 408 when the time is up.
        """
        self.check()
        self.waiting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._places.acquire()
        except TimeoutError:
            raise too_late() from None
        finally:
            self.waiting -= 1
        self.running += 1
        began = time.monotonic()
        try:
            yield
        finally:
            self.running -= 1
            self._places.release()
            self._mean_s += (1 - _MEMORY) * (time.monotonic() - began - self._mean_s)

    def _retry_after_s(self) -> int:
        """When about half of those who wait will have a place, in seconds."""
        rounds = self.waiting / (2 * self.limit)
        return max(1, min(_LONGEST_RETRY_S, math.ceil(rounds * self._mean_s)))


def too_late() -> ApiError:
    """Make the answer to a request whose time was up before there was anything to answer with."""
    return ApiError(
        408,
        "the deadline passed before one reasoning path was done; give a later deadline, fewer "
        "paths or a smaller max_tokens",
        code="deadline_exceeded",
        retry=False,
    )
