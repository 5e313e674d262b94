"""Run a coroutine until it ends or the user stops it, with a regular tick for the display."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from clc.cli.signals import end_process, raise_once

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["run_interruptible"]

_T = TypeVar("_T")
_TICK_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_interruptible(
    work: Coroutine[Any, Any, _T],
    tick: Callable[[], None] | None = None,
    stopping: Callable[[], None] | None = None,
) -> _T:
    """Run ``work`` on an event loop of its own and return its result.

    SIGINT or SIGTERM cancels ``work``, which then has time to close its engine. A second signal
    has its effect at once: that of ``handle_interrupts``, or the usual one.

    Args:
        work: the coroutine.
        tick: called twice a second.
        stopping: called at the first signal, before ``work`` is cancelled.

    Raises:
        KeyboardInterrupt: ``work`` ended because of a signal.
    """
    return asyncio.run(_run(work, tick, stopping))


async def _run(
    work: Coroutine[Any, Any, _T],
    tick: Callable[[], None] | None,
    stopping: Callable[[], None] | None,
) -> _T:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    ends = signal.getsignal(signal.SIGINT) is raise_once
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        if ends:
            signal.signal(signal.SIGINT, end_process)
        if stopping is not None:
            stopping()
        task.cancel()

    for number in _SIGNALS:
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, interrupt)
    ticking = None if tick is None else asyncio.create_task(_tick(tick))
    try:
        return await task
    except asyncio.CancelledError:
        if interrupted:
            raise KeyboardInterrupt from None
        raise
    finally:
        if ticking is not None:
            ticking.cancel()
        if ends and not interrupted:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, raise_once)


async def _tick(tick: Callable[[], None]) -> None:
    while True:
        tick()
        await asyncio.sleep(_TICK_S)
