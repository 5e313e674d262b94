"""Strategies as data: budgets, arms that come to the same, and every name in the table."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.api import configure
from clc.errors import ClcError, LanguageError, StrategyError
from clc.strategies import STRATEGIES, Arm, Strategy, get_strategy, plan_arms, split_budget
from clc.templates import Templates


@given(st.integers(1, 500), st.integers(1, 40))
def test_a_budget_is_split_evenly_and_wholly(paths, arms):
    shares = split_budget(paths, arms)
    assert sum(shares) == paths
    assert len(shares) == arms
    assert shares == sorted(shares, reverse=True)
    assert max(shares) - min(shares) <= 1


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_larger_budget_takes_no_path_from_any_arm(fewer, more):
    """Or an enlarged run would throw paths away."""
    fewer, more = sorted((fewer, fewer + more))
    small = plan_arms(STRATEGIES["clc"], "de", None, fewer)
    large = plan_arms(STRATEGIES["clc"], "de", None, more)
    for before, after in zip(small, large, strict=False):
        assert dataclasses.replace(after, paths=before.paths) == before
        assert after.paths >= before.paths


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("language", ["en", "de", "ta"])
def test_every_strategy_plans_and_renders(name, language):
    strategy = STRATEGIES[name]
    assert strategy.name == name
    assert strategy.summary
    assert strategy.source
    arms = plan_arms(strategy, language, None, strategy.paths)
    assert sum(arm.paths for arm in arms) == strategy.paths
    assert all(arm.paths for arm in arms)
    for arm in arms:
        assert Templates().render(
            arm.template, question="?", question_language=language, language=arm.language
        )
    configure(name)  # its own temperature and number of paths go together


def test_an_arm_in_the_questions_language_keeps_the_question():
    arms = plan_arms(STRATEGIES["clc"], "de", ["en", "de"], 2)
    assert [(arm.language, arm.question) for arm in arms] == [
        ("en", "translated"),
        ("de", "original"),
    ]


def test_arms_that_come_to_the_same_are_one():
    strategy = dataclasses.replace(
        STRATEGIES["clc"],
        arms=(Arm("en"), Arm("question", question="original"), Arm("*"), Arm("en", "direct")),
    )
    arms = plan_arms(strategy, "de", ["en", "de", "DE", "fr"], 8)
    assert [(a.language, a.template, a.question, a.paths) for a in arms] == [
        ("en", "cot", "translated", 2),
        ("de", "cot", "original", 2),
        ("fr", "cot", "translated", 2),
        ("en", "direct", "translated", 2),
    ]


def test_what_is_wrong_is_named():
    with pytest.raises(StrategyError, match=r"unknown strategy 'cls'; there are: direct, "):
        get_strategy("cls")
    for paths in (0, -3):
        with pytest.raises(StrategyError, match=f"at least 1, not {paths}"):
            plan_arms(STRATEGIES["clc"], "de", None, paths)
    with pytest.raises(LanguageError, match="'xx'"):
        plan_arms(STRATEGIES["clc"], "de", ["xx"], 1)
    empty = Strategy("mine", (), 1, 0.0, "", "")
    with pytest.raises(StrategyError, match="'mine' has no arms"):
        plan_arms(empty, "de", None, 1)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"paths": 0}, "at least 1, not 0"),
        ({"paths": -1}, "at least 1, not -1"),
        ({"temperature": -0.1}, "not -0.1"),
        ({"temperature": float("nan")}, "not nan"),
        ({"temperature": float("inf")}, "not inf"),
        ({"temperature": 0, "paths": 44}, "temperature 0 draws the same path"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"translation_tries": 0}, "translation_tries"),
        ({"languages": []}, "at least one language"),
        ({"languages": ["xx"]}, "'xx'"),
        ({"stop": [""]}, "stop"),
        ({"strategy": "nope"}, "'nope'"),
    ],
)
def test_settings_out_of_range_are_refused(settings, why):
    with pytest.raises(ClcError, match=why):
        configure(**settings)


def test_temperature_0_is_fine_with_one_path_a_prompt():
    configure("clc", temperature=0)
    configure("clc", temperature=0, languages=["en", "de"], paths=2)
