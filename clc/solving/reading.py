"""Reading of answers in a thread where it may wait for sympy, so that the event loop goes on."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from clc.answers.latex import may_have_formula

if TYPE_CHECKING:
    from collections.abc import Callable

    from clc.records import Problem, ReasoningPath
    from clc.voting.outcomes import OutcomeMemory

__all__ = ["read_ahead", "read_in_thread"]

T = TypeVar("T")


async def read_in_thread(text: str, kind: str | None, read: Callable[[], T]) -> T:
    """Call ``read``, in a thread if ``text`` may have a formula that sympy simplifies."""
    if not may_have_formula(text, kind):
        return read()
    return await asyncio.get_running_loop().run_in_executor(_thread(), read)


async def read_ahead(outcomes: OutcomeMemory, problem: Problem, path: ReasoningPath) -> None:
    """Read and keep the outcome of a path whose reading may take long."""
    kind = problem.metadata.get("kind")
    if may_have_formula(path.text, kind) and not outcomes.holds(problem, path):
        outcome = await read_in_thread(path.text, kind, lambda: outcomes.read_anew(problem, path))
        outcomes.keep(problem, path, outcome)


@lru_cache(maxsize=1)
def _thread() -> ThreadPoolExecutor:
    """Return the one thread: sympy is one process, and the others would only wait for it."""
    return ThreadPoolExecutor(1, "clc-reading")
