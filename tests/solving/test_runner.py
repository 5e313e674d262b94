"""Many problems: the window, resume, backpressure, and an end that leaves nothing behind."""

import asyncio
import random
import sqlite3
import threading
from contextlib import aclosing, suppress
from dataclasses import replace

import pytest

from clc.errors import ConfigurationError, DatasetError, EngineError, StoreError
from clc.records import Problem
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.concurrency import iterate
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.runner import open_problems
from tests.engines.scripted import ScriptedEngine

from .test_solver import rows

SETTINGS: dict = {"languages": ["en", "de", "zh"], "paths": 6}


def problems(count, first=0):
    for number in range(first, first + count):
        yield Problem(f"p-{number}", f"Wie viele sind {number} und 2?", "de", str(number + 2))


def run(source, store, engine=None, **settings):
    engine = engine or ScriptedEngine()
    work = Run(configure("clc", **(SETTINGS | settings)), engine, store)

    async def collect():
        return [verdict async for verdict in work.verdicts(source)]

    return asyncio.run(collect())


def by_id(verdicts):
    return {verdict.id: verdict for verdict in verdicts}


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


# From ordinary code


async def count(to, closed=None):
    try:
        for number in range(to):
            await asyncio.sleep(0)
            yield number
    finally:
        await asyncio.sleep(0.05)
        if closed is not None:
            closed.append(True)


def test_iterate_gives_all_in_order():
    assert list(iterate(lambda: count(300))) == list(range(300))


def test_iterate_inside_a_running_loop():
    async def main():
        return list(iterate(lambda: count(10)))

    assert asyncio.run(main()) == list(range(10))


def test_iterate_hands_errors_over():
    async def breaks():
        yield 1
        raise EngineError("gone")

    items = iterate(breaks)
    assert next(items) == 1
    with pytest.raises(EngineError, match="gone"):
        next(items)
    assert list(items) == []


def test_iterate_stops_ahead_and_closing_waits_for_the_end():
    closed, made = [], []

    async def counted():
        async with aclosing(count(10**9, closed)) as source:
            async for number in source:
                made.append(number)
                yield number

    before = threading.active_count()
    items = iterate(counted, ahead=5)
    assert next(items) == 0
    threading.Event().wait(0.3)
    assert len(made) <= 5 + 2
    items.close()
    assert closed == [True]
    assert threading.active_count() == before


def test_an_iterator_that_is_never_asked_starts_nothing():
    before = threading.active_count()
    items = iterate(lambda: count(3))
    assert threading.active_count() == before
    items.close()


class FailingStore(Store):
    """A store whose disk is full at one commit: SQLite rolls the transaction back."""

    def __init__(self, folder, fails_at):
        super().__init__(folder)
        self.commits, self.fails_at = 0, fails_at

    def commit(self):
        self.commits += 1
        if self.commits == self.fails_at:
            self._connection.rollback()
            raise StoreError("database or disk is full")
        super().commit()


@pytest.mark.parametrize("fails_at", [1, 2, 3, 5])
@pytest.mark.parametrize("often", [True, False])
@pytest.mark.slow
def test_a_failing_commit_ends_the_run_and_loses_nothing(tmp_path, monkeypatch, fails_at, often):
    monkeypatch.setattr("clc.solving.runner.COMMIT_SECONDS", 0.001 if often else 3600)
    engine = ScriptedEngine(delay=lambda _: 0.002, window=4)
    seen = []

    async def main(store):
        work = Run(configure("clc", **SETTINGS), engine, store)
        work.begin({"given": "by a test"})
        async for verdict in work.verdicts(problems(30)):
            seen.append(verdict)  # noqa: PERF401
        work.finish()

    with FailingStore(tmp_path, fails_at) as store, pytest.raises(StoreError, match="disk is full"):
        asyncio.run(main(store))
    assert store.commits == fails_at
    assert (engine.closed, engine.in_flight) == (1, 0)
    with Store(tmp_path) as reopened:
        assert not reopened.manifest()["finished"]
        kept = {solved.problem.id: solved.verdict for solved in revote(reopened)}
        assert {verdict.id: verdict for verdict in seen}.items() <= kept.items()
        work = Run(configure("clc", **SETTINGS), ScriptedEngine(), reopened)
        assert not work.begin({"given": "by a test"})

        async def again():
            return [verdict async for verdict in work.verdicts(problems(30))]

        assert by_id(asyncio.run(again())) == by_id(run(problems(30), Store(None)))
        work.finish()
        assert work.begin({"given": "by a test"})


