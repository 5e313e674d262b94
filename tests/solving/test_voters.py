"""One vote over several models: arms with engines and temperatures of their own."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from clc.errors import ConfigurationError, StrategyError
from clc.records import Sampling
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.strategies.catalogue import get_strategy
from clc.strategies.files import load_strategy, strategy_toml
from clc.strategies.strategy import Arm, Strategy, engine_files
from clc.strategies.voters import with_voters
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import problems, rows

BIG = "big.toml"
TWO = Strategy(
    "two",
    (Arm("*"), Arm("*", engine=BIG, share=2), Arm("en", engine=BIG, temperature=0.2)),
    paths=14,
    temperature=0.7,
)
SETTINGS: dict = {"languages": ["en", "de"], "voters": {BIG: {"top_p": 0.9}}}


def engines():
    return ScriptedEngine(fingerprint="small"), ScriptedEngine(fingerprint="big", window=5)


def run(store, small, big, strategy=TWO, *, count=3, **settings):
    work = Run(configure(strategy, **(SETTINGS | settings)), small, store, voters={BIG: big})
    finished = work.begin({"source": "x"})

    async def collect():
        return [verdict async for verdict in work.verdicts(problems(count))]

    verdicts = [] if finished else asyncio.run(collect())
    work.finish()
    return work, verdicts


def sampled(engine):
    """Paths by sampling; translations are the run's engine's."""
    requests = [r for r in engine.requests if not r.messages[-1]["content"].startswith("Transl")]
    return Counter(r.sampling for r in requests)


def test_each_arm_samples_by_its_model_at_its_temperature():
    small, big = engines()
    with Store(None) as store:
        work, verdicts = run(store, small, big)
    assert [verdict.paths for verdict in verdicts] == [14] * 3
    own, other = Sampling(temperature=0.7), Sampling(temperature=0.7, top_p=0.9)
    counts = sampled(small), sampled(big)
    assert set(counts[0]) == {own}
    assert set(counts[1]) == {other, replace(other, temperature=0.2)}
    assert counts[0].total() + counts[1].total() == 42
    assert counts[1][other] == 2 * counts[0][own]
    assert big.translations == []
    assert small.translations
    assert work.solver.window == 16 + 5
    assert (small.closed, big.closed) == (1, 1)


def test_a_run_goes_on_and_draws_nothing_twice(tmp_path):
    with Store(tmp_path) as store:
        _, first = run(store, *engines())
        before = rows(store)
        solved = list(revote(store))
        votes = [one.verdict for one in solved]
        assert [arm.engine for arm in solved[0].plan.arms] == ["", BIG, BIG, "", BIG]
    small, big = engines()
    with Store(tmp_path) as store:
        run(store, small, big)
        assert rows(store) == before
    assert not small.requests
    assert not big.requests
    assert votes == first


@pytest.mark.parametrize(
    "change",
    [
        lambda small, big: (small, ScriptedEngine(fingerprint="another"), {}),
        lambda small, big: (small, big, {"voters": {BIG: {"top_p": 0.8}}}),
    ],
)
def test_another_model_or_sampling_is_another_run(tmp_path, change):
    with Store(tmp_path) as store:
        small, big = engines()
        run(store, small, big, count=1)
    small, big, settings = change(*engines())
    with Store(tmp_path) as store, pytest.raises(ConfigurationError, match="voter"):
        run(store, small, big, **settings)


def test_arms_without_an_engine_have_the_keys_of_a_run_of_one_model():
    alone, (small, big) = ScriptedEngine(fingerprint="small"), engines()
    strategy = replace(TWO, arms=TWO.arms[:1])
    with Store(None) as one, Store(None) as both:
        run_one = Run(configure(strategy, languages=["en", "de"], paths=6), alone, one)
        run_one.begin({"source": "x"})

        async def collect():
            return [verdict async for verdict in run_one.verdicts(problems(2))]

        asyncio.run(collect())
        run(both, small, big, count=2)
        shared = rows(one).keys() & rows(both).keys()
    assert len(shared) >= 6


def test_a_greedy_arm_has_one_path_and_the_others_theirs():
    greedy = replace(TWO, arms=(Arm("en"), Arm("en", engine=BIG, temperature=0.0)), paths=2)
    small, big = engines()
    with Store(None) as store:
        _, verdicts = run(store, small, big, greedy)
    assert {verdict.paths for verdict in verdicts} == {2}
    assert {one.temperature for one in sampled(big)} == {0.0}
    with pytest.raises(ConfigurationError, match="temperature 0"):
        configure(replace(greedy, paths=4), **SETTINGS)


def test_an_engine_that_is_not_open_is_refused():
    with pytest.raises(ConfigurationError, match=r"engine file 'big\.toml', and it is not open"):
        configure(TWO)
    with pytest.raises(ConfigurationError, match="no arm"):
        configure("clc", voters={BIG: {}})


def test_voters_multiply_the_arms():
    strategy = with_voters(get_strategy("clc"), ["a.toml:2", "own"])
    assert engine_files(strategy) == ["a.toml"]
    assert [(arm.engine, arm.share) for arm in strategy.arms] == [("a.toml", 2), (None, 1)]


@pytest.mark.parametrize(
    ("voters", "message"),
    [
        (["a.toml:x"], "reads FILE or FILE:COUNT"),
        (["a.toml:0"], "its count must be from 1"),
        ([":2"], "reads FILE or FILE:COUNT"),
        (["a.toml", "a.toml:2"], "given twice"),
    ],
)
def test_bad_voters(voters, message):
    with pytest.raises(StrategyError, match=message):
        with_voters(get_strategy("clc"), voters)


def test_a_strategy_file_names_engine_files_beside_it(tmp_path):
    (tmp_path / BIG).write_text('model = "m"\n[[endpoint]]\nurl = "http://127.0.0.1:9/v1"\n')
    file = tmp_path / "mine.toml"
    file.write_text('[[arms]]\nlanguage = "*"\nengine = "big.toml"\ntemperature = 0.2\n')
    strategy = load_strategy(file)
    assert engine_files(strategy) == [str(tmp_path / BIG)]
    assert strategy.arms[0].temperature == 0.2
    again = tmp_path / "again.toml"
    again.write_text(strategy_toml(strategy))
    assert load_strategy(again).arms == strategy.arms


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('engine = "none.toml"', r"number 1: engine 'none\.toml': there is no such engine file"),
        ('engine = ""', "name of an engine file"),
        ("temperature = -1", "an arm's temperature"),
        ('temperature = "hot"', "temperature"),
    ],
)
def test_bad_arms_are_named(tmp_path, line, message):
    file = tmp_path / "mine.toml"
    file.write_text(f'[[arms]]\nlanguage = "*"\n{line}\n')
    with pytest.raises(StrategyError, match=message):
        load_strategy(file)
