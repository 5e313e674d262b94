"""Many problems: the window, resume, backpressure, and an end that leaves nothing behind."""

import asyncio
import random
from contextlib import aclosing
from dataclasses import replace

import pytest

from clc.errors import ConfigurationError, DatasetError, EngineError, StoreError, TemplateError
from clc.records import Problem
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.runner import open_problems
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import SETTINGS, by_id, problems, rows, run


def test_every_problem_gets_its_verdict_and_the_engine_is_closed():
    engine, store = ScriptedEngine(), Store(None)
    verdicts = run(problems(40), store, engine)
    assert sorted(by_id(verdicts)) == sorted(f"p-{n}" for n in range(40))
    assert len(verdicts) == 40
    assert (engine.started, engine.closed, engine.in_flight) == (1, 1, 0)
    assert [solved.problem.id for solved in revote(store)] == [f"p-{n}" for n in range(40)]
    assert {solved.verdict.id: solved.verdict for solved in revote(store)} == by_id(verdicts)


class Thinking(ScriptedEngine):
    """Thinks before it answers or translates."""

    async def complete(self, request):
        completion = await super().complete(request)
        usage = replace(completion.usage, reasoning_tokens=5)
        return replace(completion, thought="Hmm, 99?", closed=True, usage=usage)


def test_thoughts_are_stored_beside_the_answers_and_are_in_no_prompt():
    engine, store, plain = Thinking(), Store(None), Store(None)
    verdicts = by_id(run(problems(3), store, engine))
    assert {one.answer for one in verdicts.values()} == {
        one.answer for one in by_id(run(problems(3), plain)).values()
    }
    solved = list(revote(store))
    paths = [path for one in solved for path in one.paths.values()]
    assert len(paths) == 18
    assert {(path.thought, path.closed) for path in paths} == {("Hmm, 99?", True)}
    assert all(path.usage.reasoning_tokens == 5 for path in paths)
    steps = store._connection.execute("SELECT thought, closed, reasoning_tokens FROM steps")
    assert {tuple(row) for row in steps} == {("Hmm, 99?", 1, 5)}
    asked = [message["content"] for one in engine.requests for message in one.messages]
    assert not any("Hmm" in content for content in asked)


@pytest.mark.parametrize("window", [1, 3, 64])
def test_window_and_speed_change_no_path_and_no_verdict(window):
    rng = random.Random(window)
    store, plain = Store(None), Store(None)
    engine = ScriptedEngine(delay=lambda _: rng.random() / 200, window=window)
    slow = run(problems(9), store, engine)
    assert by_id(slow) == by_id(run(problems(9), plain))
    assert rows(store) == rows(plain)
    assert engine.most_in_flight <= window


def test_the_order_of_the_file_changes_no_path_and_no_verdict():
    shuffled = list(problems(12))
    random.Random(1).shuffle(shuffled)
    store, plain = Store(None), Store(None)
    assert by_id(run(shuffled, store)) == by_id(run(problems(12), plain))
    assert rows(store) == rows(plain)


def test_a_run_that_goes_on_draws_only_what_is_missing(tmp_path):
    with Store(tmp_path) as store:
        run(problems(5), store)
        before = rows(store)
    with Store(tmp_path) as store:
        engine = ScriptedEngine()
        verdicts = run(problems(12), store, engine, paths=24)
        assert before.items() <= rows(store).items()
        assert len(rows(store)) == 12 * 24
        assert len(engine.requests) == 12 * 24 - 5 * 6 + 7 * 2
        again = ScriptedEngine()
        assert by_id(run(problems(12), store, again, paths=24)) == by_id(verdicts)
        assert (again.requests, again.started, again.closed) == ([], 0, 1)


def test_the_window_is_kept_full():
    async def main():
        # Slow answers: 32 in 50 ms are far fewer than a busy machine's event loop can serve.
        engine = ScriptedEngine(delay=lambda _: 0.05, window=32)
        work = Run(configure("clc", **SETTINGS), engine, Store(None))
        async with aclosing(work.verdicts(problems(60))) as verdicts:
            seen = [engine.in_flight async for _ in verdicts]
        assert engine.most_in_flight == 32
        assert sum(seen[10:40]) / 30 > 16

    asyncio.run(main())


def test_open_problems():
    assert open_problems(256, 11) == 48
    assert open_problems(1, 44) == 4


