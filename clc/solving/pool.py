"""Several strategies over one engine and one store: what they share is drawn once.

Each strategy has plans and a manifest of its own under its name; problems, prompts, paths and
translations are common. So sc-en and the English arm of clc are the same paths, and comparing
them costs nothing twice.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.solving.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from clc.engines.shared import SharedEngine
    from clc.prompts.templates import Templates
    from clc.records import Problem, Verdict
    from clc.runs.store import Store
    from clc.runs.translation_cache import TranslationCache
    from clc.solving.configuration import Configuration

__all__ = ["Pool", "Spent"]


class Spent(NamedTuple):
    """What drawing a strategy took: seconds, and how many paths were there already."""

    seconds: float | None
    reused: int


class Pool:
    """Strategies that are to be compared.

    Args:
        lane: draws the paths of all.
        store: of the folder that they share.
        configurations: by strategy name.
        templates: prompt templates.
        translator: another engine for translations.
        cache: translations kept over runs.
    """

    def __init__(
        self,
        lane: SharedEngine,
        store: Store,
        configurations: Mapping[str, Configuration],
        *,
        templates: Templates,
        translator: SharedEngine | None = None,
        cache: TranslationCache | None = None,
    ) -> None:
        self.runs = {
            name: Run(configuration, lane, store.labelled(name), translator, templates, cache)
            for name, configuration in configurations.items()
        }
        self._spent: dict[str, Spent] = {}

    def begin(self, dataset: Mapping[str, Any], limit: int | None = None) -> None:
        """Write or check every strategy's manifest, before anything is drawn.

        Raises:
            ConfigurationError: the folder holds a strategy of that name with other settings.
        """
        for run in self.runs.values():
            run.begin(dataset, limit)

    async def draw(
        self,
        name: str,
        problems: Iterable[Problem],
        watch: Callable[[Verdict], None] = lambda _: None,
    ) -> None:
        """Solve all problems with one strategy; what is stored is not drawn again.

        Raises:
            DatasetError: a row is wrong.
            RunError: the engine or the store is lost.
        """
        run = self.runs[name]
        drawer = run.solver.drawer
        lanes = {drawer.lane, drawer.translator}
        # Starting an engine is no strategy's own time.
        started = time.monotonic() - sum(lane.start_seconds for lane in lanes)
        async with aclosing(run.verdicts(problems)) as verdicts:
            async for verdict in verdicts:
                watch(verdict)
        counters = run.solver.counters
        # A pass that found every path there says nothing about the strategy's own time.
        passed = time.monotonic() - started - sum(lane.start_seconds for lane in lanes)
        seconds = passed if counters.drawn else None
        self._spent[name] = Spent(seconds, counters.reused)
        run.finish()

    def spent(self, name: str) -> Spent:
        """What drawing a strategy took; nothing where it was not drawn here."""
        return self._spent.get(name, Spent(None, 0))
