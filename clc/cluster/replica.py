"""One engine in its own process, and the solver that uses it."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from clc.cluster.batch_solver import SPENT, BatchSolver
from clc.cluster.ledger import BATCH_TRIES, PROBLEM_TRIES
from clc.cluster.messages import BatchResult, ProblemBatch, SetAsideProblem, add_counters
from clc.cluster.source import read_message, write_message
from clc.engines.adjusted import open_translator
from clc.engines.shared import SharedEngine
from clc.errors import ClcError, EngineError
from clc.prompts.templates import Templates
from clc.runs.shards import ShardRow, Shards
from clc.solving.allocation import divide_total
from clc.solving.sampler import Counters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from clc.cluster.messages import PendingProblem, RunSpec
    from clc.solving.bill import Bill
    from clc.solving.configuration import TotalBudget

__all__ = ["Replica"]

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
        self._opening: asyncio.Task[BatchSolver] | None = None
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
            if times > BATCH_TRIES:
                result = await self._one_by_one(solver, problems, batch.total)
            elif batch.total is not None:
                result = await self._allocated(solver, problems, batch.total)
            else:
                result = await self._together(solver, problems)
            await self._ledger.done.remote(batch.name)
        except ClcError as error:
            return BatchResult(error=error)
        result.start_seconds = solver.engine.start_seconds
        solver.report(result)
        return result

    async def _share_bill(self, bill: Bill) -> None:
        """Report what this replica spends to the ledger, and add what all others do to the bill."""
        shared = 0.0
        while True:
            cost = bill.cost
            total = await self._ledger.spend.remote(cost - shared)
            shared = cost
            bill.before = self._spec.spent + total - cost
            await asyncio.sleep(_SHARE_SECONDS)

    async def _open(self) -> BatchSolver:
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
        solver = BatchSolver(spec, engine, translator, Templates(spec.prompts), shards)
        solver.check()
        await asyncio.gather(*(one.start() for one in (engine, translator) if one is not None))
        if spec.budget is not None:
            self._sharing = asyncio.ensure_future(self._share_bill(solver.bill))
        return solver

    async def _together(
        self, solver: BatchSolver, problems: Sequence[PendingProblem]
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

    async def _allocated(
        self, solver: BatchSolver, problems: Sequence[PendingProblem], total: TotalBudget
    ) -> BatchResult:
        """Solve problems under one budget, into one shard."""
        result = BatchResult(counters=Counters())
        async with self._gate.shared():
            try:
                solved = await solver.allocate(problems, total)
            except EngineError as error:
                await self._give_up(error)
                raise
            await self._keep(solver, solved, result)
        return result

    async def _one_by_one(
        self,
        solver: BatchSolver,
        problems: Sequence[PendingProblem],
        total: TotalBudget | None,
    ) -> BatchResult:
        """Solve problems of a batch that crashed its replica, each alone and into its own shard.

        Of a total budget each then has an equal part.
        """
        result = BatchResult(counters=Counters())
        parts: list[TotalBudget | None] = [None] * len(problems)
        if total is not None:
            parts = list(divide_total(total, len(problems), 1))
        for pending, part in zip(problems, parts, strict=True):
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
                        if part is None:
                            solved = await self._one(solver, pending)
                        else:
                            (solved,) = await solver.allocate([pending], part)
                    except EngineError as error:
                        await self._give_up(error)
                        raise
                    await self._keep(solver, [solved], result)
                await self._ledger.done.remote(pending.key)
        return result

    async def _one(self, solver: BatchSolver, pending: PendingProblem) -> tuple[ShardRow, Counters]:
        async with solver.room:
            return await solver.solve(pending)

    async def _keep(
        self, solver: BatchSolver, solved: Sequence[tuple[ShardRow, Counters]], result: BatchResult
    ) -> None:
        """Write a shard, then add its rows to the result.

        A problem that the budget left unsolved is stored where something was sampled for it.
        """
        rows = [row for row, _ in solved if row.set_aside != SPENT or row.has_samples]
        if rows:
            await asyncio.to_thread(solver.shards.write_shard, rows)
        for row, counters in solved:
            if row.verdict is not None:
                result.verdicts.append(row.verdict)
            if row.set_aside not in {None, SPENT}:
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
