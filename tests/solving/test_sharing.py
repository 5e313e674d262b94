"""Problems that share paths: each is sampled once, and cancelling one harms no other."""

import asyncio
import dataclasses

import pytest

from clc.errors import EngineError
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import PROBLEM, solver


def same(n):
    return [dataclasses.replace(PROBLEM, id=f"p{number}") for number in range(n)]


def test_the_same_question_twice_is_drawn_once():
    async def all_of(made):
        return await asyncio.gather(*[made.solve(problem) for problem in same(3)])

    engine = ScriptedEngine(delay=lambda _: 0.002)
    verdicts = asyncio.run(all_of(solver(engine)))
    assert set(engine.asked.values()) == {1}
    assert len(engine.requests) == 2 + 11
    assert len({dataclasses.replace(verdict, id="") == verdicts[0] for verdict in verdicts}) == 1


def test_a_cancelled_problem_does_not_take_along_another_that_shares_its_paths():
    async def main():
        engine = ScriptedEngine(delay=lambda _: 0.02)
        made = solver(engine)
        first, second, third = (asyncio.create_task(made.solve(one)) for one in same(3))
        while not engine.in_flight:  # noqa: ASYNC110 - the engine says nothing
            await asyncio.sleep(0)
        first.cancel()
        verdicts = await asyncio.gather(second, third)
        with pytest.raises(asyncio.CancelledError):
            await first
        assert [verdict.paths for verdict in verdicts] == [11, 11]
        assert made.sampler._pending == {}
        return engine

    engine = asyncio.run(main())
    assert max(engine.asked.values()) == 2  # once for the one that was cancelled
    assert engine.cancelled > 0


def test_cancelling_all_that_share_draws_nothing_more():
    """A waiter that is cancelled together with the one that draws must not draw in its place."""

    async def main():
        engine = ScriptedEngine(delay=lambda _: 0.05)
        made = solver(engine)
        tasks = [asyncio.create_task(made.solve(one)) for one in same(4)]
        while not engine.in_flight:  # noqa: ASYNC110 - the engine says nothing
            await asyncio.sleep(0)
        asked = len(engine.requests)
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(error, asyncio.CancelledError) for error in done)
        assert len(engine.requests) == asked
        assert engine.in_flight == 0
        assert made.sampler._pending == {}

    asyncio.run(main())


def test_an_error_reaches_all_that_share():
    class Dies(ScriptedEngine):
        async def complete(self, request):
            await super().complete(request)
            raise EngineError("gone")

    async def main():
        made = solver(Dies())
        return await asyncio.gather(*map(made.solve, same(3)), return_exceptions=True)

    assert [str(error) for error in asyncio.run(main())] == ["gone"] * 3


def test_no_more_is_asked_than_the_engine_wants():
    async def main(engine):
        made = solver(engine, paths=33)
        problems = [
            dataclasses.replace(PROBLEM, id=f"p{n}", question=f"Wie {n}?") for n in range(9)
        ]
        await asyncio.gather(*map(made.solve, problems))

    engine = ScriptedEngine(delay=lambda _: 0.001, window=5)
    asyncio.run(main(engine))
    assert engine.most_in_flight == 5


def test_closing_while_the_engine_starts_leaves_no_task():
    class Slow(ScriptedEngine):
        async def start(self):
            await asyncio.sleep(60)

    async def main():
        engine = Slow()
        made = solver(engine)
        task = asyncio.create_task(made.solve(PROBLEM))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.close()
        assert engine.closed == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
