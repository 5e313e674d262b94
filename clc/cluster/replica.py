"""One engine in its own process, and the solver that uses it."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from clc.cluster.ledger import BATCH_TRIES, PROBLEM_TRIES
from clc.cluster.memory_store import MemoryStore
from clc.cluster.messages import BatchResult, ProblemBatch, SetAsideProblem, add_counters
from clc.cluster.source import read_message, write_message
from clc.engines.adjusted import open_translator
from clc.engines.shared import SharedEngine
from clc.errors import BudgetError, ClcError, EngineError
from clc.prompts.templates import Templates
from clc.runs.codec import read_problem
from clc.runs.manifest import differences
from clc.runs.shards import ShardRow, Shards
from clc.runs.store import Store
from clc.solving.bill import Bill
from clc.solving.identity import keep_fingerprints
from clc.solving.notes import engine_notes
from clc.solving.run import Run
from clc.solving.runner import first_round_size, open_problems
from clc.solving.sampler import Counters
from clc.solving.solver import Solver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from clc.cluster.messages import PendingProblem, RunSpec
    from clc.records import Problem

__all__ = ["Replica"]

_SPENT = "the budget was spent before it was solved"
_SHARE_SECONDS = 0.5  # between two looks at what all replicas spent
KEEP_SECONDS = 60.0  # a crash loses at most the last so many seconds of a replica's work


class Replica:
    """A worker of Ray Data, which calls it with several batches at a time.

    Batches share the engine and its window, so that the window stays full between batches.
    """

    def __init__(self, spec: RunSpec, ledger: Any) -> None:
        self._spec = spec
        self._ledger = ledger
        self._gate = _Gate()
        self._opening: asyncio.Task[_BatchSolver] | None = None
        self._sharing: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="clc-replica").start()

    def __call__(self, block: Any) -> Any:
        """Solve a batch; pass any other message on to the driver."""
        message = read_message(block)
        if isinstance(message, ProblemBatch):
            solving = asyncio.run_coroutine_threadsafe(self._solve(message), self._loop)
            message = solving.result()
        return write_message(message)

    async def _solve(self, batch: ProblemBatch) -> BatchResult:
        try:
            if self._opening is None:
                self._opening = asyncio.ensure_future(self._open())
            solver = await asyncio.shield(self._opening)
            times = await self._ledger.take.remote(batch.name)
            problems = batch.problems
            if times > 1:
                problems = await asyncio.to_thread(solver.find_stored, problems)
            solve = self._together if times <= BATCH_TRIES else self._one_by_one
            result = await solve(solver, problems)
            await self._ledger.done.remote(batch.name)
        except ClcError as error:
            return BatchResult(error=error)
        result.start_seconds = solver.engine.start_seconds
        solver.report(result)
        return result

    async def _share_bill(self, bill: Bill) -> None:
        """Tell the ledger what this replica spends, and the bill what all others do."""
        told = 0.0
        while True:
            cost = bill.cost
            total = await self._ledger.spend.remote(cost - told)
            told = cost
            bill.before = self._spec.spent + total - cost
            await asyncio.sleep(_SHARE_SECONDS)

    async def _open(self) -> _BatchSolver:
        """Start the engines and check that they are the driver's.

        Raises:
            ClcError: an engine cannot start, or differs from the driver's.
        """
        refused = await self._ledger.start.remote()
        if refused is not None:
            raise EngineError(f"{refused}; the stored paths stay")
        spec = self._spec
        own = spec.engine()
        second = open_translator(own, spec.translator)
        engine = SharedEngine(own)
        translator = None if second is None else SharedEngine(second)
        shards = Shards(spec.out, read_only=True)
        solver = _BatchSolver(spec, engine, translator, Templates(spec.prompts), shards)
        solver.check()
        await asyncio.gather(*(one.start() for one in (engine, translator) if one is not None))
        if spec.budget is not None:
            self._sharing = asyncio.ensure_future(self._share_bill(solver.bill))
        return solver

    async def _together(
        self, solver: _BatchSolver, problems: Sequence[PendingProblem]
    ) -> BatchResult:
        """Solve problems at once, into one shard, or several where they take long."""
        result = BatchResult(counters=Counters())
        errors: list[BaseException] = []
        async with self._gate.shared():
            left = {asyncio.create_task(self._one(solver, pending)) for pending in problems}
            try:
                while left and not errors:
                    done, left = await asyncio.wait(
                        left, timeout=KEEP_SECONDS, return_when=asyncio.FIRST_EXCEPTION
                    )
                    errors = [error for task in done if (error := task.exception()) is not None]
                    solved = [task.result() for task in done if task.exception() is None]
                    await self._keep(solver, solved, result)
            finally:
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)
        if errors:
            await self._give_up(errors[0])
        return result

    async def _one_by_one(
        self, solver: _BatchSolver, problems: Sequence[PendingProblem]
    ) -> BatchResult:
        """Solve problems of a batch that crashed its replica, each alone and into its own shard."""
        result = BatchResult(counters=Counters())
        for pending in problems:
            async with self._gate.exclusive():
                times = await self._ledger.take.remote(pending.key)
                if times > PROBLEM_TRIES:
                    reason = await self._ledger.reason.remote()
                    row = await solver.set_aside(
                        pending,
                        f"its replica was lost {PROBLEM_TRIES} times with it alone: {reason}",
                    )
                    await self._keep(solver, [(row, Counters())], result)
                else:
                    try:
                        solved = await self._one(solver, pending)
                    except EngineError as error:
                        await self._give_up(error)
                        raise
                    await self._keep(solver, [solved], result)
                await self._ledger.done.remote(pending.key)
        return result

    async def _one(
        self, solver: _BatchSolver, pending: PendingProblem
    ) -> tuple[ShardRow, Counters]:
        async with solver.room:
            return await solver.solve(pending)

    async def _keep(
        self, solver: _BatchSolver, solved: Sequence[tuple[ShardRow, Counters]], result: BatchResult
    ) -> None:
        """Write a shard, then add its rows to the result.

        A problem that the budget left unsolved is stored where something was sampled for it.
        """
        rows = [row for row, _ in solved if row.set_aside != _SPENT or row.has_samples]
        if rows:
            await asyncio.to_thread(solver.shards.write_shard, rows)
        for row, counters in solved:
            if row.verdict is not None:
                result.verdicts.append(row.verdict)
            if row.set_aside not in {None, _SPENT}:
                assert row.set_aside is not None  # noqa: S101 - for the type checker
                result.set_aside.append(SetAsideProblem(row.problem.id, row.set_aside))
            assert result.counters is not None  # noqa: S101 - both callers set them
            add_counters(result.counters, counters)

    async def _give_up(self, error: BaseException) -> None:
        """End this process when its engine is lost: Ray starts another, which repeats the batch."""
        if isinstance(error, EngineError):
            await self._ledger.lost.remote(str(error))
            os._exit(1)
        raise error


class _BatchSolver:
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
        head = self._head(pending, problem)
        try:
            verdict = await solver.solve(problem)
        except BudgetError as error:
            self._refusal = error
            row = ShardRow(*head, None, store.drawn(), set_aside=_SPENT, grown=self._grown)
            return row, solver.counters
        row = ShardRow(*head, store.plan, store.drawn(), verdict, grown=self._grown)
        return row, solver.counters

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
        return pending.position, pending.key, self._spec.configuration.paths, problem

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


class _Gate:
    """A lock that many may share or one may hold exclusively."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._empty = asyncio.Event()
        self._empty.set()
        self._inside = 0

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        async with self._lock:
            self._inside += 1
            self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        async with self._lock:
            await self._empty.wait()
            yield
