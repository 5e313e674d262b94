"""Runs whose store fails or has lost something: nothing is lost unnoticed, and the run goes on later."""

import asyncio
import sqlite3
from contextlib import aclosing, suppress

import pytest

from clc.errors import StoreError
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.concurrency import iterate
from clc.solving.configure import configure
from clc.solving.run import Run
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import SETTINGS, by_id, problems, rows, run


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
