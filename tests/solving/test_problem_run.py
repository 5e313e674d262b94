"""Waves: which paths a stopping rule draws, what is aborted, and that the store tells the same."""

import asyncio
import dataclasses
from collections import Counter

import pytest

from clc.engines.shared import SharedEngine
from clc.errors import ClcError
from clc.prompts.templates import Templates
from clc.records import AbstainReason, Confidence, Message, Problem
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configuration import Online
from clc.solving.configure import configure
from clc.solving.solver import Solver
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.strategy import Arm, Planner
from clc.voting import outcomes
from clc.voting.outcomes import read_outcome
from clc.voting.stopping import Stopping, first_stop
from tests.engines.scripted import ScriptedEngine

PROBLEM = Problem("p", "Tom hat 3 Äpfel und kauft 4 dazu. Wie viele?", "de", "7")
LANGUAGES = ["en", "de", "zh", "fr"]


def solved(
    engine=None,
    *,
    problem=PROBLEM,
    manifest=None,
    store=None,
    deadline=None,
    watch=None,
    **settings,
):
    """Solve a problem, check that the store tells the same, and return solver and verdict."""
    chosen: dict = {"strategy": "clc", "languages": LANGUAGES, "paths": 24} | settings
    configuration = configure(chosen.pop("strategy"), **chosen)
    store = store or Store(None)
    made = Solver(engine or ScriptedEngine(), configuration, templates=Templates(), store=store)
    if store.problem(problem.id) is None:
        store.add_problem(0, problem)
    verdict = asyncio.run(made.solve(problem, deadline=deadline, watch=watch))
    if configuration.fidelity != "count" and configuration.strategy.voting == "majority":
        (again,) = revote(store)  # a store in memory has no manifest that says otherwise
        assert again.verdict == verdict
    return made, verdict


