"""Between an event loop, where requests are awaited, and one thread, where a model runs.

Requests go in through a queue that the thread empties between two steps; answers come back in
batches, one wake-up of the loop for each, so that neither side waits for the other's lock.
"""

from __future__ import annotations

import asyncio
import queue
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ThreadBridge", "settle"]

Job = TypeVar("Job")
Result = TypeVar("Result")


def settle(
    future: asyncio.Future[Result], result: Result | None = None, error: Exception | None = None
) -> None:
    """Settle a future from another thread; one that nobody awaits any more stays as it is."""

    def now() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    with suppress(RuntimeError):  # the loop was closed while the model was being loaded
        future.get_loop().call_soon_threadsafe(now)


class ThreadBridge(Generic[Job, Result]):
    """Jobs under names on their way to a thread, and their results on the way back.

    ``ask`` and ``fail`` belong to the event loop; ``take``, ``wanted``, ``listened``, ``tell``,
    ``answer`` and ``lose`` to the thread.
    """

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[tuple[str, Job | None] | None] = queue.SimpleQueue()
        self._waiting: dict[str, asyncio.Future[Result]] = {}
        self._hearing: dict[str, Callable[[str], None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: EngineError | None = None
        self.closing = False  # stop() was called
        self.closed = False  # the thread has read so

    async def ask(self, name: str, job: Job, hear: Callable[[str], None] | None = None) -> Result:
        """Send a job and wait for its result. A cancelled call tells the thread so.

        Args:
            name: of its own.
            job: goes to the thread.
            hear: is called here, in the loop, with each text that the thread tells under this
                name before the result.

        Raises:
            EngineError: the thread is lost, or the mailbox closed.
        """
        if self._error is not None:
            raise EngineError(str(self._error))
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = self._loop.create_future()
        self._waiting[name] = future
        if hear is not None:
            self._hearing[name] = hear
        self._inbox.put((name, job))
        try:
            return await future
        except asyncio.CancelledError:
            self._inbox.put((name, None))
            raise
        finally:
            del self._waiting[name]
            self._hearing.pop(name, None)

    def fail(self, error: EngineError) -> None:
        """Answer all that wait, and whoever asks later, with an error; the first one stays."""
        self._error = self._error or error
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(EngineError(str(self._error)))

    def stop(self) -> None:
        """Tell the thread to stop; all that still wait get an error. From any thread."""
        self.closing = True
        self._inbox.put(None)
        self.lose(EngineError("the engine was closed"))

    def take(self, timeout: float | None = 0.0) -> list[tuple[str, Job | None]]:
        """Return all jobs that have arrived, in order; a name with None is no longer wanted.

        Args:
            timeout: seconds to wait for the first one; None waits for ever.
        """
        taken: list[tuple[str, Job | None]] = []
        with suppress(queue.Empty):
            letter = self._inbox.get(timeout=timeout) if timeout != 0 else self._inbox.get_nowait()
            while letter is not None:
                taken.append(letter)
                letter = self._inbox.get_nowait()
            self.closed = True
        return taken

    def wanted(self, name: str) -> bool:
        """Whether someone still waits for this job."""
        return name in self._waiting

    def listened(self, name: str) -> bool:
        """Whether someone listens while this job is done."""
        return name in self._hearing

    def tell(self, texts: Sequence[tuple[str, str]]) -> None:
        """Tell texts to those who listen under these names."""
        if texts := [(name, text) for name, text in texts if self.listened(name)]:
            self._call(self._hear, texts)

    def answer(self, results: Sequence[tuple[str, Result]]) -> None:
        """Hand results back to the loop."""
        if results:
            self._call(self._deliver, results)

    def lose(self, error: EngineError) -> None:
        """Say that the thread ends: every job, waiting or yet to come, raises ``error``."""
        self._error = self._error or error  # here already, in case no loop is left to say it in
        self._call(self.fail, error)

    def _deliver(self, results: Sequence[tuple[str, Result]]) -> None:
        for name, result in results:
            future = self._waiting.get(name)
            if future is not None and not future.done():
                future.set_result(result)

    def _hear(self, texts: Sequence[tuple[str, str]]) -> None:
        for name, text in texts:
            if (hear := self._hearing.get(name)) is not None:
                hear(text)

    def _call(self, function: object, argument: object) -> None:
        # A loop that was closed has nobody left who waits.
        with suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function, argument)  # type: ignore[arg-type]
