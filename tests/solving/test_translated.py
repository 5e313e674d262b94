"""Translations of a question within a run: whose are used, lost ones, the cache, their tokens."""

import asyncio
import dataclasses
import sqlite3

import pytest

from clc.records import Step, Usage
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.runs.translation_cache import TranslationCache
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import PROBLEM, solve, solver


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
    settings = {"store": store, "translation_tries": 2, "untranslated": "abstain"}
    _, verdict = solve(PROBLEM, engine, **settings)
    assert len(engine.translations) == 3  # two tries into English, one into Chinese
    first, second = (r for r in engine.translations if "English" in r.messages[0]["content"])
    assert (first.sampling.temperature, second.sampling.temperature) == (0.0, 0.7)
    assert verdict.abstentions["translation"] == {"en": 4}
    assert verdict.paths == 7
    assert "en" not in {lang for by in verdict.tally.values() for lang in by}
    assert store.plan("p").arms[0].fault.startswith("translation: added the number 5")
    assert next(revote(store)).verdict == verdict
    again = Loses()
    assert solve(PROBLEM, again, **settings)[1] == verdict
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