def agree(text):
    """An engine that always says the same in the end."""

    class Agrees(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "into" in request.messages[-1]["content"][:40]:
                return done
            return dataclasses.replace(done, text=text)

    return Agrees()


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


def test_earlier_turns_stand_before_every_prompt():
    said = (Message(role="user", content="Hello"), Message(role="assistant", content="Hi"))
    engine = ScriptedEngine()
    solved(engine, problem=dataclasses.replace(PROBLEM, context=said))
    paths = [request for request in engine.requests if request not in engine.translations]
    assert len(paths) == 24
    assert all(request.messages[:2] == said for request in paths)


def test_two_turns_are_one_conversation_and_each_path_has_its_own():
    engine = ScriptedEngine()
    made, verdict = solved(engine, strategy="clp", paths=5, temperature=0.7)
    turns = [request for request in engine.requests if len(request.messages) == 1]
    paths = [request for request in engine.requests if len(request.messages) == 3]
    assert len(turns) == len(paths) == verdict.paths == 5
    assert len({request.seed for request in turns}) == 5
    assert [message["role"] for message in paths[0].messages] == ["user", "assistant", "user"]
    assert len({request.messages[1]["content"] for request in paths}) > 1
    assert verdict.translation_usage.completion_tokens > 0
    assert made.store.counts()["steps"] == 5


def test_a_lost_turn_is_an_abstention():
    engine = ScriptedEngine(lose=lambda request: "gone" if len(request.messages) == 1 else None)
    _, verdict = solved(engine, strategy="clp", paths=1)
    assert verdict.answer is None
    assert verdict.abstentions == {"engine_failure": {"en": 1}}


def test_switched_demonstrations_differ_by_path_and_return_with_the_seed():
    prompts = []
    for seed in (0, 0, 1):
        engine = ScriptedEngine()
        solved(engine, strategy="xicl", paths=6, seed=seed)
        prompts.append({request.messages[0]["content"] for request in engine.requests})
        assert len(prompts[-1]) == 6
    assert prompts[0] == prompts[1] != prompts[2]


class Plans(ScriptedEngine):
    """Answers AutoCAP's two questions with what it is given."""

    def __init__(self, languages, weights):
        super().__init__()
        self._said = {"Languages: code": languages, "Weights: language": weights}

    async def complete(self, request):
        done = await super().complete(request)
        for asked, said in self._said.items():
            if asked in request.messages[-1]["content"]:
                return dataclasses.replace(done, text=said)
        return done


def autocap(languages, weights):
    strategy = dataclasses.replace(
        STRATEGIES["autocap"], planner=Planner(STRATEGIES["autocap"].languages, choose=3)
    )
    return solved(Plans(languages, weights), strategy=strategy, paths=3, languages=None)


def test_the_models_plan_decides_languages_and_weights():
    _, verdict = autocap("Languages: ja, de, fr", "Weights: ja=0.5, de=0.25, fr=1")
    plan = verdict.details["plan"]
    assert plan["languages"] == ["ja", "de", "fr"]
    assert plan["weights"] == {"ja": 0.5, "de": 0.25, "fr": 1.0}
    assert plan["faults"] == []
    cast = {language for by in verdict.tally.values() for language in by}
    lost = {language for by in verdict.abstentions.values() for language in by}
    assert cast | lost == {"ja", "de", "fr"}
    assert all(
        support == plan["weights"][language]
        for by in verdict.tally.values()
        for language, support in by.items()
    )


@pytest.mark.parametrize("languages", ["", "I choose Klingon.", "Languages: ja, ja, ja"])
def test_a_bad_plan_is_mended_and_told(languages):
    _, verdict = autocap(languages, "no idea")
    plan = verdict.details["plan"]
    assert len(plan["languages"]) == len(set(plan["languages"])) == 3
    assert plan["faults"]
    assert set(plan["weights"].values()) == {1.0}


def test_the_model_picks_the_path():
    class Picks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "Response 2:" in request.messages[-1]["content"]:
                return dataclasses.replace(done, text="The most consistent response is Response 2")
            return done

    store = Store(None)
    made, verdict = solved(Picks(), strategy="usc", paths=4, store=store)
    store.labelled("")
    plan = store.plan("p")
    paths = made.store.paths(plan.keys())
    second = paths[plan.keys()[1]]
    assert verdict.details["choice"]["path"] == second.key
    assert verdict.answer is not None
    assert verdict.answer in second.text


def test_answers_that_cannot_be_compared_are_given_as_they_are():
    class Picks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            last = request.messages[-1]["content"].startswith("A question has been answered")
            text = "Response 1" if last else "Roses are red."
            return dataclasses.replace(done, text=text)

    _, verdict = solved(Picks(), strategy="usc", paths=3)
    assert verdict.answer == "Roses are red."


GERMAN = "Zuerst zählen wir alle Äpfel im Korb und dann rechnen wir zusammen.\nAntwort: 7"
FRENCH = "D'abord nous comptons toutes les pommes dans le panier et puis.\nRéponse : 7"


def test_a_path_that_left_its_language_counts_for_the_one_it_used():
    _, verdict = solved(agree(GERMAN), fidelity="count", paths=4)
    assert verdict.tally == {"7": {"de": 4}}


def test_a_path_that_left_its_language_is_drawn_again():
    made, verdict = solved(agree(FRENCH), fidelity="redraw", languages=["en", "fr"], paths=2)
    assert verdict.tally == {"7": {"en": 1, "fr": 1}}
    assert made.counters.drawn == 4  # the English one twice more
    assert verdict.paths == 2
    assert verdict.translation_usage.completion_tokens > 0


MIXED = f"{GERMAN * 3}\n{FRENCH * 3}"


@pytest.mark.parametrize(
    ("thought", "drawn"),
    [(GERMAN, {"de": 1, "fr": 3}), (FRENCH, {"de": 3, "fr": 1}), (MIXED, {"de": 1, "fr": 1}),
     ("3 + 4 = 7", {"de": 1, "fr": 1})],
)  # fmt: skip
def test_the_thought_is_looked_at_where_there_is_one(thought, drawn):
    class Thinks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "into" in request.messages[-1]["content"][:40]:
                return done
            return dataclasses.replace(done, text=FRENCH, thought=thought, closed=True)

    made, verdict = solved(Thinks(), fidelity="redraw", languages=["de", "fr"], paths=2)
    engine = made.sampler.engine.engine
    asked = [one.messages[-1]["content"] for one in engine.requests
             if one not in engine.translations]  # fmt: skip
    french = sum("[French]" in content for content in asked)
    assert {"de": len(asked) - french, "fr": french} == drawn
    assert verdict.tally == {"7": {"de": 1, "fr": 1}}


@pytest.mark.parametrize(("thought", "language"), [(GERMAN, "de"), (FRENCH, "fr"), (MIXED, "en")])
def test_a_path_counts_for_the_language_that_it_thought_in(thought, language):
    class Thinks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "into" in request.messages[-1]["content"][:40]:
                return done
            return dataclasses.replace(done, text=GERMAN, thought=thought, closed=True)

    _, verdict = solved(Thinks(), fidelity="count", languages=["en"], paths=2)
    assert verdict.tally == {"7": {language: 2}}


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


def test_a_portfolio_is_drawn_in_its_order():
    made, _ = solved(portfolio=["fr", "en", "fr"], languages=None, paths=None)
    plan = made.store.plan("p")
    assert [plan.arms[place].language for place in plan.order] == ["fr", "en", "fr"]


def test_labels_share_paths_and_keep_plans_apart():
    store = Store(None)
    engine = ScriptedEngine()
    solved(engine, store=store.labelled("a"), paths=8)
    made, _ = solved(ScriptedEngine(), store=store.labelled("b"), paths=4)
    assert made.counters.reused == 4
    assert store.plan("p") is None
    assert len(store.labelled("a").plan("p").order) == 8
    assert len(store.labelled("b").plan("p").order) == 4


def test_owners_of_one_lane_are_served_in_turn():
    engine = ScriptedEngine(delay=lambda _: 0.001, window=2)
    lane = SharedEngine(engine)
    order = []

    async def one(name, paths):
        made = Solver(lane, configure("sc", paths=paths), templates=Templates(), store=Store(None))
        await made.solve(dataclasses.replace(PROBLEM, question=f"{name}? 3 + 4"))
        order.append(name)

    async def both():
        many = asyncio.create_task(one("many", 60))
        await asyncio.sleep(0.01)
        await one("few", 3)
        await many
        await lane.close()

    asyncio.run(both())
    assert order == ["few", "many"]
    assert lane.in_flight == 0
    assert engine.closed == 1


def test_ties_go_to_the_language_named_first_however_often_it_is_named():
    class Splits(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if request in self.translations:
                return done
            english = "Let's think step by step." in request.messages[-1]["content"]
            return dataclasses.replace(done, text="Answer: 1" if english else "Answer: 2")

    _, verdict = solved(Splits(), portfolio=["en", "fr", "fr", "en"], languages=None, paths=None)
    assert (verdict.answer, verdict.tied) == ("1", True)


def test_a_larger_budget_keeps_the_paths_of_arms_that_share_a_prompt():
    strategy = dataclasses.replace(
        STRATEGIES["clc"], arms=(Arm("question", question="original", share=2), Arm("*", "xlt"),
                                 Arm("question", "cot", "original", answers_in="en")),
    )  # fmt: skip
    store = Store(None)
    before, _ = solved(store=store, strategy=strategy, paths=9)
    after, verdict = solved(store=store, strategy=strategy, paths=18)
    assert after.counters.reused == before.counters.drawn == 9
    assert verdict.paths == 18


@pytest.mark.slow
def test_a_slow_translation_holds_up_nobody_else():
    class Hangs(ScriptedEngine):
        async def complete(self, request):
            if "into English" in request.messages[-1]["content"]:
                await asyncio.sleep(60)
            return await super().complete(request)

    _, verdict = solved(Hangs(), languages=["en", "de"], paths=4, deadline=1.5)
    lost = sum(by.get("de", 0) for by in verdict.abstentions.values())
    assert sum(by.get("de", 0) for by in verdict.tally.values()) + lost == 2
    assert verdict.abstentions["deadline"] == {"en": 2}


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


def test_a_translation_that_two_arms_share_is_paid_for_once():
    strategy = dataclasses.replace(STRATEGIES["clc"], arms=(Arm("en"), Arm("en", "direct")))
    made, verdict = solved(strategy=strategy, paths=4)
    (spent,) = made.store._connection.execute("SELECT sum(completion_tokens) FROM steps").fetchone()
    assert verdict.translation_usage.completion_tokens == spent


def test_a_lost_path_that_nobody_wants_leaves_no_failure():
    engine = agree("Answer: 7")
    first = {}  # path of each prompt; the later ones are lost
    engine._lose = lambda r: None if first.setdefault(str(r.messages), r.key) == r.key else "gone"
    made, verdict = solved(engine, stopping=Stopping("beta"), ahead=12)
    assert verdict.paths == 4
    assert made.store.counts()["failures"] == 0


def test_1_and_1_point_0_are_one_temperature():
    assert configure(temperature=1).sampling == configure(temperature=1.0).sampling
    assert repr(configure(temperature=1).sampling.temperature) == "1.0"


def test_greedily_a_prompt_has_one_path():
    english = dataclasses.replace(PROBLEM, question="Tom has 3 and 4.", language="en")
    _, verdict = solved(
        problem=english, strategy="clc-bilingual", languages=None, paths=2, temperature=0
    )
    assert verdict.paths == 1


@pytest.mark.parametrize("picked", ["", "I am sorry, I cannot help with that."])
def test_a_choice_that_says_nothing_is_none(picked):
    class Picks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            last = request.messages[-1]["content"].startswith("A question has been answered")
            first = request == self.requests[0]
            text = "Response 1" if last else picked if first else "Antwort: 7"
            return dataclasses.replace(done, text=text)

    _, verdict = solved(Picks(), strategy="usc", paths=3)
    assert (verdict.answer, verdict.total) == ("7", 2)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"online": Online()}, "online draws 16 paths before it aborts any, and 11 are asked"),
        ({"online": Online(), "paths": 40, "stopping": "beta"}, "leave out stopping rule 'beta'"),
        ({"online": Online(), "paths": 40, "weighting": "ratio"}, "leave out weighting"),
        ({"strategy": "usc", "weighting": "ratio"}, "leave out weighting"),
        ({"strategy": "autocap", "languages": ["sw"]}, "lets the model choose its languages"),
        ({"strategy": "autocap", "temperature": 0, "paths": 12}, "temperature 0"),
        ({"fidelity": "redrw"}, "unknown fidelity 'redrw'; there are: keep, count, redraw"),
        ({"seed": 1 << 64}, "seed must be from -9223372036854775807 to 9223372036854775807"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, why):
    with pytest.raises(ClcError, match=why):
        configure(**settings)


@pytest.mark.parametrize("stopping", ["fixed", "beta"])
def test_an_answer_is_read_once_in_a_run(stopping, monkeypatch):
    """By the rule, by whoever watches, for the verdict, and again at the export."""
    reads = Counter()

    def read(problem, path):
        reads[path.key] += 1
        return read_outcome(problem, path)

    monkeypatch.setattr(outcomes, "read_outcome", read)
    made, verdict = solved(stopping=stopping, watch=lambda *_: None)
    assert len(reads) == verdict.paths
    (again,) = revote(made.store, made.outcomes.recall)
    assert again.verdict == verdict
    assert set(reads.values()) == {1}
