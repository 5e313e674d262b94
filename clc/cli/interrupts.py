"""Run a coroutine until it ends or the user stops it, with a regular tick for the display."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from clc.cli.signals import SIGNALS, end_process, note_signal, raise_once

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

__all__ = ["run_interruptible"]

_T = TypeVar("_T")
_TICK_S = 0.5


def run_interruptible(
    work: Coroutine[Any, Any, _T],
    tick: Callable[[], None] | None = None,
    stopping: Callable[[], None] | None = None,
) -> _T:
    """Run ``work`` on an event loop of its own and return its result.

    SIGINT or SIGTERM cancels ``work``, which then has time to close its engine. A second signal
    has its effect at once: that of ``handle_interrupts``, or the usual one without it.

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
    handled = [number for number in SIGNALS if signal.getsignal(number) is raise_once]
    interrupted = False

    def interrupt(received: int) -> None:
        nonlocal interrupted
        interrupted = True
        note_signal(received)
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        for number in handled:
            signal.signal(number, end_process)
        if stopping is not None:
            stopping()
        task.cancel()

    for number in SIGNALS:
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, interrupt, number)
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
        if not interrupted:
            _hand_back(loop, handled)


def _hand_back(loop: asyncio.AbstractEventLoop, handled: Sequence[int]) -> None:
    """Have the first signal raise KeyboardInterrupt again."""
    for number in handled:
        loop.remove_signal_handler(number)
        signal.signal(number, raise_once)


async def _tick(tick: Callable[[], None]) -> None:
    while True:
        tick()
        await asyncio.sleep(_TICK_S)
