"""Functions of a run's problems, computed for consecutive parts in several processes."""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from clc.runs.protocol import Finished, RunFolder
    from clc.worker_processes import Workers

__all__ = ["map_finished"]

_Result = TypeVar("_Result")
_PROBLEMS = 128  # in a part


def map_finished(
    run: RunFolder,
    function: Callable[[Iterable[Finished]], _Result],
    workers: Workers | None = None,
) -> Iterator[_Result]:
    """Yield a function of the problems that are done, for consecutive parts of them in order.

    Each process opens the run folder for itself. The function and its results must be picklable.
    Without ``workers`` this process computes all of it.

    Raises:
        StoreError: the run is damaged, or lacks some of its problems.
        RunError: a process is lost.
    """
    opener = None if workers is None or workers.count == 1 else run.opener()
    if workers is None or opener is None:
        problems = run.finished()
        while part := list(islice(problems, _PROBLEMS)):
            yield function(part)
        return
    total = 0
    there = partial(_in_other_process, function, opener)
    for result, done in workers.map(there, run.spans(), here=partial(_compute, function, run)):
        total += done
        yield result
    run.check_whole(total)


def _compute(
    function: Callable[[Iterable[Finished]], _Result], run: RunFolder, span: Any
) -> tuple[_Result, int]:
    """Return the function of a span's problems, and how many are done."""
    done = 0

    def counted() -> Iterator[Finished]:
        nonlocal done
        for one in run.finished(span):
            done += 1
            yield one

    return function(counted()), done


def _in_other_process(
    function: Callable[[Iterable[Finished]], _Result], opener: Callable[[], RunFolder], span: Any
) -> tuple[_Result, int]:
    return _compute(function, _opened(opener), span)


@lru_cache(maxsize=1)
def _opened(opener: Callable[[], RunFolder]) -> RunFolder:
    """Open a run once for all of its spans; it stays open until the process ends."""
    return opener()
