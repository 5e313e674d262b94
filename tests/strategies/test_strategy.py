"""Strategies as data: budgets, arms that come to the same, and every name in the table."""

import dataclasses
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.errors import ClcError, ConfigurationError, LanguageError, StrategyError
from clc.prompts.templates import Templates, check_template
from clc.solving.configure import configure
from clc.strategies.catalogue import STRATEGIES, get_strategy
from clc.strategies.schedule import plan_slots, resolve_arms
from clc.strategies.strategy import Arm, Planner, Strategy, required_templates
from clc.voting.stopping import Stopping


def shares(slots):
    return list(Counter(slot.arm for slot in slots).values())


@given(st.integers(1, 500), st.integers(1, 11))
def test_a_budget_is_split_evenly_and_wholly(paths, languages):
    codes = ["en", "de", "es", "fr", "ru", "ja", "zh", "th", "bn", "te", "sw"][:languages]
    split = shares(plan_slots(STRATEGIES["clc"], "de", paths, languages=codes))
    assert sum(split) == paths
    assert split == sorted(split, reverse=True)
    assert max(split) - min(split) <= 1


@given(
    st.sampled_from(list(STRATEGIES)), st.integers(1, 60), st.integers(1, 60), st.text(max_size=3)
)
def test_a_larger_budget_begins_with_the_smaller_one(name, fewer, more, salt):
    """Or an enlarged run would throw paths away."""
    small = plan_slots(STRATEGIES[name], "de", fewer, salt=salt)
    assert plan_slots(STRATEGIES[name], "de", fewer + more, salt=salt)[:fewer] == small


@given(st.sampled_from(list(STRATEGIES)), st.integers(1, 80))
def test_the_paths_of_an_arm_are_numbered_without_a_gap(name, paths):
    numbers = {}
    for slot in plan_slots(STRATEGIES[name], "sw", paths):
        numbers.setdefault(slot.arm, []).append(slot.index)
    assert all(found == list(range(len(found))) for found in numbers.values())


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("language", ["en", "de", "ta"])
@pytest.mark.slow
def test_every_strategy_plans_and_renders(name, language):
    strategy = STRATEGIES[name]
    assert strategy.name == name
    assert strategy.summary
    assert strategy.source
    assert len(plan_slots(strategy, language, strategy.paths)) == strategy.paths
    for template in required_templates(strategy):
        check_template(Templates(), template)
    configure(name)  # its own temperature and number of paths go together


def test_an_arm_in_the_questions_language_keeps_the_question():
    slots = plan_slots(STRATEGIES["clc"], "de", 2, languages=["en", "de"])
    assert [(slot.arm.language, slot.arm.question) for slot in slots] == [
        ("en", "translated"),
        ("de", "original"),
    ]


def test_arms_that_come_to_the_same_are_one():
    strategy = dataclasses.replace(
        STRATEGIES["clc"],
        arms=(Arm("en"), Arm("question", question="original"), Arm("*"), Arm("en", "direct")),
    )
    slots = plan_slots(strategy, "de", 8, languages=["en", "de", "DE", "fr"])
    assert Counter((slot.arm.language, slot.arm.template, slot.arm.question) for slot in slots) == {
        ("en", "cot", "translated"): 2,
        ("de", "cot", "original"): 2,
        ("fr", "cot", "translated"): 2,
        ("en", "direct", "translated"): 2,
    }


def test_a_share_draws_so_many_paths_a_round():
    strategy = dataclasses.replace(
        STRATEGIES["clc"], arms=(Arm("question", question="original", share=3), Arm("en"))
    )
    assert shares(plan_slots(strategy, "de", 8)) == [6, 2]


def test_a_plan_may_be_changed_and_the_next_is_whole():
    plan_slots(STRATEGIES["clc"], "de", 4).clear()
    assert len(plan_slots(STRATEGIES["clc"], "de", 4)) == 4


def test_drawn_languages_follow_the_seed_and_never_are_the_questions():
    def languages(salt):
        slots = plan_slots(STRATEGIES["xcot"], "de", 200, salt=salt)
        return [slot.arm.language for slot in slots]

    assert languages("a") == languages("a") != languages("b")
    counts = Counter(languages("a"))
    assert set(counts) == {"bn", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"}
    assert max(counts.values()) < 40  # 20 each, drawn


def test_the_two_stages_of_xcot_reason_in_english_on_the_drawn_language():
    for slot in plan_slots(STRATEGIES["xcot-two-stage"], "de", 20):
        assert slot.arm.language == "en"
        assert slot.arm.stands_for == (slot.arm.into or "en") != "de"


def test_ties_go_by_the_languages_given_and_not_by_what_was_drawn():
    slots = plan_slots(STRATEGIES["xcot"], "de", 40, languages=["sw", "en", "zh"], salt="x")
    assert [arm.language for arm in resolve_arms(slots, ["sw", "en", "zh"])] == ["sw", "en", "zh"]


def test_a_sequence_is_followed_and_repeated():
    slots = plan_slots(STRATEGIES["clc"], "de", 5, sequence=["en", "zh", "en"])
    assert [(slot.arm.language, slot.index) for slot in slots] == [
        ("en", 0), ("zh", 0), ("en", 1), ("en", 2), ("zh", 1),
    ]  # fmt: skip
    with pytest.raises(StrategyError, match="'sc' has languages of its own"):
        plan_slots(STRATEGIES["sc"], "de", 5, sequence=["en"])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Arm("en", question="half"), "question must be original or translated, not 'half'"),  # type: ignore[arg-type]
        (lambda: Arm("en", drawn=True), "drawn must be false"),
        (lambda: Arm("en", shots=9), "shots must be from 0 to 8, not 9"),
        (lambda: Arm("en", shots=2, switch=1.5), "switch must be from 0 to 1, not 1.5"),
        (lambda: Arm("en", switch=0.5), "switch must be 0 without shots"),
        (lambda: Arm("en", share=0), "share must be from 1 to 10000, not 0"),
        (lambda: Arm("en", question="original", into="de"), "into must be left out"),
        (lambda: Planner(("en", "de"), choose=3), "between 1 and 2"),
        (lambda: Strategy("s", (Arm("en"),), 1, 0.0, voting="approval"), "unknown voting 'approval'"),  # type: ignore[arg-type]
        (lambda: Strategy("s", (Arm("en"),), 0, 0.0), "'s': paths must be from 1 to 10000, not 0"),
        (lambda: Strategy("s", (Arm("en"),), 1, -1.0), "'s': temperature must be from 0 to 2"),
        (lambda: Strategy("s", (Arm("en"),), 1, float("nan")), "temperature .* not nan"),
        (lambda: configure("usc", stopping="beta"), "does not go with usc voting"),
        (lambda: configure(weighting="cisc", stopping="lead"), "does not go with weighting"),
        (lambda: configure(weighting="best"), "unknown weighting 'best'; there are: ratio"),
        (lambda: configure(stopping=Stopping("lead"), ahead=-1), "ahead must be from 0 to 10000, not -1"),
        (lambda: configure(portfolio=["en", "xx"]), "'xx'"),
        (lambda: configure(min_p=1.0), "min_p must be from 0 to below 1, not 1.0"),
        (lambda: configure(presence_penalty=3.0), "presence_penalty must be from -2 to 2"),
    ],
)  # fmt: skip
def test_what_no_strategy_can_be_is_refused(make, why):
    with pytest.raises(ClcError, match=why):
        make()


