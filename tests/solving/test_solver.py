"""One problem: which paths are drawn, what they are shared with, and what becomes of lost ones."""

import asyncio
import dataclasses
import random
import sqlite3

import pytest

from clc.errors import EngineError
from clc.prompts.templates import Templates
from clc.records import Problem, Step, Usage
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.runs.translation_cache import TranslationCache
from clc.solving.configure import configure
from clc.solving.solver import Solver
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.strategy import Arm
from clc.voting.verdict import read_votes
from tests.engines.scripted import ScriptedEngine

PROBLEM = Problem("p", "Tom hat 3 Äpfel und kauft 4 dazu. Wie viele?", "de", "7")


def solver(engine=None, *, store=None, translator=None, cache=None, **settings):
    chosen: dict = {"languages": ["en", "de", "zh"], "paths": 11} | settings
    return Solver(
        engine or ScriptedEngine(),
        configure(chosen.pop("strategy", "clc"), **chosen),
        templates=Templates(),
        store=store or Store(None),
        translator=translator,
        cache=cache,
    )


def solve(problem=PROBLEM, *args, **more):
    made = solver(*args, **more)
    made.store.add_problem(0, problem)
    return made, asyncio.run(made.solve(problem))


def rows(store):
    """Every stored path, as it stands in the store."""
    return {
        row[0]: row
        for row in store._connection.execute(
            "SELECT key, idx, seed, text, finish_reason, prompt_tokens, completion_tokens FROM paths"
        )
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("language", ["en", "de", "ta"])
def test_every_strategy_solves(strategy, language):
    problem = dataclasses.replace(PROBLEM, language=language)
    made, verdict = solve(problem, strategy=strategy, languages=None, paths=None)
    assert verdict.paths == STRATEGIES[strategy].paths
    votes = verdict.total + sum(sum(by.values()) for by in verdict.abstentions.values())
    assert votes == verdict.paths
    assert made.counters.drawn == verdict.paths
    assert verdict.usage.total > 0


def test_the_plan_is_whole_and_the_vote_is_of_the_store():
    store = Store(None)
    made, verdict = solve(store=store)
    assert [(arm.language, arm.paths) for arm in store.plan("p").arms] == [
        ("en", 4),
        ("de", 4),
        ("zh", 3),
    ]
    (solved,) = revote(store)
    assert solved.verdict == verdict
    assert len(rows(store)) == 11
    assert (
        len(made.sampler.engine.engine.translations) == 2
    )  # into en and zh; the question is German


def test_the_same_seed_draws_the_same_and_another_does_not():
    stores = [Store(None) for _ in range(3)]
    for store, seed in zip(stores, (0, 0, 1), strict=True):
        solve(store=store, seed=seed)
    first, again, other = (rows(store) for store in stores)
    assert first == again
    assert not set(first) & set(other)
    assert not {row[2] for row in first.values()} & {row[2] for row in other.values()}


def test_a_larger_budget_redraws_nothing():
    store = Store(None)
    solve(store=store, paths=11)
    before = rows(store)
    engine = ScriptedEngine()
    made, verdict = solve(PROBLEM, engine, store=store, paths=44)
    after = rows(store)
    assert before.items() <= after.items()
    assert len(after) == 44
    assert len(engine.requests) == 33
    assert made.counters.reused == 11
    fresh = Store(None)
    _, undisturbed = solve(store=fresh, paths=44)
    assert rows(fresh) == after
    assert undisturbed == verdict


def test_arms_that_render_one_prompt_sample_different_paths():
    """A human translation that equals the question makes two arms one prompt."""
    strategy = dataclasses.replace(
        STRATEGIES["clc"],
        arms=(
            dataclasses.replace(STRATEGIES["clc"].arms[0], language="en", question="original"),
            dataclasses.replace(STRATEGIES["clc"].arms[0], language="en", question="translated"),
        ),
    )
    problem = Problem("p", "Tom has 3 and 4?", "en-GB", None, {"en": "Tom has 3 and 4?"})
    templates = Templates(overrides={"cot": "--- user\n{{ question }}"})
    store = Store(None)
    for paths in (3, 10):
        made = Solver(
            ScriptedEngine(), configure(strategy, paths=paths), templates=templates, store=store
        )
        asyncio.run(made.solve(problem))
        first, second = store.plan("p").arms
        assert first.prompt_key == second.prompt_key
        assert (first.paths, second.paths) == (-(-paths // 2), paths // 2)
        assert len(rows(store)) == len({row[2] for row in rows(store).values()}) == paths


def test_no_arm_waits_for_the_translation_of_another():
    """Though both might render the same prompt."""

    class Hangs(ScriptedEngine):
        async def complete(self, request):
            if "into English" in request.messages[-1]["content"]:
                await asyncio.sleep(60)
            return await super().complete(request)

    strategy = dataclasses.replace(
        STRATEGIES["clc"], arms=(Arm("en"), Arm("en-GB", question="original"))
    )
    problem = Problem("p", "Tom has 3 and buys 4?", "en-GB")
    made = solver(Hangs(), strategy=strategy, paths=4, languages=None)
    verdict = asyncio.run(made.solve(problem, deadline=0.5))
    assert verdict.paths == 2
    assert verdict.abstentions["deadline"] == {"en": 2}


def test_arms_that_differ_in_their_share_alone_count_no_path_twice():
    strategy = dataclasses.replace(
        STRATEGIES["clc"], arms=(Arm("question", question="original", share=2), Arm("*"))
    )
    store = Store(None)
    made, verdict = solve(store=store, strategy=strategy, languages=["en", "de"], paths=8)
    assert made.counters.drawn == verdict.paths == len(rows(store)) == 8
    assert made.counters.reused == 0
    assert [(arm.language, arm.paths) for arm in store.plan("p").arms] == [("en", 2), ("de", 6)]


def test_a_count_of_tokens_beyond_all_sense_is_clamped():
    class Boasts(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            return dataclasses.replace(done, usage=Usage(2**63, 2**70, 2**70))

    store = Store(None)
    _, verdict = solve(PROBLEM, Boasts(), store=store)
    assert verdict.usage == Usage(*[11 * (2**53 - 1)] * 3)
    assert next(revote(store)).verdict == verdict


def test_gold_changes_no_verdict_and_no_path():
    stores = [Store(None) for _ in range(3)]
    verdicts = [
        solve(dataclasses.replace(PROBLEM, gold=gold), store=store)[1]
        for gold, store in zip(("7", "8", None), stores, strict=True)
    ]
    assert verdicts[0] == verdicts[1] == verdicts[2]
    assert rows(stores[0]) == rows(stores[1]) == rows(stores[2])


def test_the_order_in_which_paths_come_changes_nothing():
    verdicts = []
    for shuffle in range(5):
        rng = random.Random(shuffle)
        store = Store(None)
        engine = ScriptedEngine(delay=lambda _, rng=rng: rng.random() / 100)
        verdicts.append(solve(PROBLEM, engine, store=store)[1])
        verdicts.append(next(revote(store)).verdict)
    assert all(verdict == verdicts[0] for verdict in verdicts)


def test_votes_are_read_in_drawing_order():
    store = Store(None)
    solve(store=store)
    (solved,) = revote(store)
    assert [vote.language for vote in read_votes(PROBLEM, solved.plan, solved.paths)] == (
        ["en", "de", "zh"] * 3 + ["en", "de"]
    )


# Translation


def test_human_translations_are_used_unless_told_not_to():
    problem = dataclasses.replace(PROBLEM, translations={"en": "Tom has 3.", "zh": "汤姆有3个。"})
    for human, asked in ((True, 0), (False, 2)):
        engine = ScriptedEngine()
        solve(problem, engine, human_translations=human)
        assert len(engine.translations) == asked


def test_a_translation_that_loses_a_number_is_drawn_again_and_then_its_arm_abstains():
    class Loses(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "into English" in request.messages[0]["content"]:
                done = dataclasses.replace(done, text=done.text.replace("3", "three, no: 5"))
            return done

    store, engine = Store(None), Loses()
    _, verdict = solve(PROBLEM, engine, store=store, translation_tries=2)
    assert len(engine.translations) == 3  # two tries into English, one into Chinese
    first, second = (r for r in engine.translations if "English" in r.messages[0]["content"])
    assert (first.sampling.temperature, second.sampling.temperature) == (0.0, 0.7)
    assert verdict.abstentions["translation"] == {"en": 4}
    assert verdict.paths == 7
    assert "en" not in {lang for by in verdict.tally.values() for lang in by}
    assert store.plan("p").arms[0].fault.startswith("translation: added the number 5")
    assert next(revote(store)).verdict == verdict
    again = Loses()
    assert solve(PROBLEM, again, store=store, translation_tries=2)[1] == verdict
    assert again.requests == []


def test_a_translation_that_is_lost_is_a_lost_arm_and_drawn_again_later():
    def lose(request):
        return "503" if "into English" in request.messages[0]["content"] else None

    store = Store(None)
    made, verdict = solve(PROBLEM, ScriptedEngine(lose=lose), store=store)
    assert verdict.abstentions["engine_failure"] == {"en": 4}
    assert made.counters.lost == 1
    assert store.counts()["failures"] == 1
    assert next(revote(store)).verdict == verdict
    _, mended = solve(store=store)
    assert mended.paths == 11
    assert store.counts()["failures"] == 0


def test_another_engine_translates():
    engine, translator = ScriptedEngine(), ScriptedEngine(fingerprint="other")
    made = solver(engine, translator=translator)
    asyncio.run(made.solve(PROBLEM))
    assert len(engine.translations) == 0
    assert len(translator.requests) == 2
    asyncio.run(made.close())
    assert (engine.closed, translator.closed) == (1, 1)


def test_translations_serve_other_runs_of_the_same_model(tmp_path):
    cache = TranslationCache(tmp_path)
    solve(PROBLEM, ScriptedEngine(), cache=cache, seed=1)
    engine = ScriptedEngine()
    store = Store(None)
    made, verdict = solve(PROBLEM, engine, cache=cache, seed=2, store=store)
    assert engine.translations == []
    assert made.counters.translations == 0
    assert verdict.translation_usage.total > 0  # what the verdict is worth, whoever paid
    assert store.counts()["steps"] == 2
    other = ScriptedEngine(fingerprint="another model")
    solve(PROBLEM, other, cache=cache)
    assert len(other.translations) == 2
    cache.close()


def test_tokens_are_counted_where_they_are_spent():
    engine = ScriptedEngine()
    made, verdict = solve(PROBLEM, engine)
    assert verdict.translation_usage.total > 0
    assert (
        made.counters.completion_tokens
        == verdict.usage.completion_tokens + verdict.translation_usage.completion_tokens
    )


# Loss


def test_a_lost_path_abstains_with_its_reason_and_is_drawn_again():
    lost = []

    def lose(request):
        if request.seed % 3 == 0:
            lost.append(request.key)
            return "timeout"
        return None

    store = Store(None)
    made, verdict = solve(PROBLEM, ScriptedEngine(lose=lose), store=store)
    assert lost
    assert made.counters.lost == len(lost)
    assert sum(verdict.abstentions["engine_failure"].values()) == len(lost)
    assert store.failures(lost) == dict.fromkeys(lost, "timeout")
    assert next(revote(store)).verdict == verdict
    before = rows(store)
    engine = ScriptedEngine()
    _, mended = solve(PROBLEM, engine, store=store)
    assert set(engine.asked) == set(lost)
    assert before.items() <= rows(store).items()
    assert mended == solve()[1]


def test_a_lost_engine_is_an_error_and_what_was_drawn_stays():
    class Dies(ScriptedEngine):
        async def complete(self, request):
            if len(self.requests) == 6:
                raise EngineError("the engine died")
            return await super().complete(request)

    store = Store(None)
    made = solver(Dies(), store=store)
    with pytest.raises(EngineError, match="died"):
        asyncio.run(made.solve(PROBLEM))
    assert made.sampler._pending == {}
    kept = rows(store)
    solve(store=store)
    assert kept.items() <= rows(store).items()


def test_an_engine_that_cannot_start_says_so_to_everyone():
    class Broken(ScriptedEngine):
        async def start(self):
            await asyncio.sleep(0.01)
            raise EngineError("no such model")

    async def both(made):
        return await asyncio.gather(
            made.solve(PROBLEM),
            made.solve(dataclasses.replace(PROBLEM, id="q", question="Wie 5?")),
            return_exceptions=True,
        )

    made = solver(Broken())
    assert [str(error) for error in asyncio.run(both(made))] == ["no such model"] * 2


# Sharing


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


class InlineThoughts(ScriptedEngine):
    """Its translations hold a thought in their text, as those that an older clc cached."""

    async def complete(self, request):
        completion = await super().complete(request)
        if request in self.translations:
            thought = f"<think>I keep the numbers of: {completion.text}</think>\n\n"
            return dataclasses.replace(completion, text=thought + completion.text)
        return completion


def test_a_cached_translation_that_holds_a_thought_is_made_again(tmp_path):
    cache = TranslationCache(tmp_path)
    first = InlineThoughts()
    solve(engine=first, cache=cache)
    assert first.translations
    second = ScriptedEngine()
    _, verdict = solve(engine=second, cache=cache)
    assert len(second.translations) == len(first.translations)
    third = ScriptedEngine()
    solve(engine=third, cache=cache)
    assert not third.translations
    assert verdict.abstentions.get("translation") is None
    for engine in (first, second):
        prompts = [request.messages[-1]["content"] for request in engine.requests]
        assert any("[English] Tom" in prompt for prompt in prompts)
        assert not any("think>" in prompt for prompt in prompts)
    cache.close()


@pytest.mark.parametrize(
    "change",
    ["text = NULL", "text = X'ff'", "finish_reason = NULL", "language = X'00'", "language = NULL",
     "prompt_tokens = 'many'", "prompt_tokens = NULL", "completion_tokens = 1.5",
     "completion_tokens = X'07'", "finish_reason = X'73746f70'"],
)  # fmt: skip
def test_a_damaged_translation_in_the_cache_is_made_again(change, tmp_path):
    cache = TranslationCache(tmp_path)
    step = Step("translation", "de", "Wie viele?", "stop", Usage(3, 4))
    cache.put("k", step)
    with sqlite3.connect(tmp_path / "translations.sqlite") as database:
        database.execute(f"UPDATE translations SET {change}")
    database.close()
    assert cache.get("k") is None
    cache.put("k", step)
    assert cache.get("k") == step
    cache.close()
