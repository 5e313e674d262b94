"""Keys and seeds: stable, apart from each other, and blind to what must not matter."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.records import (
    AbstainReason,
    Abstention,
    Answer,
    Message,
    Problem,
    Sampling,
    SamplingSettings,
    Usage,
    Vote,
    arm_path_keys,
    content_key,
    hashed_seed,
    path_key,
    path_seed,
    prompt_key,
)
from clc.strategies.strategy import Arm

MESSAGES = (Message(role="user", content="Wie viele?"),)


def test_keys_never_change():
    """A key that changes orphans every run on every disk; these are those of format 3."""
    prompt = prompt_key("m", MESSAGES, Sampling())
    assert prompt == "5e46dfc7c6c3ead793bc46bee012609c"
    assert hashed_seed(0, prompt, 0) == 984972552571805  # translations', as in format 2
    assert path_seed(0, prompt, "arm", 0) == 4711251838362564
    assert path_key(prompt, 7) == "e2c74e1ba1433f6db864ed494b2acc4b"
    assert path_key(prompt, 7, 1.5) == "aec465ddc9e6f07b03dca2631afe03b8"
    for floor in (None, 1.5):
        keys = arm_path_keys(5, prompt, "arm é", [0, 12], redraw=1, floor=floor)
        seeds = [path_seed(5, prompt, "arm é", index, 1) for index in (0, 12)]
        assert list(keys) == [path_key(prompt, seed, floor) for seed in seeds]
    assert Arm("de").key == "f47ad93ce854273ef2ce10a08a4663b2"


def test_a_prompt_key_counts_all_that_decides_the_text():
    keys = {
        prompt_key("m", MESSAGES, Sampling()),
        prompt_key("n", MESSAGES, Sampling()),
        prompt_key("m", (*MESSAGES, *MESSAGES), Sampling()),
        prompt_key("m", (Message(role="system", content="Wie viele?"),), Sampling()),
        *(
            prompt_key("m", MESSAGES, dataclasses.replace(Sampling(), **change))
            for change in (
                {"temperature": 0.0},
                {"top_p": 0.9},
                {"top_k": 5},
                {"max_tokens": 1},
                {"stop": ("\n",)},
                {"min_p": 0.1},
                {"presence_penalty": 0.1},
                {"frequency_penalty": 0.1},
                {"repetition_penalty": 1.1},
            )
        ),
    }
    assert len(keys) == 13


def test_one_value_in_two_types_has_one_key():
    whole, real = Sampling(temperature=1, stop="END"), Sampling(temperature=1.0, stop=("END",))  # type: ignore[arg-type]
    assert whole == real
    assert prompt_key("m", MESSAGES, whole) == prompt_key("m", MESSAGES, real)


def test_every_parameter_has_a_keyword_a_description_and_bounds():
    parameters = dataclasses.fields(Sampling)
    assert [each.name for each in parameters] == list(SamplingSettings.__annotations__)
    assert all(each.metadata["help"].endswith(".") for each in parameters)
    assert {each.name for each in parameters if not each.metadata["bounds"]} == {"stop"}


def test_tags_keep_kinds_apart():
    assert content_key("path", [1]) != content_key("prompt", [1])


@given(st.dictionaries(st.text(), st.integers(min_value=0, max_value=9)))
def test_key_order_does_not_matter(value):
    assert content_key("x", value) == content_key("x", dict(reversed(value.items())))


def test_seeds_are_exact_in_json_and_share_nothing():
    seeds = [
        path_seed(run, prompt, arm, index, redraw)
        for run in range(10) for prompt in "ab" for arm in "ab" for index in range(50)
        for redraw in range(3)
    ]  # fmt: skip
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**53 for seed in seeds)


def test_run_seed_and_index_do_not_run_into_each_other():
    assert path_seed(1, "1", "a", 1) != path_seed(11, "", "a", 1)
    assert path_seed(0, "k", "a1", 1) != path_seed(0, "k", "a", 11)
    assert path_seed(0, "k", "a", 1, 11) != path_seed(0, "k", "a", 11, 1)


def test_usage_adds():
    assert Usage(1, 2, 1) + Usage(3, 4, 2) == Usage(4, 6, 3)


def test_a_count_beyond_all_sense_is_clamped_and_a_sum_is_not():
    most = Usage(2**70, 2**63, 2**53).clamped()
    assert most == Usage(2**53 - 1, 2**53 - 1, 2**53 - 1)
    assert (most + most).prompt_tokens == 2**54 - 2
    assert Usage(5, 4, 3).clamped() == Usage(5, 4, 3)
    assert (Usage(1, 2) + Usage()).total == 3


def test_records_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Problem("1", "?", "en").gold = "3"  # type: ignore[misc]


def test_an_abstention_has_no_answer():
    assert Vote("k", "de", Abstention(AbstainReason.REFUSAL)).answer is None
    assert Vote("k", "de", Answer("7")).answer == "7"
