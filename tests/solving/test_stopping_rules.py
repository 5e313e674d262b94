"""Stopping rules and deadlines: the paths that are sampled, and those that are aborted."""

import asyncio
import dataclasses

import pytest

from clc.records import AbstainReason, Confidence
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configuration import Online
from clc.voting.stopping import Stopping, first_stop
from tests.engines.scripted import ScriptedEngine
from tests.solving.solved import LANGUAGES, agree, solved
from tests.solving.test_languages_left import FRENCH


@pytest.mark.parametrize("rule", ["lead", "beta", "dirichlet", "window", "crosslingual"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.slow
def test_a_rule_draws_what_drawing_one_by_one_would_and_no_path_more(rule, seed):
    stopping = Stopping(rule, threshold=0.9, window=3, languages=2)
    everything, _ = solved(seed=seed)
    (full,) = revote(everything.store)
    stop = first_stop(stopping, full.votes, 24, LANGUAGES)
    made, verdict = solved(seed=seed, stopping=stopping)
    drawn = 24 if stop is None else stop.paths
    assert verdict.paths == made.counters.drawn == drawn
    assert made.counters.unwanted == 0
    if rule == "lead":
        assert (verdict.answer, verdict.tied) == (full.verdict.answer, full.verdict.tied)
    if stop is not None:
        assert verdict.details["stop"] == {
            "rule": rule, "paths": drawn, "probability": stop.probability,
        }  # fmt: skip


def test_paths_ahead_are_aborted_when_they_are_not_wanted():
    engine = agree("Answer: 7")

    def delay(request):
        before = [one.messages for one in engine.requests].count(request.messages)
        return 0.02 if before == 1 else 30.0  # the first path of each language comes at once

    engine._delay = delay
    made, verdict = solved(engine, stopping=Stopping("beta", threshold=0.95), ahead=12)
    assert verdict.paths == 4
    assert engine.in_flight == 0
    assert engine.cancelled > 0
    assert made.counters.unwanted == 12
    assert made.sampler.engine.in_flight == 0


def test_the_same_run_again_stops_at_the_same_path_without_the_engine():
    store = Store(None)
    _, first = solved(store=store, stopping="beta")
    engine = ScriptedEngine()
    made, again = solved(engine, store=store, stopping="beta")
    assert again == first
    assert engine.requests == []
    assert made.counters.reused == first.paths


def test_only_the_languages_that_are_needed_are_translated():
    engine = agree("Answer: 7")
    solved(engine, stopping=Stopping("lead"), paths=3, languages=["de", "en", "zh"])
    assert len(engine.translations) == 1  # two votes of three decide


def test_a_deadline_takes_the_vote_so_far():
    engine = agree("Answer: 7")
    engine._delay = lambda request: 0.0 if len(engine.requests) < 20 else 60.0
    made, verdict = solved(engine, deadline=0.5)
    assert verdict.answer == "7"
    assert verdict.details["deadline"] is True
    assert 0 < verdict.total < 24
    missing = sum(verdict.abstentions[AbstainReason.DEADLINE].values())
    assert verdict.total + missing == 24
    assert engine.in_flight == 0
    assert made.sampler.engine.in_flight == made.sampler.engine.waiting == 0


def test_a_deadline_before_anything_is_there():
    engine = ScriptedEngine(delay=lambda _: 60.0)
    _, verdict = solved(engine, deadline=0.1)
    assert verdict.answer is None
    assert verdict.details["deadline"] is True


def test_whoever_watches_sees_every_vote():
    seen = []
    solved(watch=lambda votes, planned: seen.append((len(votes), planned)))
    assert seen == [(number, 24) for number in range(1, 25)]


def test_unsure_paths_are_aborted_after_the_warm_up():
    class Measured(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if request.measure is None:
                return done
            low = 10.0 + request.seed % 7
            if request.measure.floor is not None and low < request.measure.floor:
                return dataclasses.replace(done, finish_reason="abort")
            return dataclasses.replace(done, confidence=Confidence(low, low, low, -0.1))

    online = Online(warm_up=6, keep=0.5, consensus=1.0)
    made, verdict = solved(Measured(), strategy="sc", languages=None, online=online)
    floors = [r.measure.floor for r in made.sampler.engine.engine.requests]
    assert floors[:6] == [None] * 6
    assert None not in floors[6:]
    assert verdict.abstentions["low_confidence"]["de"] > 0
    assert verdict.paths == 24
    _, verdict = solved(agree("Antwort: 7"), strategy="sc", languages=None, online=online)
    assert verdict.paths == 6


@pytest.mark.slow
def test_a_deadline_keeps_a_path_that_was_to_be_drawn_again_and_counts_what_was_spent():
    class Slow(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if request in self.translations:
                return done
            if self.asked.total() > 2:
                await asyncio.sleep(60)
            return dataclasses.replace(done, text=FRENCH)

    _, verdict = solved(Slow(), languages=["en"], paths=1, fidelity="redraw", deadline=1.5)
    assert verdict.answer == "7"
    assert verdict.usage.completion_tokens > 0
    engine: ScriptedEngine = ScriptedEngine(
        delay=lambda _: 60.0 if len(engine.requests) > 3 else 0.0
    )
    _, verdict = solved(engine, languages=["en", "zh", "fr"], paths=3, deadline=1.5)
    assert verdict.answer is None
    assert verdict.translation_usage.completion_tokens > 0