def test_problems_are_read_lazily_and_work_stops_when_nobody_looks():
    read = 0

    def counted():
        nonlocal read
        for problem in problems(10_000):
            read += 1
            yield problem

    async def main():
        work = Run(configure("clc", **SETTINGS), ScriptedEngine(window=8), Store(None))
        async with aclosing(work.verdicts(counted())) as verdicts:
            await anext(verdicts)
            await asyncio.sleep(0.4)
            assert read <= 1 + 3 * open_problems(8, 6)

    asyncio.run(main())


def test_a_bad_row_ends_the_run_after_what_was_read_before(tmp_path):
    def broken():
        yield from problems(5)
        raise DatasetError("file.tsv:6: no tab")

    seen = []

    async def main(store):
        work = Run(configure("clc", **SETTINGS), ScriptedEngine(), store)
        async for verdict in work.verdicts(broken()):
            seen.append(verdict)  # noqa: PERF401

    with Store(tmp_path) as store, pytest.raises(DatasetError, match=r"file\.tsv:6"):
        asyncio.run(main(store))
    assert len(seen) == 5
    with Store(tmp_path, read_only=True) as store:
        assert len(rows(store)) == 5 * 6


def test_a_question_that_no_template_takes_is_named():
    long = Problem("the-long-one", "Tom has 3 pens. " * 700_000, "en")
    with pytest.raises(TemplateError, match=r"^problem 'the-long-one': .* more than 10,000,000"):
        run([*problems(2), long], Store(None), ScriptedEngine())


@pytest.mark.parametrize("error", [KeyError("x"), EngineError("gone")])
def test_any_other_error_of_the_source_ends_the_run_too(error):
    def broken():
        yield from problems(3)
        raise error

    engine = ScriptedEngine()
    with pytest.raises(type(error)):
        run(broken(), Store(None), engine)
    assert engine.closed == 1


def test_a_lost_engine_ends_the_run_and_what_was_drawn_is_kept(tmp_path):
    class Dies(ScriptedEngine):
        async def complete(self, request):
            if len(self.requests) >= 50:
                raise EngineError("the endpoint is gone")
            return await super().complete(request)

    engine = Dies(delay=lambda _: 0.001)
    with Store(tmp_path) as store, pytest.raises(EngineError, match="gone"):
        run(problems(20), store, engine)
    assert engine.closed == 1
    assert engine.in_flight == 0
    with Store(tmp_path) as store:
        kept = rows(store)
        assert 10 < len(kept) <= 50
        done = len(list(revote(store)))
        assert done < 20  # a problem that is not done has no verdict yet
        verdicts = run(problems(20), store)
        assert kept.items() <= rows(store).items()
    assert by_id(verdicts) == by_id(run(problems(20), Store(None)))


def test_a_verdict_is_committed_before_it_is_seen(tmp_path):
    async def main(store):
        work = Run(configure("clc", **SETTINGS), ScriptedEngine(), store)
        async for verdict in work.verdicts(problems(6)):
            with Store(tmp_path, read_only=True) as reader:
                seen = {solved.verdict.id: solved.verdict for solved in revote(reader)}
                assert seen[verdict.id] == verdict

    with Store(tmp_path) as store:
        asyncio.run(main(store))


def test_two_problems_of_one_id_are_refused():
    twice = [Problem("p", "Wie 1?", "de"), Problem("p", "Wie 2?", "de")]
    with pytest.raises(ConfigurationError, match="twice"):
        run(twice, Store(None))


def test_a_store_that_is_lost_still_closes_the_engine(tmp_path):
    engine, store = ScriptedEngine(), Store(tmp_path)
    store.close()
    with pytest.raises(StoreError):
        run(problems(3), store, engine)
    assert engine.closed == 1


def test_stopping_early_leaves_no_task_and_no_request():
    async def main():
        engine = ScriptedEngine(delay=lambda _: 0.01)
        work = Run(configure("clc", **SETTINGS), engine, Store(None))
        async for _ in (verdicts := work.verdicts(problems(500))):
            break
        await verdicts.aclose()
        assert engine.closed == 1
        assert engine.in_flight == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_cancelling_leaves_no_task_and_no_request():
    async def main():
        engine = ScriptedEngine(delay=lambda _: 0.01)
        work = Run(configure("clc", **SETTINGS), engine, Store(None))

        async def look():
            async with aclosing(work.verdicts(problems(500))) as verdicts:
                async for _ in verdicts:
                    pass

        task = asyncio.create_task(look())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (engine.closed, engine.in_flight) == (1, 0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
