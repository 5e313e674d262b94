"""When a request is tried again, and after how long."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_exponential,
    wait_random,
)

from clc.engines.openai.failures import AttemptError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["retries"]


def retries(
    any_ready: Callable[[], bool],
    failures: Sequence[AttemptError],
    *,
    attempts: int,
    urls: int,
    waits_s: tuple[float, float],
) -> AsyncRetrying:
    """Return the retries of one request, whose state is not shared.

    Failed connections are counted separately, with one more for each further URL: going from a
    dead endpoint to the next one costs no attempt.

    Args:
        any_ready: whether some endpoint is healthy or due for a probe.
        failures: of the request so far; the attempts add to it.
        attempts: for the request, the first included.
        urls: endpoints.
        waits_s: seconds before the second attempt, and the longest wait; each doubles.
    """
    initial_s, longest_s = waits_s
    backoff = wait_exponential(multiplier=initial_s, max=longest_s) + wait_random(0, initial_s)

    def spent(_: RetryCallState) -> bool:
        unreachable = sum(isinstance(failure, UnreachableError) for failure in failures)
        return unreachable >= attempts + urls - 1 or len(failures) - unreachable >= attempts

    def wait_s(state: RetryCallState) -> float:
        last = failures[-1]
        if last.retry_after_s > 0:  # the pool keeps every request from that endpoint until then
            return random.uniform(0, initial_s)
        if isinstance(last, UnreachableError) and any_ready():
            return 0.0
        return backoff(state)

    return AsyncRetrying(
        sleep=asyncio.sleep,
        stop=spent,
        wait=wait_s,
        retry=retry_if_exception_type(AttemptError),
        reraise=True,
    )
