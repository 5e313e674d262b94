"""An engine shared by many callers, with a limit on requests in flight and fair queueing."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from clc.engines.adjusted import AdjustedEngine

if TYPE_CHECKING:
    from collections.abc import Hashable

    from clc.engines.base import ChatEngine, Completion, Engine, Request
    from clc.engines.chat_options import ChatOptions

__all__ = ["SharedEngine"]


class SharedEngine:
    """Starts an engine at its first request and keeps at most ``window`` requests in flight.

    Requests beyond the window wait. Owners are served in turn, one request each, so that an owner
    with many requests does not keep out one with few; the requests of one owner are served in the
    order of their arrival.

    Attributes:
        engine: the engine.
        in_flight: requests in the engine.
        start_seconds: seconds that starting the engine took.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.in_flight = 0
        self.start_seconds = 0.0
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        self._starting: asyncio.Task[None] | None = None

    @property
    def fingerprint(self) -> str:
        """Identity of what generates."""
        return self.engine.fingerprint

    @property
    def window(self) -> int:
        """Requests to keep in flight; may grow when the engine starts."""
        return self.engine.window

    @property
    def waiting(self) -> int:
        """Requests that wait for room in the window."""
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

    def with_options(self, options: ChatOptions | None) -> SharedEngine:
        """Return this engine with other chat options, in the same queue; None stands for its own.

        Closing what is returned leaves this engine open.
        """
        return self if options is None else _WithOptions(self, options)

    async def close(self) -> None:
        """Cancel a start in progress, then close the engine."""
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self.engine.close()

    async def _start(self) -> None:
        started = time.monotonic()
        await self.engine.start()
        self.start_seconds = time.monotonic() - started

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
            if turn.done() and not turn.cancelled():  # admitted just now: free the slot again
                self.in_flight -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        """Give free slots to waiting requests, one owner after the other."""
        while self._waiting and self.in_flight < self.engine.window:
            owner, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # at the end: the others are next
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)


class _WithOptions(SharedEngine):
    """A shared engine with other chat options, in the queue of the first."""

    def __init__(self, shared: SharedEngine, options: ChatOptions) -> None:
        super().__init__(AdjustedEngine(cast("ChatEngine", shared.engine), options))
        self._shared = shared
        self._options = options

    async def start(self) -> None:
        """Start the engine, and check the options.

        Raises:
            EngineError: it cannot start.
            ConfigurationError: the model's chat template does not take the options.
        """
        await self._shared.start()
        await super().start()

    async def complete(self, request: Request, owner: Hashable = None) -> Completion:
        """Complete a request in the queue that is shared.

        Raises:
            EngineError: the engine is lost.
        """
        await self.start()
        options = request.chat_options or self._options
        return await self._shared.complete(replace(request, chat_options=options), owner)

    async def close(self) -> None:
        """Leave the engine open."""
