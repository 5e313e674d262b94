"""The problems of a batch, solved over one engine into rows of a shard."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from clc.cluster.memory_store import MemoryStore
from clc.errors import BudgetError, EngineError
from clc.runs.codec import read_problem
from clc.runs.resume import differences
from clc.runs.shards import ShardRow, Shards
from clc.runs.store import Store
from clc.solving.allocation import allocate
from clc.solving.bill import Bill
from clc.solving.identity import keep_fingerprints
from clc.solving.notes import engine_notes
from clc.solving.problem_run import ProblemRun
from clc.solving.run import Run
from clc.solving.runner import first_round_size, open_problems
from clc.solving.solver import Solver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.cluster.messages import BatchResult, PendingProblem, RunSpec
    from clc.engines.shared import SharedEngine
    from clc.prompts.templates import Templates
    from clc.records import Problem, Verdict
    from clc.solving.configuration import TotalBudget
    from clc.solving.sampler import Counters

__all__ = ["SPENT", "BatchSolver"]

SPENT = "the budget was spent before it was solved"


class BatchSolver:
    """Solves problems of a run over one engine; its rows are ready for a shard."""

    def __init__(
        self,
        spec: RunSpec,
        engine: SharedEngine,
        translator: SharedEngine | None,
        templates: Templates,
        shards: Shards,
    ) -> None:
        self.engine = engine
        self.shards = shards
        self.bill = Bill(spec.prices, spec.budget, before=spec.spent, replicas=spec.replicas)
        self._reported = (0.0, 0)
        self._refusal: BudgetError | None = None
        self._spec = spec
        self._translator = translator
        self._templates = templates
        first = first_round_size(spec.configuration)
        self.room = asyncio.Semaphore(open_problems(engine.engine.window, first))

    def check(self) -> None:
        """Compare this replica's run identity with the driver's.

        Raises:
            EngineError: they differ; the message shows how.
        """
        spec = self._spec
        second = None if self._translator is None else self._translator.engine
        keep_fingerprints(spec.identity, spec.lengths, self.engine.engine, second)
        here = Run(spec.configuration, self.engine, Store(None), self._translator, self._templates)
        own = here.identity(spec.identity["dataset"], spec.identity["limit"])
        wrong = [
            f"{name}: {a!r} there, {b!r} here" for name, a, b in differences(spec.identity, own)
        ]
        if wrong:
            raise EngineError(
                f"node {os.uname().nodename} would sample other paths than the driver ("
                f"{'; '.join(wrong)}); put the same model, prompts and clc on every node"
            )

    async def solve(self, pending: PendingProblem) -> tuple[ShardRow, Counters]:
        """Solve one problem, starting from its stored paths."""
        problem, store, solver = await self._open(pending)
        try:
            verdict = await solver.solve(problem)
        except BudgetError as error:
            return self._refused(pending, problem, store, error), solver.counters
        return self._row(pending, problem, store, verdict), solver.counters

    async def allocate(
        self, problems: Sequence[PendingProblem], total: TotalBudget
    ) -> list[tuple[ShardRow, Counters]]:
        """Solve problems under one budget, starting from their stored paths."""
        opened = [await self._open(pending) for pending in problems]
        runs = [ProblemRun(problem, solver) for problem, _, solver in opened]
        solved = []
        try:
            await allocate(runs, total, self._spec.configuration.seed)
        except BudgetError as error:
            for pending, (problem, store, solver) in zip(problems, opened, strict=True):
                solved.append((self._refused(pending, problem, store, error), solver.counters))
            return solved
        for pending, (problem, store, solver), run in zip(problems, opened, runs, strict=True):
            verdict = await solver.finish(run)
            solved.append((self._row(pending, problem, store, verdict), solver.counters))
        return solved

    def _row(
        self, pending: PendingProblem, problem: Problem, store: MemoryStore, verdict: Verdict
    ) -> ShardRow:
        head = self._head(pending, problem)
        return ShardRow(*head, store.plan, store.drawn(), verdict, grown=self._grown)

    def _refused(
        self, pending: PendingProblem, problem: Problem, store: MemoryStore, error: BudgetError
    ) -> ShardRow:
        """Return the row of a problem that the budget of money left unsolved."""
        self._refusal = error
        head = self._head(pending, problem)
        return ShardRow(*head, None, store.drawn(), set_aside=SPENT, grown=self._grown)

    async def _open(self, pending: PendingProblem) -> tuple[Problem, MemoryStore, Solver]:
        """Return a problem with its stored paths, and a solver over them."""
        problem = read_problem(pending.problem)
        # What was lost is tried again, or is not wanted any more under larger limits.
        store = MemoryStore({**(await self._stored(pending) or {}), "failures": ()})
        solver = Solver(
            self.engine,
            self._spec.configuration,
            templates=self._templates,
            store=store,
            translator=self._translator,
        )
        solver.sampler.earlier_limits = self._spec.earlier_limits
        solver.sampler.bill = self.bill
        return problem, store, solver

    def report(self, result: BatchResult) -> None:
        """Add what was spent since the last report, and the engines' notes, to a result.

        Its error is that of a budget that is spent.
        """
        cost, cached = self._reported
        self._reported = self.bill.cost, self.bill.cached_tokens
        result.cost = self.bill.cost - cost if self.bill.is_known else None
        result.cached_tokens = self.bill.cached_tokens - cached
        translator = self.engine if self._translator is None else self._translator
        result.notes = engine_notes(self.engine.engine, translator.engine)
        result.error = self._refusal

    async def set_aside(self, pending: PendingProblem, reason: str) -> ShardRow:
        """Return the row of a problem that cannot be solved, with its stored paths."""
        head = self._head(pending, read_problem(pending.problem))
        drawn = MemoryStore(await self._stored(pending)).drawn()
        return ShardRow(*head, None, drawn, set_aside=reason, grown=self._grown)

    @property
    def _grown(self) -> int:
        return len(self._spec.earlier_limits)

    def _head(self, pending: PendingProblem, problem: Problem) -> tuple[int, str, int, Problem]:
        """Return the first fields of a problem's row."""
        return pending.position, pending.key, self._spec.configuration.done_budget, problem

    async def _stored(
        self, pending: PendingProblem
    ) -> Mapping[str, Sequence[Sequence[Any]]] | None:
        """Read a problem's rows from its shard."""
        if pending.shard is None:
            return None
        from pyarrow import compute

        here = compute.field("position") == pending.position
        rows = await asyncio.to_thread(self.shards.read_shard, pending.shard, here)
        return rows[0].drawn if rows else None

    def find_stored(self, problems: Sequence[PendingProblem]) -> tuple[PendingProblem, ...]:
        """Add the shards that a lost replica wrote for these problems."""
        shards = self.shards.within(problems[0].position, problems[-1].position)
        return tuple(one._replace(shard=shards.get(one.position, one.shard)) for one in problems)
