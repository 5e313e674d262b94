"""The Python calls: one or many, lazily, from any kind of code."""

import asyncio
import threading
import time
from contextlib import aclosing

import pytest

import clc
from clc.errors import ConfigurationError, EngineError, InputError
from clc.runs.open import open_run
from clc.runs.store import Store
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import rows

ASK = "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
SETTINGS: dict = {"languages": ["en", "de"], "paths": 6}


def questions(count):
    return (f"Tom has {number} apples and buys 4 more. How many?" for number in range(count))


def test_one_question():
    engine = ScriptedEngine()
    verdict = clc.solve(ASK, engine=engine, **SETTINGS)
    assert verdict.paths == 6
    assert engine.closed == 1
    assert asyncio.run(clc.asolve(ASK, engine=ScriptedEngine(), **SETTINGS)) == verdict


def test_one_question_inside_a_running_loop():
    async def main():
        return clc.solve(ASK, engine=ScriptedEngine(), **SETTINGS)

    assert asyncio.run(main()) == clc.solve(ASK, engine=ScriptedEngine(), **SETTINGS)


def test_many_lazily():
    engine = ScriptedEngine(window=4)
    before = threading.active_count()
    verdicts = clc.solve_many(questions(100_000), engine=engine, **SETTINGS)
    assert threading.active_count() == before
    assert next(verdicts).paths == 6
    verdicts.close()
    assert engine.closed == 1
    assert len(engine.requests) < 3000
    assert threading.active_count() == before


