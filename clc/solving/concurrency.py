"""Coroutines together, and an async generator from ordinary code."""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from clc.errors import ClcError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence

__all__ = ["all_of", "in_reading_thread", "iterate"]


_T = TypeVar("_T")
POLL_SECONDS = 0.02


def iterate(
    make: Callable[[], AsyncGenerator[_T, None]], *, ahead: int = 64
) -> Generator[_T, None, None]:
    """Iterate over an async generator from ordinary code, also where an event loop runs already.

    The work goes on in a thread of its own while the caller looks at an item, at most ``ahead``
    items in advance. Closing the iterator early cancels the work and waits for its end; a
    ``ClcError`` with which it ends is raised.
    """
    items: queue.SimpleQueue[_T | _End] = queue.SimpleQueue()
    room = threading.Semaphore(ahead)
    stop = threading.Event()

    async def pump() -> None:
        async with aclosing(make()) as source:
            async for item in source:
                # A wait that can be cancelled, for the one that waits in a thread cannot be.
                while not room.acquire(blocking=False):  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
                items.put(item)

    def work() -> None:
        try:
            asyncio.run(_until(stop, pump()))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            items.put(_End(error))
        else:
            items.put(_End(None))

    thread = threading.Thread(target=work, name="clc-runner", daemon=True)
    thread.start()
    try:
        while not isinstance(item := items.get(), _End):
            room.release()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        thread.join()
        _raise_last(items)


def _raise_last(items: queue.SimpleQueue[Any]) -> None:
    """Raise the error with which work ended after its iterator was closed."""
    while not items.empty():
        last = items.get()
        if isinstance(last, _End) and isinstance(last.error, ClcError):
            raise last.error


async def _until(stop: threading.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do ``work``, or cancel it when another thread says stop."""
    task = asyncio.create_task(work)
    while not task.done() and not stop.is_set():
        await asyncio.wait([task], timeout=POLL_SECONDS)
    if not task.done():
        task.cancel()  # once: a second time would cut short what it closes
    await task


class _End(NamedTuple):
    """The last thing a thread says: what it ended with."""

    error: BaseException | None


async def all_of(coroutines: Sequence[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Run all at once; the first failure cancels the rest and is raised when they have ended."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def in_reading_thread(function: Callable[..., _T], *args: Any) -> _T:
    """Call a function that reads a long text in a thread beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_reading_thread(), function, *args)


@lru_cache(maxsize=1)
def _reading_thread() -> ThreadPoolExecutor:
    """Return the thread: with several the event loop would wait for each."""
    return ThreadPoolExecutor(1, "clc-reading")
