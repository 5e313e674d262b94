"""One problem to one verdict, over the objects that all problems of a run share.

The runner is for many problems.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from clc.engines.base import ChatEngine
from clc.engines.shared import SharedEngine
from clc.errors import ConfigurationError
from clc.solving.model_choice import ModelChoice
from clc.solving.problem_run import ProblemRun
from clc.solving.prompt_builder import PromptBuilder
from clc.solving.reading import read_ahead
from clc.solving.sampler import Counters, Sampler
from clc.voting.outcomes import OutcomeMemory
from clc.voting.verdict import make_verdict, read_votes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from clc.engines.base import Engine
    from clc.prompts.templates import Templates
    from clc.records import Problem, Verdict, Vote
    from clc.runs.protocol import PathStore
    from clc.runs.translation_cache import TranslationCache
    from clc.solving.configuration import Configuration
    from clc.solving.verifier import Verifier

__all__ = ["Solver"]


class Solver:
    """Solves problems one by one, any number at a time, over one engine and one store.

    Args:
        engine: samples the paths; a ``SharedEngine`` is shared with others and not closed.
        configuration: of the run.
        templates: prompt templates.
        store: keeps what engines produce; in memory when it has no folder.
        translator: another engine for translations; ``engine`` does them otherwise.
        cache: translations kept over runs.
        outcomes: answers that were read already; its own by default.
        voters: engines of arms that name an engine file, by that name, and of a judge.
        verifier: gives the paths rewards; it is closed with the engines.

    Raises:
        ConfigurationError: the engine's thinking budget leaves no room for an answer, or the vote
            is over rewards and there is no verifier.
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
        outcomes: OutcomeMemory | None = None,
        voters: Mapping[str, Engine | SharedEngine] | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        if configuration.needs_verifier and verifier is None:
            raise ConfigurationError(
                "the vote is over rewards, and nothing gives any: name a verifier (--verifier own, "
                "or a file); the server, clc compare and --cluster have none"
            )
        if verifier is not None and not configuration.needs_verifier:
            raise ConfigurationError(
                "a verifier is for --weighting reward, weighted-by-reward and best-of-n: leave out "
                "--verifier, or choose one of them"
            )
        self.verifier = verifier
        self.configuration = configuration
        self.counting = configuration.counting
        self.store = store
        self.outcomes = OutcomeMemory() if outcomes is None else outcomes
        self.outcomes.vocabulary = templates.vocabulary
        self._owned: list[SharedEngine] = []
        shared = self._shared(engine)
        if isinstance(shared.engine, ChatEngine):
            shared.engine.chat_options.check_room(configuration.sampling.max_tokens)
        second = shared if translator is None else self._shared(translator)
        others = {name: self._shared(one) for name, one in (voters or {}).items()}
        self.sampler = Sampler(shared, second, store, cache, others)
        self.prompts = PromptBuilder(configuration, templates, self.sampler)
        self.choice = ModelChoice(templates, self.sampler)

    def _shared(self, engine: Engine | SharedEngine) -> SharedEngine:
        if isinstance(engine, SharedEngine):
            return engine
        self._owned.append(SharedEngine(engine))
        return self._owned[-1]

    @property
    def counters(self) -> Counters:
        """Counts of the work so far."""
        return self.sampler.counters

    @property
    def window(self) -> int:
        """Requests to keep in flight, over all engines of paths."""
        arms = self.configuration.strategy.arms
        return sum(self.sampler.engine_of(one).window for one in {arm.engine for arm in arms})

    async def close(self) -> None:
        """Close the engines that came as engines."""
        async with AsyncExitStack() as stack:
            if self.verifier is not None:
                stack.push_async_callback(self.verifier.close)
            for engine in self._owned:
                stack.push_async_callback(engine.close)

    async def solve(
        self,
        problem: Problem,
        *,
        deadline: float | None = None,
        watch: Callable[[Sequence[Vote], int], None] | None = None,
    ) -> Verdict:
        """Solve one problem. Its paths and its plan are in the store before this returns.

        Args:
            problem: the question.
            deadline: seconds from now after which the vote is taken over what is there.
            watch: is called with the votes so far, in the order of their arrival, and the number
                of paths in the budget.

        Raises:
            EngineError: the engine is lost.
            StoreError: the store cannot be written.
            InputError: the strategy, a template or a language is wrong.
        """
        if self.verifier is not None:
            await self.verifier.start()
        run = ProblemRun(problem, self, watch)
        try:
            async with asyncio.timeout(deadline) as limit:
                await run.solve()
        except TimeoutError:
            if not limit.expired():
                raise
            run.expire()
        return await self.finish(run)

    async def finish(self, run: ProblemRun) -> Verdict:
        """Store the plan of a problem whose paths are sampled, and take its vote."""
        problem = run.problem
        plan, paths = run.plan(), run.paths
        self.store.set_plan(problem.id, plan)
        for path in paths.values():
            await read_ahead(self.outcomes, problem, path)
        votes = read_votes(problem, plan, paths, self.counting, self.outcomes.read)
        return make_verdict(problem, plan, paths, votes, self.counting)