def test_what_is_wrong_is_named():
    with pytest.raises(StrategyError, match=r"unknown strategy 'cls'; there are: direct, "):
        get_strategy("cls")
    for paths in (0, -3):
        with pytest.raises(StrategyError, match=f"from 1 to 10000, not {paths}"):
            plan_slots(STRATEGIES["clc"], "de", paths)
    with pytest.raises(LanguageError, match="'xx'"):
        plan_slots(STRATEGIES["clc"], "de", 1, languages=["xx"])
    with pytest.raises(StrategyError, match="'mine' has no arms"):
        Strategy("mine", (), 1, 0.0)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"paths": 0}, "from 1 to 10000, not 0"),
        ({"paths": -1}, "from 1 to 10000, not -1"),
        ({"temperature": -0.1}, "not -0.1"),
        ({"temperature": float("nan")}, "not nan"),
        ({"temperature": float("inf")}, "not inf"),
        ({"temperature": 0, "paths": 44}, "temperature 0 samples the same path"),
        ({"temperature": 2.1}, "temperature must be from 0 to 2, not 2.1"),
        ({"temperature": "warm"}, "temperature must be a number from 0 to 2, not 'warm'"),
        ({"top_p": 0}, "top_p must be above 0 and at most 1, not 0"),
        ({"top_p": 1.1}, "top_p"),
        ({"top_k": -1}, "top_k must be from 0 to 2147483647, not -1"),
        ({"top_k": 10**23}, "top_k"),
        ({"top_k": 1.5}, "top_k must be a whole number from 0"),
        ({"max_tokens": 0}, "max_tokens must be from 1 to 2147483647, not 0"),
        ({"max_tokens": 10**20}, "max_tokens"),
        ({"min_p": float("nan")}, "min_p"),
        ({"repetition_penalty": 0}, "repetition_penalty must be above 0 and at most 10, not 0"),
        ({"frequency_penalty": float("inf")}, "frequency_penalty"),
        ({"translation_tries": 0}, "translation_tries"),
        ({"languages": []}, "at least one language"),
        ({"languages": ["xx"]}, "'xx'"),
        ({"stop": [""]}, "stop"),
        ({"stop": [7]}, "stop must be text"),
        ({"strategy": "nope"}, "'nope'"),
    ],
)
def test_settings_out_of_range_are_refused(settings, why):
    with pytest.raises(ClcError, match=why):
        configure(**settings)


def test_a_setting_that_is_unknown_is_named():
    with pytest.raises(TypeError, match=r"configure\(\) got an unexpected .* 'warmth'"):
        configure(warmth=1.0)  # type: ignore[call-arg]


def test_temperature_0_is_fine_with_one_path_a_prompt():
    configure("clc", temperature=0)
    configure("clc", temperature=0, languages=["en", "de"], paths=2)


@pytest.mark.parametrize("name", ["", "a" * 101, "a/b", ".a", "a b", "é", "a\n"])
def test_a_name_that_cannot_be_part_of_a_file_name_is_refused(name):
    with pytest.raises(StrategyError, match="a strategy's name is of at most 100 letters"):
        dataclasses.replace(get_strategy("sc"), name=name)
    assert dataclasses.replace(get_strategy("sc"), name="a" * 100).name == "a" * 100


def test_a_sequence_may_name_the_question_s_own_language():
    slots = plan_slots(STRATEGIES["clc"], "sw", 3, sequence=["question", "en"])
    assert [(slot.arm.language, slot.arm.question) for slot in slots] == [
        ("sw", "original"),
        ("en", "translated"),
        ("sw", "original"),
    ]
    configuration = configure(
        "clc", portfolio=["question", "en"], routes={"sw": ["en", "question"]}
    )
    assert configuration.paths == 2
    assert configuration.sequence_for("de") == ("de", "en")
    assert configuration.sequence_for("sw") == ("en", "sw")
    with pytest.raises(ConfigurationError, match="routes need a portfolio"):
        configure("clc", routes={"sw": ["en"]})