@pytest.mark.parametrize(
    "gone",
    [
        "DELETE FROM paths WHERE rowid = 7",
        "DELETE FROM paths",
        "DELETE FROM plans WHERE problem_id = 'p-3'",
        "DELETE FROM problems WHERE id = 'p-9'",
        "DELETE FROM problems WHERE position < 5",
        "DELETE FROM plans",
    ],
)
@pytest.mark.slow
def test_a_finished_run_with_holes_goes_on(tmp_path, gone):
    def work_on(store):
        work = Run(configure("clc", **SETTINGS), ScriptedEngine(), store)
        finished = work.begin({"given": "by a test"})
        if not finished:

            async def drain():
                return [verdict async for verdict in work.verdicts(problems(10))]

            asyncio.run(drain())
            work.finish()
        return finished

    with Store(tmp_path) as store:
        assert not work_on(store)
        whole = rows(store)
    with Store(tmp_path) as store:
        assert work_on(store)
    with sqlite3.connect(tmp_path / "run.sqlite") as connection:
        connection.execute(gone)
    connection.close()
    with Store(tmp_path) as store:
        assert not work_on(store)
        assert rows(store) == whole
        assert work_on(store)


def test_a_run_is_not_finished_over_problems_that_the_store_lost(tmp_path):
    with Store(tmp_path) as store:
        work = Run(configure("clc", **SETTINGS), ScriptedEngine(), store)
        work.begin({"given": "by a test"})

        async def drain():
            return [verdict async for verdict in work.verdicts(problems(4))]

        asyncio.run(drain())
        store._connection.execute("DELETE FROM paths WHERE rowid IN (1, 2)")
        with pytest.raises(StoreError, match=r"1 of 4 problems|2 of 4 problems"):
            work.finish()
        assert not store.manifest()["finished"]


def test_the_seconds_of_a_killed_run_are_counted(tmp_path):
    class Killed(Exception):  # noqa: N818 - ends the process's work
        pass

    class Unfinished(Store):
        def write_manifest(self, manifest):
            if "seconds" in manifest:
                raise Killed
            super().write_manifest(manifest)

    async def go(kind):
        with kind(tmp_path) as store:
            work = Run(configure("clc", **SETTINGS), ScriptedEngine(), store)
            work.begin({"source": "x"})
            async for _ in work.verdicts(problems(3)):
                pass

    with pytest.raises(Killed):
        asyncio.run(go(Unfinished))
    with Store(tmp_path, read_only=True) as store:
        kept = store.seconds()
        assert kept > 0
        assert "seconds" not in store.manifest()
    asyncio.run(go(Store))
    with Store(tmp_path, read_only=True) as store:
        assert store.manifest()["seconds"] == round(kept, 3)  # nothing was sampled now


@pytest.mark.parametrize("replaced", [True, False])
def test_a_run_ends_when_its_folder_is_moved(replaced, tmp_path):
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    asked = 0

    def move(_):
        nonlocal asked
        asked += 1
        if asked == 30:
            folder.rename(elsewhere)
            if replaced:
                with Store(folder) as other:
                    other.write_manifest({"identity": {"seed": 9}})
        return 0

    async def go():
        with Store(folder) as store:
            work = Run(configure("clc", **SETTINGS), ScriptedEngine(delay=move), store)
            work.begin({"source": "x"})
            async for _ in work.verdicts(problems(200)):
                pass

    with pytest.raises(StoreError, match="was moved, replaced or deleted while the run went on"):
        asyncio.run(go())
    assert asked < 1000  # it did not sample on
    if replaced:
        with Store(folder, read_only=True) as other:
            assert other.manifest() == {"identity": {"seed": 9}}
            assert other.started() == 0
    folder = elsewhere
    asyncio.run(go())
    with Store(elsewhere, read_only=True) as store:
        assert store.done() == 200


