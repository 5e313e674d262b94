"""One problem solved by a strategy: its paths, its votes, and what becomes of lost paths."""

import asyncio
import dataclasses
import random

import pytest

from clc.errors import EngineError
from clc.prompts.templates import Templates
from clc.records import Problem, Usage
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.solver import Solver
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.strategy import Arm
from clc.voting.verdict import read_votes
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import PROBLEM, rows, solve, solver

# Those over rewards need a verifier: test_verifier.py.
UNAIDED = [name for name in STRATEGIES if not configure(name).needs_verifier]


@pytest.mark.parametrize("strategy", UNAIDED)
@pytest.mark.parametrize("language", ["en", "de", "ta"])
def test_every_strategy_solves(strategy, language):
    problem = dataclasses.replace(PROBLEM, language=language)
    made, verdict = solve(problem, strategy=strategy, languages=None, paths=None, stopping="fixed")
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
