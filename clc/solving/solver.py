"""One problem to one verdict: waves of paths until the vote may stop.

Nothing here is about many problems, files or progress bars: the runner holds those.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from clc.engines.shared import SharedEngine
from clc.solving.configuration import counting_of
from clc.solving.problem_run import ProblemRun
from clc.solving.sampler import Counters, Sampler
from clc.voting.verdict import verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.engines.base import Engine
    from clc.prompts.templates import Templates
    from clc.records import Problem, Verdict, Vote
    from clc.runs.protocol import PathStore
    from clc.runs.translation_cache import TranslationCache
    from clc.solving.configuration import Configuration

__all__ = ["Solver"]


class Solver:
    """Solves problems one by one, any number at a time, over one engine and one store.

    Args:
        engine: draws the paths; a ``SharedEngine`` is shared with others and not closed.
        configuration: how.
        templates: prompt templates.
        store: keeps what engines produce; in memory when it has no folder.
        translator: another engine for translations; ``engine`` does them otherwise.
        cache: translations kept over runs.
    """

    def __init__(
        self,
        engine: Engine | SharedEngine,
        configuration: Configuration,
        *,
        templates: Templates,
        store: PathStore,
        translator: Engine | SharedEngine | None = None,
        cache: TranslationCache | None = None,
    ) -> None:
        self.configuration = configuration
        self.store = store
        self.templates = templates
        self._owned: list[SharedEngine] = []
        lane = self._lane(engine)
        second = lane if translator is None else self._lane(translator)
        self.drawer = Sampler(lane, second, store, cache)

    def _lane(self, engine: Engine | SharedEngine) -> SharedEngine:
        if isinstance(engine, SharedEngine):
            return engine
        self._owned.append(SharedEngine(engine))
        return self._owned[-1]

    @property
    def counters(self) -> Counters:
        """What was done so far."""
        return self.drawer.counters

    @property
    def window(self) -> int:
        """How many requests the engine likes to have in flight."""
        return self.drawer.lane.engine.window

    async def close(self) -> None:
        """Close the engines that came as engines."""
        async with AsyncExitStack() as stack:
            for lane in self._owned:
                stack.push_async_callback(lane.close)

    async def solve(
        self,
        problem: Problem,
        *,
        deadline: float | None = None,
        watch: Callable[[Sequence[Vote], int], None] | None = None,
    ) -> Verdict:
        """Solve one problem. What its paths cost is in the store before this returns.

        Args:
            problem: the question.
            deadline: seconds from now after which the vote is taken over what is there.
            watch: is told the votes so far, in the order of their arrival, and how many paths
                the budget has.

        Raises:
            EngineError: the engine is lost.
            StoreError: the store cannot be written.
            InputError: the strategy, a template or a language is wrong.
        """
        work = ProblemRun(problem, self.configuration, self.templates, self.drawer, watch)
        try:
            async with asyncio.timeout(deadline) as limit:
                await work.draw()
        except TimeoutError:
            if not limit.expired():
                raise
            work.expire()
        plan = work.plan()
        self.store.set_plan(problem.id, plan)
        return verdict_of(problem, plan, work.paths, counting=counting_of(self.configuration))
