"""The number of threads with which a CPU takes a step.

Threads wait for each other in each operation of a step. Where other programs have the cores, a
thread that is not running holds up all others, and fewer threads are faster: with 135 million
parameters on two busy cores a step took 93 ms with one thread and 191 ms with two, on two idle ones
two are nearly twice as fast. So the number is chosen by what steps take, and looked at again.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ThreadChoice", "choose_threads"]

_TRIALS = 4  # steps with each of two numbers, in turn
_FIRST, _EVERY = 8, 200  # steps before the first comparison, and between two
_BETTER = 0.9  # of the time, that another number must take


class ThreadChoice:
    """Chooses between neighbouring numbers of threads, half or twice as many.

    Args:
        most: the largest number, with which it begins.
        set_threads: sets the number for the next operations.
        clock: seconds, monotonic.

    Attributes:
        threads: the number chosen so far.
    """

    def __init__(
        self,
        most: int,
        set_threads: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.threads = most
        self._most = most
        self._set = set_threads
        self._clock = clock
        self._left = _FIRST
        self._fewer = True  # whether the next comparison is with fewer
        self._rival = 0  # 0: no comparison is going on
        self._times: dict[int, list[float]] = {}

    @contextmanager
    def step(self) -> Iterator[None]:
        """Take a step in the block, with the number of threads that is chosen or compared."""
        if not self._rival:
            self._left -= 1
            if self._left > 0:
                yield
                return
            self._begin()
        times = self._times
        number = min(times, key=lambda one: (len(times[one]), one != self.threads))
        self._set(number)
        began = self._clock()
        yield
        times[number].append(self._clock() - began)
        if all(len(one) == _TRIALS for one in times.values()):
            self._decide()

    def _begin(self) -> None:
        rival = self.threads // 2 if self._fewer else self.threads * 2
        self._fewer = not self._fewer
        if not 1 <= rival <= self._most:
            rival = min(self._most, self.threads * 2) if rival < 1 else max(1, self.threads // 2)
            self._fewer = not self._fewer
        self._rival = rival
        self._times = {self.threads: [], rival: []}

    def _decide(self) -> None:
        own, other = (sum(self._times[number]) for number in (self.threads, self._rival))
        if other < _BETTER * own:
            self.threads = self._rival
        self._set(self.threads)
        self._rival, self._left = 0, _EVERY


def choose_threads(model: Any) -> ThreadChoice | None:
    """Return the choice for a model on a CPU, None where there is nothing to choose.

    A number that the user set in ``OMP_NUM_THREADS`` stays.
    """
    import torch

    most = torch.get_num_threads()
    if model.device.type != "cpu" or most == 1 or os.environ.get("OMP_NUM_THREADS"):
        return None
    return ThreadChoice(most, torch.set_num_threads)