class FullDisk(Store):
    """A store in which one write fails, in a task that may have nobody to wait for it."""

    def __init__(self, folder, method, at):
        super().__init__(folder)
        self.calls, self.method, self.at = 0, method, at

    def _fail(self, method):
        if method == self.method:
            self.calls += 1
            if self.calls == self.at:
                self._connection.rollback()
                self._database.write("INSERT INTO nowhere VALUES (1)", ())

    def add_path(self, path):
        self._fail("add_path")
        super().add_path(path)

    def add_step(self, key, step):
        self._fail("add_step")
        super().add_step(key, step)

    def add_prompt(self, prompt):
        self._fail("add_prompt")
        super().add_prompt(prompt)

    def set_plan(self, problem_id, plan):
        self._fail("set_plan")
        super().set_plan(problem_id, plan)

    def add_failure(self, key, reason):
        self._fail("add_failure")
        super().add_failure(key, reason)

    def add_problem(self, position, problem):
        self._fail("add_problem")
        super().add_problem(position, problem)


METHODS = ["add_path", "add_step", "add_prompt", "set_plan", "add_failure", "add_problem"]


@pytest.mark.parametrize("at", [1, 5, 9])
@pytest.mark.parametrize("method", METHODS)
def test_a_failing_write_ends_the_run_wherever_it_is(tmp_path, method, at):
    def lose(request):
        return "503" if method == "add_failure" and request.seed % 3 == 0 else None

    async def main(store):
        # Early stopping cancels paths and drops their errors.
        work = Run(configure("clc", stopping="lead", **SETTINGS), ScriptedEngine(lose=lose), store)
        work.begin({"given": "by a test"})
        async for _ in work.verdicts(problems(20)):
            pass
        work.finish()

    with FullDisk(tmp_path, method, at) as store, pytest.raises(StoreError, match="nowhere"):
        asyncio.run(main(store))
    with Store(tmp_path) as reopened:
        assert not reopened.manifest()["finished"]


def test_a_write_that_failed_unnoticed_fails_the_next_commit(tmp_path):
    with FullDisk(tmp_path, "add_failure", 1) as store:
        with suppress(StoreError):
            store.add_failure("k", "lost")
        with pytest.raises(StoreError, match="nowhere"):
            store.commit()


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_a_commit_that_fails_when_a_run_is_stopped_is_raised(tmp_path, monkeypatch, taken):
    monkeypatch.setattr("clc.solving.runner.COMMIT_SECONDS", 0.001)

    class Fails(Store):
        stopped = False

        def commit(self):
            if self.stopped:
                raise StoreError("database or disk is full")
            super().commit()

    async def main(store):
        work = Run(configure("clc", **SETTINGS), ScriptedEngine(delay=lambda _: 0.001), store)
        async with aclosing(work.verdicts(problems(60))) as verdicts:
            for _ in range(taken + 1):
                await anext(verdicts)
            store.stopped = True

    with Fails(tmp_path) as store:
        with pytest.raises(StoreError, match="disk is full"):
            asyncio.run(main(store))
        store.stopped = False


def test_an_iterator_that_is_closed_raises_the_error_of_its_end():
    async def source():
        try:
            for number in range(1000):
                yield number
                await asyncio.sleep(0.001)
        finally:
            raise StoreError("database or disk is full")

    items = iterate(source)
    assert next(items) == 0
    with pytest.raises(StoreError, match="disk is full"):
        items.close()
