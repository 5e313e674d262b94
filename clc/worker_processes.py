"""Processes that compute a function of many items, in order."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeVar

from clc.errors import ClcError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

__all__ = ["Workers", "usable_cores"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_ALONE_S = 0.5  # less work than this takes longer where processes are started for it
_MOST = 8  # processes by default: one process hands out their work and collects it
_WAITING = 2  # items for each process, computed or in computation: they bound the memory


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers:
    """Processes that are started when there is enough work for them.

    They are spawned, so that no state or lock of this process is in them, ignore an interrupt
    of the terminal, and end when this object is closed or this process ends.

    Args:
        count: number of processes, started at the first item; with 1 everything is computed in
            this process. The default is one for each core, at most 8, started when items have
            been computed in this process for half a second.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = min(usable_cores(), _MOST) if count is None else count
        self._alone = _ALONE_S if count is None else 0.0  # seconds left before processes start
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []
        self._idle: SimpleQueue[int] = SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None

    def map(
        self,
        function: Callable[[_Item], _Result],
        items: Iterable[_Item],
        *,
        here: Callable[[_Item], _Result] | None = None,
    ) -> Iterator[_Result]:
        """Yield the results of a function in the order of the items.

        Function, items and results must be picklable. An error of the function or of ``items`` is
        raised after the results before it. ``here`` takes the function's place in this process.

        Raises:
            RunError: a process is lost.
        """
        rest = iter(items)
        if self.count == 1:
            yield from map(here or function, rest)
            return
        yield from self._map_alone(here or function, rest)
        job = pickle.dumps(function)
        running: deque[Future[_Result]] = deque()
        failure: ClcError | None = None
        while True:
            try:
                item = next(rest)
            except StopIteration:
                break
            except ClcError as error:
                failure = error
                break
            running.append(self._submit(job, item))
            if len(running) > _WAITING * self.count:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
        if failure is not None:
            raise failure

    def _map_alone(
        self, function: Callable[[_Item], _Result], items: Iterator[_Item]
    ) -> Iterator[_Result]:
        """Yield the results of the first items, until they have taken their time."""
        while self._alone > 0:
            started_at = time.monotonic()
            for item in islice(items, 1):
                yield function(item)
                break
            else:
                return
            self._alone -= time.monotonic() - started_at

    def close(self) -> None:
        """End the processes. May be called twice."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()
        self._processes, self._connections, self._threads = [], [], None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _submit(self, job: bytes, item: Any) -> Future[Any]:
        if self._threads is None:
            self._start()
        assert self._threads is not None  # noqa: S101 - started
        return self._threads.submit(self._compute, job, item)

    def _start(self) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self._idle = SimpleQueue()
        self._threads = ThreadPoolExecutor(self.count)
        for number in range(self.count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()  # so that the end of the process ends the pipe
            self._processes.append(process)
            self._connections.append(ours)
            self._idle.put(number)

    def _compute(self, job: bytes, item: Any) -> Any:
        """Compute an item in an idle process, while a thread of this one waits for it."""
        number = self._idle.get()
        connection = self._connections[number]
        try:
            connection.send((job, item))
            is_error, result = connection.recv()
        except (EOFError, OSError) as error:
            process = self._processes[number]
            process.join(1)
            raise RunError(
                f"a worker process ended (exit status {process.exitcode}), perhaps for want of "
                "memory; use fewer with --workers"
            ) from error
        finally:
            self._idle.put(number)
        if is_error:
            raise result
        return result


def _serve(connection: Connection) -> None:
    """Compute items until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    known, function = b"", None
    with suppress(EOFError, OSError):
        while True:
            job, item = connection.recv()
            if job != known:
                known, function = job, pickle.loads(job)  # noqa: S301 - of our own process
            assert function is not None  # noqa: S101 - every item has a function
            try:
                message = pickle.dumps((False, function(item)))
            except Exception as error:  # noqa: BLE001 - raised by the process that asked
                message = pickle.dumps((True, _portable(error)))
            connection.send_bytes(message)


def _portable(error: Exception) -> Exception:
    """Return an error that can be sent to another process."""
    from traceback import format_exception

    try:
        if isinstance(pickle.loads(pickle.dumps(error)), ClcError):  # noqa: S301
            return error
    except Exception:  # noqa: BLE001, S110 - of any class
        pass
    return RuntimeError("in a worker process:\n" + "".join(format_exception(error)))
