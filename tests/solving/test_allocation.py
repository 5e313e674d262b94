"""One budget over all problems: where it goes, that it holds, and that a killed run repeats it."""

import dataclasses
import random
import re
from itertools import product

import pytest

import clc
from clc.errors import ConfigurationError, EngineError, StrategyError
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.allocation import divide_total
from clc.solving.configuration import TotalBudget
from clc.solving.configure import configure
from clc.voting.allocation import round_paths
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import by_id, problems, rows, run
from tests.solving.test_untranslated import Mistranslates

COUNT = 12


def allocated(store, engine=None, *, count=COUNT, **settings):
    return run(problems(count), store, engine, **({"total_paths": 40, "paths": 11} | settings))


def plans(store):
    return {one.problem.id: one.plan for one in revote(store)}


def test_the_budget_is_spent_and_no_more():
    engine, store = ScriptedEngine(), Store(None)
    verdicts = allocated(store, engine)
    drawn = {one.id: one.paths for one in verdicts}
    assert len(drawn) == COUNT
    assert sum(drawn.values()) == len(rows(store)) == 40
    assert min(drawn.values()) >= 1
    assert len(set(drawn.values())) > 2
    assert (engine.started, engine.closed, engine.in_flight) == (1, 1, 0)


def test_paths_go_where_the_votes_disagree():
    class Split(ScriptedEngine):
        """Knows the sums of the first six problems, and guesses those of the others."""

        async def complete(self, request):
            done = await super().complete(request)
            content = request.messages[-1]["content"]
            number = re.search(r"Wie viele sind (\d+) und 2", content)
            if content.startswith("Translate") or number is None:
                return done
            known = int(number[1]) < COUNT // 2
            answer = int(number[1]) + 2 if known else request.seed % 97
            return dataclasses.replace(done, text=f"So it is.\nAnswer: {answer}")

    store = Store(None)
    drawn = {one.id: one.paths for one in allocated(store, Split(), total_paths=60)}
    sure, unsure = ([drawn[f"p-{n}"] for n in numbers] for numbers in (range(6), range(6, 12)))
    assert max(sure) <= 3
    assert min(unsure) >= 6
    for plan in plans(store).values():
        assert plan.details["stop"]["rule"] == "total"
        assert plan.details["stop"]["paths"] == len(plan.order)


def test_a_problem_takes_no_more_than_its_own_limit():
    store = Store(None)
    verdicts = allocated(store, total_paths=10_000, paths=5)
    assert {one.paths for one in verdicts} == {5}
    assert all("stop" not in plan.details for plan in plans(store).values())


@pytest.mark.parametrize("window", [1, 5, 64])
def test_window_and_speed_change_no_decision(window):
    rng = random.Random(window)
    store, plain = Store(None), Store(None)
    engine = ScriptedEngine(delay=lambda _: rng.random() / 200, window=window)
    assert by_id(allocated(store, engine)) == by_id(allocated(plain))
    assert plans(store) == plans(plain)
    assert rows(store) == rows(plain)


@pytest.mark.parametrize(
    ("budget", "dies_after"),
    list(product([{"total_paths": 40}, {"total_paths": None, "total_tokens": 1500}], [3, 25, 40])),
)
def test_a_run_that_was_cut_short_repeats_its_decisions(tmp_path, budget, dies_after):
    class Dies(ScriptedEngine):
        async def complete(self, request):
            if len(self.requests) >= dies_after:
                raise EngineError("the engine is lost")
            return await super().complete(request)

    whole, cut = Store(tmp_path / "whole"), Store(tmp_path / "cut")
    expected = by_id(allocated(whole, **budget))
    with pytest.raises(EngineError):
        allocated(cut, Dies(window=3), **budget)
    before = rows(cut)
    engine = ScriptedEngine()
    assert by_id(allocated(cut, engine, **budget)) == expected
    assert before.items() <= rows(cut).items()
    assert rows(cut) == rows(whole)
    assert plans(cut) == plans(whole)
    again = ScriptedEngine()
    assert by_id(allocated(cut, again, **budget)) == expected
    assert again.requests == []
    assert {one.problem.id: one.verdict for one in revote(cut)} == expected
    whole.close()
    cut.close()


@pytest.mark.parametrize("rule", ["give", "abstain", "original"])
def test_paths_without_a_translation_take_nothing_of_the_budget(rule):
    engine, store = Mistranslates("English"), Store(None)
    verdicts = by_id(allocated(store, engine, untranslated=rule))
    assert sum(one.paths for one in verdicts.values()) == len(rows(store)) == 40
    again = ScriptedEngine()
    assert by_id(allocated(store, again, untranslated=rule)) == verdicts
    assert [one for one in again.requests if one not in again.translations] == []


def test_tokens_are_counted_with_translations():
    store = Store(None)
    verdicts = allocated(store, total_paths=None, total_tokens=1500)
    spent = sum((one.usage + one.translation_usage).total for one in verdicts)
    longest = max(path.usage.total for one in revote(store) for path in one.paths.values())
    assert 1500 - 3 * longest < spent <= 1500 + longest


def test_a_larger_budget_goes_on():
    store = Store(None)
    allocated(store)
    before = rows(store)
    engine = ScriptedEngine()
    verdicts = allocated(store, engine, total_paths=80)
    assert before.items() <= rows(store).items()
    assert sum(one.paths for one in verdicts) == 80
    assert len(engine.requests) - len(engine.translations) < 60


@pytest.mark.parametrize("budget", [{"total_paths": 11}, {"total_paths": None, "total_tokens": 7}])
def test_less_than_a_path_a_problem_is_refused_before_anything_is_sampled(budget):
    engine, store = ScriptedEngine(), Store(None)
    with pytest.raises(ConfigurationError, match="less than one path for each of 12 problems"):
        allocated(store, engine, **budget)
    assert engine.requests == []
    assert rows(store) == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"total_paths": 9, "total_tokens": 9}, "in paths or in tokens: give one of them"),
        ({"total_paths": 0}, "total_paths must be from 1 to .*, not 0"),
        ({"total_tokens": -1}, "total_tokens must be from 1 to .*, not -1"),
        ({"total_paths": 9, "stopping": "beta"}, "leave out stopping rule 'beta'"),
        ({"total_paths": 9, "ahead": 2}, "leave out ahead"),
        ({"total_paths": 9, "weighting": "ratio"}, "leave out weighting"),
        ({"total_paths": 9, "strategy": "usc"}, "leave out usc voting"),
    ],
)
def test_settings_that_contradict_each_other(settings, message):
    with pytest.raises((StrategyError, ConfigurationError), match=message):
        configure(settings.pop("strategy", "clc"), **settings)


def test_the_parts_of_blocks_sum_to_the_budget():
    parts = list(divide_total(TotalBudget(tokens=1001), problems=2500, size=1024))
    assert [one.tokens for one in parts] == [410, 410, 181]
    assert all(one.paths is None for one in parts)


def test_a_round_is_a_quarter_of_what_is_left():
    sizes, left = [], 40
    while size := round_paths(left, 30):
        sizes.append(size)
        left -= size
    assert sizes[:4] == [10, 8, 6, 4]
    assert sum(sizes) == 40


def test_from_python():
    engine = ScriptedEngine()
    verdicts = list(clc.solve_many(list(problems(4)), engine=engine, strategy="sc", total_paths=9,
                                   cache=False))  # fmt: skip
    assert sum(one.paths for one in verdicts) == 9