def test_many_asynchronously_and_stopped_early():
    async def main():
        engine = ScriptedEngine(delay=lambda _: 0.005)
        async with aclosing(clc.asolve_many(questions(1000), engine=engine, **SETTINGS)) as found:
            async for _ in found:
                break
        assert (engine.closed, engine.in_flight) == (1, 0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_question_that_comes_twice_is_drawn_once_and_answered_twice():
    engine = ScriptedEngine()
    verdicts = list(clc.solve_many([ASK, ASK, ASK], engine=engine, **SETTINGS))
    ids = sorted(verdict.id for verdict in verdicts)
    assert ids[1:] == [f"{ids[0]}-2", f"{ids[0]}-3"]
    assert len({str(verdict.tally) for verdict in verdicts}) == 1
    assert set(engine.asked.values()) == {1}


def test_problems_and_texts_may_be_mixed():
    problem = clc.Problem("mine", "Wie viele sind 3 und 4?", "de")
    verdicts = clc.solve_many([problem, ASK], engine=ScriptedEngine(), **SETTINGS)
    assert "mine" in {verdict.id for verdict in verdicts}


def test_a_folder_keeps_what_was_drawn(tmp_path):
    first = list(clc.solve_many(questions(5), engine=ScriptedEngine(), store=tmp_path, **SETTINGS))
    engine = ScriptedEngine()
    again = list(clc.solve_many(questions(5), engine=engine, store=str(tmp_path), **SETTINGS))
    assert sorted(map(repr, first)) == sorted(map(repr, again))
    assert engine.requests == []
    more = ScriptedEngine()
    list(clc.solve_many(questions(7), engine=more, store=tmp_path, **(SETTINGS | {"paths": 12})))
    with Store(tmp_path, read_only=True) as store:
        assert len(rows(store)) == 7 * 12
    assert max(more.asked.values()) == 1
    assert len(more.requests) == 7 * 12 - 5 * 6 + 2  # two new questions to translate
    with pytest.raises(ConfigurationError, match=r"seed: 0 -> 1"):
        next(clc.solve_many(questions(7), engine=more, store=tmp_path, seed=1,
                            **(SETTINGS | {"paths": 12})))  # fmt: skip
    Store(tmp_path).close()  # nobody holds the lock


def test_a_plan_tells_what_each_arm_asks(tmp_path):
    german = "Tom hat 3 Äpfel und kauft 4 dazu. Wie viele Äpfel hat Tom?"
    problem = clc.Problem("p", ASK, "en", translations={"de": german})
    settings = {"languages": ["en", "de", "sw"], "paths": 3, "store": tmp_path, "cache": False}
    engine = ScriptedEngine()
    clc.solve(problem, engine=engine, **settings)
    with open_run(tmp_path) as run:
        plan = run.find("p").plan
        prompts = run.prompts([arm.prompt_key for arm in plan.arms])
    asked = {arm.language: arm.question for arm in plan.arms}
    assert asked == {"en": None, "de": german, "sw": f"[Swahili] {ASK}"}
    assert len(engine.translations) == 1
    for arm in plan.arms:
        told = prompts[arm.prompt_key].messages[-1]["content"]
        assert (arm.question or ASK) in told


def test_a_manifest_tells_how_long_drawing_took(tmp_path):
    def drawn(count, paths):
        engine = ScriptedEngine(delay=lambda _: 0.05)
        settings = {"languages": ["en"], "paths": paths, "store": tmp_path, "cache": False}
        began = time.monotonic()
        for _ in clc.solve_many(questions(count), engine=engine, **settings):
            pass
        passed = time.monotonic() - began
        with open_run(tmp_path) as run:
            return run.manifest()["seconds"], passed, len(engine.requests)

    first, passed, requests = drawn(2, 4)
    assert requests
    assert 0.05 <= first <= passed
    again, _, requests = drawn(2, 4)
    assert (again, requests) == (first, 0)
    more, passed, requests = drawn(2, 8)
    assert requests
    assert first + 0.05 <= more <= first + passed


def test_a_manifest_tells_how_long_drawing_took_until_an_interrupt(tmp_path):
    engine = ScriptedEngine(delay=lambda _: 0.02)
    settings = {"languages": ["en"], "paths": 4, "store": tmp_path, "cache": False}
    verdicts = clc.solve_many(questions(1000), engine=engine, **settings)
    next(verdicts)
    verdicts.close()
    with open_run(tmp_path) as run:
        manifest = run.manifest()
    assert manifest["seconds"] >= 0.02
    assert not manifest["finished"]


def test_an_open_store_stays_open():
    with Store(None) as store:
        clc.solve(ASK, engine=ScriptedEngine(), store=store, **SETTINGS)
        assert len(rows(store)) == 6


def test_translations_are_kept_over_runs_unless_told_not_to():
    clc.solve(ASK, engine=ScriptedEngine(), **SETTINGS)
    for cache, asked in ((True, 0), (False, 1)):
        engine = ScriptedEngine()
        clc.solve(ASK, engine=engine, cache=cache, seed=5, **SETTINGS)
        assert len(engine.translations) == asked


def test_templates_and_strategies_of_ones_own():
    engine = ScriptedEngine()
    mine = clc.Strategy(
        "mine", (clc.Arm("question", "terse", "original"),), paths=3, temperature=1.0,
        summary="s", source="me",
    )  # fmt: skip
    templates = clc.Templates(
        overrides={"terse": "--- system\nBe terse.\n--- user\n{{ question }}"}
    )
    assert clc.solve(ASK, engine=engine, strategy=mine, templates=templates).paths == 3
    assert {tuple(m["role"] for m in r.messages) for r in engine.requests} == {("system", "user")}
    assert {r.sampling.temperature for r in engine.requests} == {1.0}


def test_sampling_reaches_the_engine_as_given():
    engine = ScriptedEngine()
    clc.solve(ASK, engine=engine, temperature=0.3, top_p=0.9, top_k=7, max_tokens=33,
              stop=["END"], **SETTINGS)  # fmt: skip
    drawn = {r.sampling for r in engine.requests if r not in engine.translations}
    assert drawn == {clc.Sampling(0.3, 0.9, 7, 33, ("END",))}


@pytest.mark.parametrize("question", ["", "  \n", "\udcff broken"])
def test_no_question(question):
    with pytest.raises(ConfigurationError, match="question is"):
        clc.solve(question, engine=ScriptedEngine())


def test_one_text_where_many_are_wanted():
    with pytest.raises(ConfigurationError, match="for one there is solve"):
        list(clc.solve_many(ASK, engine=ScriptedEngine()))


def test_a_wrong_template_is_found_before_anything_is_drawn():
    engine = ScriptedEngine()
    templates = clc.Templates(overrides={"cot": "--- user\n{{ qestion }}"})
    with pytest.raises(InputError, match="'qestion' is undefined"):
        clc.solve(ASK, engine=engine, templates=templates)
    assert engine.requests == []


def test_an_engine_that_is_lost():
    class Broken(ScriptedEngine):
        async def start(self):
            raise EngineError("no such model")

    with pytest.raises(EngineError, match="no such model"):
        clc.solve(ASK, engine=Broken())


def test_order_of_the_questions_does_not_matter():
    forth = clc.solve_many(list(questions(6)), engine=ScriptedEngine(), **SETTINGS)
    back = clc.solve_many(list(questions(6))[::-1], engine=ScriptedEngine(), **SETTINGS)
    assert sorted(map(repr, forth)) == sorted(map(repr, back))
