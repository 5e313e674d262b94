"""A bridge between an event loop, where requests are awaited, and one thread that runs a model.

Jobs go in through a queue that the thread empties between two steps. Results come back in
batches, one wake-up of the loop for each batch, so that neither side waits for the other's lock.
"""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ThreadBridge", "settle"]

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")
_Event = TypeVar("_Event")


def settle(
    future: asyncio.Future[_Result], result: _Result | None = None, error: Exception | None = None
) -> None:
    """Settle a future from another thread; a future that is done already stays as it is."""

    def now() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    with suppress(RuntimeError):  # the loop was closed while the model was loading
        future.get_loop().call_soon_threadsafe(now)


class ThreadBridge(Generic[_Job, _Result, _Event]):
    """Named jobs on their way to a thread, and their results on the way back.

    ``start``, ``submit`` and ``stop`` belong to the event loop; ``take``, ``is_wanted``,
    ``has_listener``, ``publish``, ``resolve`` and ``fail`` to the thread.

    Attributes:
        closing: ``stop`` was called.
        closed: the thread has seen that ``stop`` was called.
    """

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[tuple[str, _Job | None] | None] = queue.SimpleQueue()
        self._waiting: dict[str, asyncio.Future[_Result]] = {}
        self._listeners: dict[str, Callable[[_Event], None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: EngineError | None = None
        self._thread: threading.Thread | None = None
        self._join_s = 0.0
        self.closing = False
        self.closed = False

    def start(self, target: Callable[..., None], *args: Any, name: str, join_s: float) -> None:
        """Start the thread; it is also stopped at the interpreter's exit.

        Args:
            target: what the thread runs; it returns once ``closed`` is true.
            args: the target's arguments.
            name: of the thread.
            join_s: seconds that ``stop`` waits for the thread to end.
        """
        self._join_s = join_s
        self._thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Stop the thread and fail all pending requests. Blocks; may be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.closing = True
        self._inbox.put(None)
        self.fail(EngineError("the engine was closed"))
        thread.join(self._join_s)
        atexit.unregister(self.stop)

    async def submit(
        self, name: str, job: _Job, listener: Callable[[_Event], None] | None = None
    ) -> _Result:
        """Send a job and wait for its result; a cancelled call withdraws the job.

        Args:
            name: unique among all jobs.
            job: goes to the thread.
            listener: called in the loop with each event published under this name before the
                result.

        Raises:
            EngineError: the thread died or was stopped.
        """
        if self._error is not None:
            raise EngineError(str(self._error))
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = self._loop.create_future()
        self._waiting[name] = future
        if listener is not None:
            self._listeners[name] = listener
        self._inbox.put((name, job))
        try:
            return await future
        except asyncio.CancelledError:
            self._inbox.put((name, None))
            raise
        finally:
            del self._waiting[name]
            self._listeners.pop(name, None)

    def take(self, timeout: float | None = 0.0) -> list[tuple[str, _Job | None]]:
        """Return all jobs that have arrived, in order; a name with None withdraws that job.

        Args:
            timeout: seconds to wait for the first one; None waits for ever.
        """
        taken: list[tuple[str, _Job | None]] = []
        with suppress(queue.Empty):
            item = self._inbox.get(timeout=timeout) if timeout != 0 else self._inbox.get_nowait()
            while item is not None:
                taken.append(item)
                item = self._inbox.get_nowait()
            self.closed = True
        return taken

    def is_wanted(self, name: str) -> bool:
        """Whether a caller still waits for this job."""
        return name in self._waiting

    def has_listener(self, name: str) -> bool:
        """Whether a caller listens while this job runs."""
        return name in self._listeners

    def publish(self, events: Sequence[tuple[str, _Event]]) -> None:
        """Pass events on to the listeners under these names."""
        if events := [(name, event) for name, event in events if self.has_listener(name)]:
            self._call(self._notify, events)

    def resolve(self, results: Sequence[tuple[str, _Result]]) -> None:
        """Hand results back to the loop."""
        if results:
            self._call(self._deliver, results)

    def fail(self, error: EngineError) -> None:
        """Fail all pending and future requests; the first error wins. From any thread."""
        self._error = self._error or error  # set here, in case no loop is left to deliver it
        self._call(self._fail_pending, error)

    def _deliver(self, results: Sequence[tuple[str, _Result]]) -> None:
        for name, result in results:
            future = self._waiting.get(name)
            if future is not None and not future.done():
                future.set_result(result)

    def _fail_pending(self, error: EngineError) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(EngineError(str(self._error or error)))

    def _notify(self, events: Sequence[tuple[str, _Event]]) -> None:
        for name, event in events:
            if (listener := self._listeners.get(name)) is not None:
                listener(event)

    def _call(self, function: object, argument: object) -> None:
        # A closed loop has no waiting callers left.
        with suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function, argument)  # type: ignore[arg-type]
