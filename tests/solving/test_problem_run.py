"""One problem: its prompts, its settings, and what it shares with others."""

import asyncio
import dataclasses
import threading
from collections import Counter

import pytest

from clc.engines.shared import SharedEngine
from clc.errors import ClcError
from clc.prompts.templates import Templates
from clc.records import Message
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configuration import Online
from clc.solving.configure import configure
from clc.solving.solver import Solver
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.strategy import Arm
from clc.voting import outcomes
from clc.voting.outcomes import read_outcome
from clc.voting.stopping import Stopping
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import PROBLEM
from tests.solving.solved import agree, solved


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


def test_answers_that_cannot_be_compared_are_given_as_they_are():
    class Picks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            last = request.messages[-1]["content"].startswith("A question has been answered")
            text = "Response 1" if last else "Roses are red."
            return dataclasses.replace(done, text=text)

    _, verdict = solved(Picks(), strategy="usc", paths=3)
    assert verdict.answer == "Roses are red."


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


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"online": Online()}, "online samples 16 paths before it aborts any, and 11 are asked"),
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


@pytest.mark.parametrize(("length", "thread"), [(100, "MainThread"), (100_000, "clc-reading_0")])
def test_the_answer_of_a_long_path_is_read_beside_the_event_loop(length, thread, monkeypatch):
    threads = []

    def read(problem, path):
        threads.append(threading.current_thread().name)
        return read_outcome(problem, path)

    monkeypatch.setattr(outcomes, "read_outcome", read)
    engine = agree("So " * (length // 3) + "The answer is 7.")
    _, verdict = solved(engine, languages=["en"], paths=2)
    assert verdict.answer == "7"
    assert threads == [thread] * 2
