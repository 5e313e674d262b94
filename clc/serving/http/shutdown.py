"""Signals that stop a server: the first in order, the second at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Shutdown"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """Handles SIGTERM and SIGINT: the first stops the server, the second ends the process.

    The second has the system's own effect, which needs no Python: it ends a process that is
    loading a model, too, and leaves no traceback.

    Attributes:
        received: the signal that came first, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._stop: Callable[[], Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def handling(self) -> Iterator[None]:
        """Handle the signals in this block; does nothing outside of the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._first) for number in _SIGNALS}
        try:
            yield
        finally:
            if self.received is None:
                for number, handler in before.items():
                    signal.signal(number, handler)

    def call(self, stop: Callable[[], Any]) -> None:
        """Call ``stop`` in the running event loop at the first signal, or now if it has come."""
        self._stop, self._loop = stop, asyncio.get_running_loop()
        if self.received is not None:
            stop()

    def _first(self, number: int, _: object) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        self.received = number
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop)
