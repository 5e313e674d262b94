"""One run, put together: problems in, verdicts out, everything stored."""

from __future__ import annotations

import logging
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.engines.base import ResizableEngine
from clc.errors import StoreError
from clc.prompts.templates import Templates, check_template
from clc.runs.resume import begin_run
from clc.solving.bill import Bill
from clc.solving.identity import as_begun, earlier_lengths, identity, keep_fingerprints
from clc.solving.notes import engine_notes, merge_notes
from clc.solving.runner import run
from clc.solving.sampler import earlier_limits
from clc.solving.solver import Solver
from clc.solving.stopping_check import warn_if_it_cannot_stop
from clc.strategies.strategy import required_templates
from clc.voting.outcomes import OutcomeMemory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping

    from clc.engines.base import Engine
    from clc.engines.shared import SharedEngine
    from clc.records import Problem, Verdict
    from clc.runs.store import Store
    from clc.runs.translation_cache import TranslationCache
    from clc.solving.configuration import Configuration
    from clc.solving.verifier import Verifier

__all__ = ["Run"]

_log = logging.getLogger(__name__)
_NOTE_SECONDS = 5.0  # a killed run forgets the money that it spent since the last note


@dataclass
class Run:
    """One run, put together and ready: problems in, verdicts out, everything stored.

    Args:
        configuration: how every question is solved.
        engine: samples the paths; a ``SharedEngine`` is shared with other runs and not closed.
        store: an open store.
        translator: another engine for translations.
        templates: prompt templates; ours by default.
        cache: translations kept over runs; none by default.
        outcomes: answers that were read already; the export takes them from here.
        bill: prices, and a budget at which the run stops.
        voters: engines of arms that name an engine file, by that name, and of a judge.
        verifier: gives the paths rewards, where the vote is over them.
    """

    configuration: Configuration
    engine: Engine | SharedEngine
    store: Store
    translator: Engine | SharedEngine | None = None
    templates: Templates | None = None
    cache: TranslationCache | None = None
    outcomes: OutcomeMemory = field(default_factory=OutcomeMemory)
    bill: Bill = field(default_factory=Bill)
    voters: Mapping[str, Engine | SharedEngine] = field(default_factory=dict)
    verifier: Verifier | None = None

    def __post_init__(self) -> None:
        """Check the templates that the run will need, before anything is sampled."""
        self._read = 0
        self._has_begun = False
        self.templates = self.templates or Templates()
        for name in required_templates(self.configuration.strategy):
            check_template(self.templates, name)
        self.solver = Solver(
            self.engine,
            self.configuration,
            templates=self.templates,
            store=self.store,
            translator=self.translator,
            cache=self.cache,
            outcomes=self.outcomes,
            voters=self.voters,
            verifier=self.verifier,
        )
        self.solver.sampler.bill = self.bill

    def identity(self, dataset: Mapping[str, Any], limit: int | None = None) -> dict[str, Any]:
        """Return everything that decides the paths of this run, as JSON values."""
        assert self.templates is not None  # noqa: S101 - set above
        sampler = self.solver.sampler
        return identity(
            self.configuration,
            self.templates,
            engine=sampler.engine.fingerprint,
            translator=sampler.translator.fingerprint,
            voters={name: one.fingerprint for name, one in sampler.voters.items()},
            verifier=None if self.verifier is None else self.verifier.fingerprint(sampler),
            dataset=dataset,
            limit=limit,
        )

    def begin(self, dataset: Mapping[str, Any], limit: int | None = None) -> bool:
        """Write or check the run's manifest; True when the run is finished already.

        A run may go on with larger limits of tokens: what ended under the earlier ones stays. One
        in which nothing was sampled may begin anew with another configuration.

        Raises:
            ConfigurationError: the folder holds a run with another configuration, or a comparison.
            BudgetError: earlier calls spent the budget.
        """
        self.store.check_kind()
        stored = self.store.manifest()
        self.configuration = as_begun(self.configuration, stored)
        self.solver.configuration = self.configuration
        self.keep_fingerprints(stored)
        wanted = self.identity(dataset, limit)
        if stored is not None and (kept := self.store.seconds()) > stored.get("seconds", 0.0):
            stored["seconds"] = round(kept, 3)  # of a run that was killed
        store = self.store
        manifest, finished = begin_run(
            stored,
            wanted,
            str(store.folder),
            count=lambda: (store.started(), store.done()),
            clear=store.clear,
        )
        self.solver.sampler.earlier_limits = earlier_limits(manifest)
        self._has_begun = True
        if not finished:
            warn_if_it_cannot_stop(self.configuration)
            self.bill.begin(stored, self.store.cost())
            store.write_manifest(manifest | self.length_of(manifest))
        return finished

    def keep_fingerprints(self, stored: Mapping[str, Any] | None) -> None:
        """Let the engines keep the fingerprints of the stored run, where they may."""
        sampler = self.solver.sampler
        keep_fingerprints(
            (stored or {}).get("identity", {}),
            earlier_lengths(stored),
            sampler.engine.engine,
            sampler.translator.engine,
            {name: one.engine for name, one in sampler.voters.items()},
        )

    def length_of(self, manifest: Mapping[str, Any]) -> dict[str, int]:
        """Return the longest sequence with which a run begins, for a manifest that has none."""
        engine = self.solver.sampler.engine.engine
        if "max_model_len" in manifest or not isinstance(engine, ResizableEngine):
            return {}
        length = engine.max_model_len
        return {} if length is None else {"max_model_len": length}

    def finish(self) -> None:
        """Mark the run as finished, unless some of its paths were lost.

        Raises:
            StoreError: problems that were read are not in the store with all their paths.
        """
        manifest = self.store.manifest()
        if manifest is None or self.store.counts()["failures"]:
            return
        read, started, done = self._read, self.store.started(), self.store.done()
        if done < max(read, started):
            raise StoreError(
                f"{self.store.folder or 'memory'}: {max(read, started) - done:,} of "
                f"{max(read, started):,} problems are not stored with all their paths; the same "
                "command samples what is missing"
            )
        if read == started:  # else a source that was cut short, such as standard input
            self.store.write_manifest({**manifest, "finished": True, "problems": done})

    def _counted(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        self._read = 0
        for problem in problems:
            yield problem
            self._read += 1

    async def verdicts(self, problems: Iterable[Problem]) -> AsyncGenerator[Verdict, None]:
        """Solve ``problems``; see ``clc.solving.runner.run``.

        The manifest's ``seconds`` grow by the wall time that this takes, the start of engines
        apart, where anything was sampled. A warning is logged, once, when many of the first paths
        are truncated.
        """
        sampler = self.solver.sampler
        drawn = sampler.counters.drawn
        began = time.monotonic() - sampler.start_seconds
        manifest = self.store.manifest() if self._has_begun else None
        before = (manifest or {}).get("seconds", 0.0)
        notice: str | None = None
        noted, cost = time.monotonic(), 0.0

        def seconds() -> float | None:
            if sampler.counters.drawn == drawn:
                return None
            # Two engines that start at the same time take less than the sum.
            passed = max(time.monotonic() - began - sampler.start_seconds, 0.0)
            return float(before + passed)

        def keep_seconds() -> None:
            nonlocal noted, cost
            if not self._has_begun:
                return
            if (passed := seconds()) is not None:
                self.store.keep_seconds(passed)
            if self.bill.cost > cost and time.monotonic() - noted > _NOTE_SECONDS:
                noted, cost = time.monotonic(), self.bill.cost
                self._keep_notes()

        try:
            solving = run(self._counted(problems), self.solver, keep_seconds)
            async with aclosing(solving) as verdicts:
                async for verdict in verdicts:
                    if notice is None and (notice := sampler.counters.truncation_notice()):
                        _log.warning(notice)
                    yield verdict
        finally:
            manifest = self.store.manifest() if self._has_begun else None
            if manifest is not None and (passed := seconds()) is not None:
                self.store.write_manifest({**manifest, "seconds": round(passed, 3)})
            self._keep_notes()

    def _keep_notes(self) -> None:
        """Write the notes of the engines and the money spent into the manifest."""
        sampler = self.solver.sampler
        manifest = self.store.manifest() if self._has_begun else None
        if manifest is None:
            return
        others = {name: one.engine for name, one in sampler.voters.items()}
        notes = engine_notes(sampler.engine.engine, sampler.translator.engine, others)
        values = {
            "notes": merge_notes(manifest.get("notes", {}), notes),
            "prices": None if self.bill.prices is None else self.bill.prices.to_json(),
            "spent": self.bill.to_json(),
        }
        changed = {**manifest, **{name: value for name, value in values.items() if value}}
        if changed != manifest:
            self.store.write_manifest(changed)
