"""An engine and its window, shared by whoever solves over it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from clc.engines.base import Completion, Engine, Request

__all__ = ["SharedEngine"]


class SharedEngine:
    """Starts an engine at first use and never asks it for more than it wants.

    What does not fit the engine's window waits. Whoever waits is served in turn, one request
    each, so that an owner with many requests does not keep out one with few; the requests of one
    owner are served in the order in which they came.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.in_flight = 0
        self.start_seconds = 0.0  # what starting the engine took
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        self._starting: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Requests that wait for a place in the window."""
        return sum(len(queue) for queue in self._waiting.values())

    async def start(self) -> None:
        """Start the engine, or wait until it has started.

        Raises:
            EngineError: it cannot start.
        """
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        if not self._starting.done():
            await asyncio.shield(self._starting)
        self._starting.result()

    async def complete(self, request: Request, owner: Hashable = None) -> Completion:
        """Complete a request when there is room; cancelling the call aborts it.

        Raises:
            EngineError: the engine is lost.
        """
        await self._enter(owner)
        try:
            await self.start()
            return await self.engine.complete(request)
        finally:
            self.in_flight -= 1
            self._admit()

    async def close(self) -> None:
        """Stop a start that is still going on, then close the engine."""
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self.engine.close()

    async def _start(self) -> None:
        began = time.monotonic()
        await self.engine.start()
        self.start_seconds = time.monotonic() - began

    async def _enter(self, owner: Hashable) -> None:
        if not self._waiting and self.in_flight < self.engine.window:
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        self._admit()  # a window may have grown when its engine started
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # admitted just now: hand the place on
                self.in_flight -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        """Give free places to whoever waits, one owner after the other."""
        while self._waiting and self.in_flight < self.engine.window:
            owner, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # at the end: the others are next
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
