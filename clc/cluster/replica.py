"""One engine in a process of its own, and the solver over it."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from clc.cluster.ledger import BATCH_TRIES, PROBLEM_TRIES
from clc.cluster.memory_store import Scratch
from clc.cluster.messages import Batch, SetAside, Told, add_counters
from clc.cluster.source import read_message, write_message
from clc.engines.shared import SharedEngine
from clc.errors import ClcError, EngineError
from clc.prompts.templates import Templates
from clc.runs.codec import read_problem
from clc.runs.manifest import differences
from clc.runs.shards import Row, Shards
from clc.runs.store import Store
from clc.solving.run import Run
from clc.solving.runner import first_wave, open_problems
from clc.solving.sampler import Counters
from clc.solving.solver import Solver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from clc.cluster.messages import Asked, Job
    from clc.records import Problem

__all__ = ["Replica"]

KEEP_SECONDS = 60.0  # of a replica's work are lost with it, at most


class Replica:
    """What Ray Data calls with one batch after the other, several at a time.

    Batches share the engine and its window, so that it stays full from one to the next.
    """

    def __init__(self, job: Job, ledger: Any) -> None:
        self._job = job
        self._ledger = ledger
        self._turns = _Turns()
        self._opening: asyncio.Task[_Team] | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="clc-replica").start()

    def __call__(self, block: Any) -> Any:
        """Solve a batch, or pass on what the reader tells the driver."""
        message = read_message(block)
        if isinstance(message, Batch):
            solving = asyncio.run_coroutine_threadsafe(self._solve(message), self._loop)
            message = solving.result()
        return write_message(message)

    async def _solve(self, batch: Batch) -> Told:
        try:
            if self._opening is None:
                self._opening = asyncio.ensure_future(self._open())
            team = await asyncio.shield(self._opening)
            times = await self._ledger.take.remote(batch.name)
            problems = batch.problems
            if times > 1:
                problems = await asyncio.to_thread(team.as_they_are, problems)
            solve = self._together if times <= BATCH_TRIES else self._apart
            told = await solve(team, problems)
            await self._ledger.done.remote(batch.name)
        except ClcError as error:
            return Told(error=error)
        told.start_seconds = team.lane.start_seconds
        return told

    async def _open(self) -> _Team:
        """Start the engines; check that they are those that the run is of.

        Raises:
            ClcError: an engine cannot start, or is another one than the driver's.
        """
        refused = await self._ledger.start.remote()
        if refused is not None:
            raise EngineError(f"{refused}; what was stored stays")
        job = self._job
        lane = SharedEngine(job.engine())
        translator = None if job.translator is None else SharedEngine(job.translator())
        team = _Team(job, lane, translator, Templates(job.prompts), Shards(job.out, read_only=True))
        team.check()
        await asyncio.gather(*(one.start() for one in (lane, translator) if one is not None))
        return team

    async def _together(self, team: _Team, problems: Sequence[Asked]) -> Told:
        """Solve problems all at once, into one shard, or more where they take long."""
        told = Told(counters=Counters())
        errors: list[BaseException] = []
        async with self._turns.together():
            left = {asyncio.create_task(self._one(team, asked)) for asked in problems}
            while left and not errors:
                done, left = await asyncio.wait(
                    left, timeout=KEEP_SECONDS, return_when=asyncio.FIRST_EXCEPTION
                )
                errors = [error for task in done if (error := task.exception()) is not None]
                solved = [task.result() for task in done if task.exception() is None]
                await self._keep(team, solved, told)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        if errors:
            await self._give_up(errors[0])
        return told

    async def _apart(self, team: _Team, problems: Sequence[Asked]) -> Told:
        """Solve problems one by one, each with nothing else in hand and into a shard of its own.

        One of them may take this process with it, for it has done so, with others.
        """
        told = Told(counters=Counters())
        for asked in problems:
            async with self._turns.alone():
                times = await self._ledger.take.remote(asked.key)
                if times > PROBLEM_TRIES:
                    why = await self._ledger.last_words.remote()
                    row = await team.set_aside(
                        asked, f"its replica was lost {PROBLEM_TRIES} times with it alone: {why}"
                    )
                    await self._keep(team, [(row, Counters())], told)
                else:
                    try:
                        solved = await self._one(team, asked)
                    except EngineError as error:
                        await self._give_up(error)
                        raise
                    await self._keep(team, [solved], told)
                await self._ledger.done.remote(asked.key)
        return told

    async def _one(self, team: _Team, asked: Asked) -> tuple[Row, Counters]:
        async with team.room:
            return await team.solve(asked)

    async def _keep(self, team: _Team, solved: Sequence[tuple[Row, Counters]], told: Told) -> None:
        """Write a shard, then count what is in it."""
        if not solved:
            return
        await asyncio.to_thread(team.shards.write_shard, [row for row, _ in solved])
        for row, counters in solved:
            if row.verdict is not None:
                told.verdicts.append(row.verdict)
            if row.set_aside is not None:
                told.set_aside.append(SetAside(row.problem.id, row.set_aside))
            assert told.counters is not None  # noqa: S101 - both callers make them
            add_counters(told.counters, counters)

    async def _give_up(self, error: BaseException) -> None:
        """Leave a lost engine: Ray starts this process anew, and the batch comes again."""
        if isinstance(error, EngineError):
            await self._ledger.lost.remote(str(error))
            os._exit(1)
        raise error


class _Team:
    """An engine, its translator, and what the solver needs beside them."""

    def __init__(
        self,
        job: Job,
        lane: SharedEngine,
        translator: SharedEngine | None,
        templates: Templates,
        shards: Shards,
    ) -> None:
        self.lane = lane
        self.shards = shards
        self._job = job
        self._translator = translator
        self._templates = templates
        first = first_wave(job.configuration)
        self.room = asyncio.Semaphore(open_problems(lane.engine.window, first))

    def check(self) -> None:
        """Compare what would be drawn here with what the driver meant.

        Raises:
            EngineError: something differs; the message shows it.
        """
        job = self._job
        here = Run(job.configuration, self.lane, Store(None), self._translator, self._templates)
        own = here.identity(job.identity["dataset"], job.identity["limit"])
        wrong = [
            f"{name}: {a!r} there, {b!r} here" for name, a, b in differences(job.identity, own)
        ]
        if wrong:
            raise EngineError(
                f"node {os.uname().nodename} would draw other paths than the driver ("
                f"{'; '.join(wrong)}); put the same model, prompts and clc on every node"
            )

    async def solve(self, asked: Asked) -> tuple[Row, Counters]:
        """Solve one problem, with what was drawn for it before."""
        problem = read_problem(asked.problem)
        scratch = Scratch(await self._stored(asked))
        solver = Solver(
            self.lane,
            self._job.configuration,
            templates=self._templates,
            store=scratch,
            translator=self._translator,
        )
        verdict = await solver.solve(problem)
        row = Row(*self._about(asked, problem), scratch.plan, scratch.drawn(), verdict)
        return row, solver.counters

    async def set_aside(self, asked: Asked, reason: str) -> Row:
        """Make the row of a problem that cannot be solved; what was drawn for it stays."""
        about = self._about(asked, read_problem(asked.problem))
        return Row(*about, None, Scratch(await self._stored(asked)).drawn(), set_aside=reason)

    def _about(self, asked: Asked, problem: Problem) -> tuple[int, str, int, Problem]:
        return asked.position, asked.key, self._job.configuration.paths, problem

    async def _stored(self, asked: Asked) -> Mapping[str, Sequence[Sequence[Any]]] | None:
        """What a shard holds for a problem."""
        if asked.shard is None:
            return None
        from pyarrow import compute

        here = compute.field("position") == asked.position
        found = await asyncio.to_thread(self.shards.read_shard, asked.shard, here)
        return found[0].drawn if found else None

    def as_they_are(self, problems: Sequence[Asked]) -> tuple[Asked, ...]:
        """Look for what a lost replica has stored of these problems."""
        found = self.shards.within(problems[0].position, problems[-1].position)
        return tuple(one._replace(shard=found.get(one.position, one.shard)) for one in problems)


class _Turns:
    """Either many at once, or one alone."""

    def __init__(self) -> None:
        self._gate = asyncio.Lock()
        self._empty = asyncio.Event()
        self._empty.set()
        self._in = 0

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        async with self._gate:
            self._in += 1
            self._empty.clear()
        try:
            yield
        finally:
            self._in -= 1
            if not self._in:
                self._empty.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._gate:
            await self._empty.wait()
            yield
