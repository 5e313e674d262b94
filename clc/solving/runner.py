"""Many problems: a window of open ones, resume, and verdicts as they come.

Nothing is held for all problems at once: problems are read as the window opens, and a verdict
leaves as soon as its votes are in.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from clc.errors import DatasetError, StoreError
from clc.solving.allocation import BLOCK, allocate, check_total, divide_total, naming
from clc.solving.concurrency import all_of
from clc.solving.problem_run import ProblemRun
from clc.voting.stopping import next_round_size

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from clc.records import Problem, Verdict
    from clc.solving.configuration import Configuration, TotalBudget
    from clc.solving.solver import Solver

__all__ = ["first_round_size", "open_problems", "run"]


COMMIT_SECONDS = 0.2


def open_problems(window: int, paths: int) -> int:
    """Return how many problems to hold open so that ``window`` requests are always wanted.

    Twice what the window holds, because a problem waits for its slowest translation before its
    paths begin, and for its slowest path at the end.

    >>> open_problems(256, 11), open_problems(256, 1000)
    (48, 4)
    """
    return max(4, 2 * -(-window // paths))


async def run(
    problems: Iterable[Problem], solver: Solver, before_commit: Callable[[], None] = lambda: None
) -> AsyncGenerator[Verdict, None]:
    """Solve ``problems`` and yield each verdict when it is there (not in the order of the file).

    The paths of a verdict are committed before it is yielded. When the verdicts are not taken, the
    work stops a window ahead. The solver is closed at the end, however it ends. ``before_commit``
    may add to what is committed.

    With a total budget all problems are read first, and verdicts come block by block.

    Raises:
        DatasetError: a row is wrong. Problems read before it are solved first, unless there is a
            total budget.
        ConfigurationError: two problems have one id, the store holds another run, or the total
            budget has less than a path for each problem.
        EngineError: an engine is lost.
        StoreError: the store cannot be written. Verdicts that were not committed are not yielded.
    """
    work = _Work(problems, solver, before_commit)
    task = asyncio.create_task(work.all())
    try:
        while (verdict := await work.verdicts.get()) is not None:
            work.room.release()
            yield verdict
        await task
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        await solver.close()
        if isinstance(ended, StoreError):  # of the last commit, whatever else ended the work
            raise ended


def first_round_size(configuration: Configuration) -> int:
    """Return the number of paths that a problem wants at first.

    When a rule may stop early, it is the fewest that could let it. Paths of many problems then
    come before the later paths of any, so that the engine stays full while votes are awaited.
    """
    budget = configuration.paths
    languages = configuration.languages or configuration.strategy.languages
    upcoming = [languages[number % len(languages)] for number in range(budget)]
    least = next_round_size(configuration.stopping, [], upcoming) + configuration.ahead
    if configuration.online is not None:
        least = configuration.online.warm_up
    return min(budget, least)


class _Work:
    """The window of open problems. None among the verdicts is the end."""

    def __init__(
        self, problems: Iterable[Problem], solver: Solver, before_commit: Callable[[], None]
    ) -> None:
        self.verdicts: asyncio.Queue[Verdict | None] = asyncio.Queue()
        self._uncommitted: list[Verdict] = []
        self._window = open_problems(solver.window, first_round_size(solver.configuration))
        self.room = asyncio.Semaphore(self._window)
        self._solver = solver
        self._before_commit = before_commit
        self._source = enumerate(problems)
        self._bad_input: DatasetError | None = None
        self._failure: StoreError | None = None

    async def all(self) -> None:
        """Solve all problems; the first failure, that of a commit too, ends the work at once."""
        solving = (
            self._allocate(self._solver.configuration.total)
            if self._solver.configuration.total is not None
            else all_of([self._worker() for _ in range(self._window)])
        )
        works = (solving, self._commit_often())
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            # Committing never ends but by its error.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            if self._bad_input is not None:
                raise self._bad_input
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            try:
                if self._failure is not None:
                    raise self._failure
                self.commit()
            finally:
                self.verdicts.put_nowait(None)

    async def _worker(self) -> None:
        store = self._solver.store
        while (taken := self._take()) is not None:
            store.add_problem(*taken)
            with naming(taken[1]):
                verdict = await self._solver.solve(taken[1])
            await self._pass_on(verdict)

    async def _pass_on(self, verdict: Verdict) -> None:
        """Keep a verdict until it is committed; wait where the earlier ones are not taken."""
        await self.room.acquire()
        self._uncommitted.append(verdict)
        if len(self._uncommitted) >= self._window // 2:
            self.commit()

    async def _allocate(self, total: TotalBudget) -> None:
        """Solve blocks of problems, each with its part of the budget."""
        problems = list(self._source)
        check_total(total, len(problems))
        for start, part in zip(
            range(0, len(problems), BLOCK), divide_total(total, len(problems)), strict=True
        ):
            block = problems[start : start + BLOCK]
            for position, problem in block:
                self._solver.store.add_problem(position, problem)
            runs = [ProblemRun(problem, self._solver) for _, problem in block]
            await allocate(runs, part, self._solver.configuration.seed)
            for run in runs:
                await self._pass_on(await self._solver.finish(run))

    def _take(self) -> tuple[int, Problem] | None:
        try:
            return None if self._bad_input is not None else next(self._source, None)
        except DatasetError as error:
            self._bad_input = error
            return None

    async def _commit_often(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            self.commit()

    def commit(self) -> None:
        """Commit pending writes, then yield the verdicts that are made of them.

        One commit for several problems: each writes pages all over the file.
        """
        try:
            self._before_commit()
            self._solver.store.commit()
        except StoreError as error:
            self._failure = error  # the paths of the waiting verdicts may be gone
            raise
        for verdict in self._uncommitted:
            self.verdicts.put_nowait(verdict)
        self._uncommitted.clear()
