"""Several strategies over one engine and one store: the paths that they share are sampled once.

Each strategy has plans and a manifest of its own under its name; problems, prompts, paths and
translations are common. So sc-en and the English arm of clc are the same paths, and comparing
them costs nothing twice.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.solving.bill import Bill
from clc.solving.run import Run
from clc.voting.outcomes import OutcomeMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from clc.engines.shared import SharedEngine
    from clc.prices import RunPrices
    from clc.prompts.templates import Templates
    from clc.records import Problem, Verdict
    from clc.runs.store import Store
    from clc.runs.translation_cache import TranslationCache
    from clc.solving.configuration import Configuration

__all__ = ["Spent", "StrategyPool"]


class Spent(NamedTuple):
    """The cost of sampling a strategy: seconds, and how many paths were stored already."""

    seconds: float | None
    reused: int


class StrategyPool:
    """Strategies that are to be compared.

    Args:
        engine: samples the paths of all.
        store: of the folder that they share.
        configurations: by strategy name.
        templates: prompt templates.
        translator: another engine for translations.
        cache: translations kept over runs.
        prices: of the engines' tokens.
    """

    def __init__(
        self,
        engine: SharedEngine,
        store: Store,
        configurations: Mapping[str, Configuration],
        *,
        templates: Templates,
        translator: SharedEngine | None = None,
        cache: TranslationCache | None = None,
        prices: RunPrices | None = None,
    ) -> None:
        outcomes = OutcomeMemory()
        self.runs = {
            name: Run(
                configuration,
                engine,
                store.labelled(name),
                translator,
                templates,
                cache,
                outcomes,
                Bill(prices),
            )
            for name, configuration in configurations.items()
        }
        self._spent: dict[str, Spent] = {}

    def begin(self, dataset: Mapping[str, Any], limit: int | None = None) -> None:
        """Write or check every strategy's manifest, before anything is sampled.

        Raises:
            ConfigurationError: the folder holds a strategy of that name with other settings.
        """
        for run in self.runs.values():
            run.begin(dataset, limit)

    async def solve(
        self,
        name: str,
        problems: Iterable[Problem],
        watch: Callable[[Verdict], None] = lambda _: None,
    ) -> None:
        """Solve all problems with one strategy; paths that are stored are not sampled again.

        Raises:
            DatasetError: a row is wrong.
            RunError: the engine or the store is lost.
        """
        run = self.runs[name]
        sampler = run.solver.sampler
        # Starting an engine is no strategy's own time.
        started = time.monotonic() - sampler.start_seconds
        async with aclosing(run.verdicts(problems)) as verdicts:
            async for verdict in verdicts:
                watch(verdict)
        counters = run.solver.counters
        # A pass that found every path stored has no time of its own.
        passed = time.monotonic() - started - sampler.start_seconds
        seconds = passed if counters.drawn else None
        self._spent[name] = Spent(seconds, counters.reused)
        run.finish()

    def spent(self, name: str) -> Spent:
        """Return the cost of sampling a strategy; nothing where it was not sampled here."""
        return self._spent.get(name, Spent(None, 0))
