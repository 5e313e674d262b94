import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.errors import StrategyError
from clc.records import AbstainReason, Abstention, Answer, Usage, Vote
from clc.voting.tally import vote
from clc.voting.weighting import normalized_weights


def votes(*cast):
    """Votes from (language, answer or None[, weight])."""
    return [
        Vote(
            f"p{index}",
            language,
            Abstention(AbstainReason.NO_ANSWER) if answer is None else Answer(answer),
            *weight,
        )
        for index, (language, answer, *weight) in enumerate(cast)
    ]


LANGUAGES = st.sampled_from(["en", "de", "zh", "sw"])
SAID = st.lists(
    st.tuples(
        LANGUAGES,
        st.sampled_from([None, "18", "26", "-5", "1/2", "B", "x+1"]),
        st.floats(0, 10, allow_nan=False),
    ),
    max_size=12,
)


def test_abstentions_never_vote():
    verdict = vote(votes(("en", None), ("de", None), ("fr", None), ("zh", "18"), ("ja", "18")))
    assert (verdict.answer, verdict.support, verdict.total, verdict.paths) == ("18", 2, 2, 5)
    assert verdict.agreement == 1.0
    assert verdict.abstentions == {"no_answer": {"de": 1, "en": 1, "fr": 1}}


def test_no_votes_no_answer():
    for cast in ([], votes(("en", None))):
        verdict = vote(cast, id="q1")
        assert (verdict.answer, verdict.support, verdict.total, verdict.agreement) == (
            None,
            0,
            0,
            0.0,
        )
        assert not verdict.tied
        assert verdict.tally == {}


def test_tally_is_by_answer_and_language_strongest_first():
    verdict = vote(votes(("en", "1"), ("de", "2"), ("de", "2"), ("en", "2")))
    assert list(verdict.tally.items()) == [("2", {"de": 2, "en": 1}), ("1", {"en": 1})]


def test_tie_goes_to_the_first_language_that_tells():
    cast = votes(("de", "26"), ("zh", "18"))
    assert vote(cast, order=["zh", "de"]).answer == "18"
    assert vote(cast, order=["de", "zh"]).answer == "26"
    assert vote(cast, order=["fr", "zh"]).answer == "18"
    assert vote(cast).tied


def test_tie_then_goes_to_more_languages_then_the_smaller_number():
    assert vote(votes(("de", "9"), ("zh", "9"), ("ja", "5"), ("ja", "5"))).answer == "9"
    assert vote(votes(("de", "9"), ("zh", "5"))).answer == "5"
    assert vote(votes(("de", "9"), ("zh", "-10"))).answer == "-10"
    assert vote(votes(("de", "1/3"), ("zh", "1/2"))).answer == "1/3"
    assert vote(votes(("de", "B"), ("zh", "5"))).answer == "5"
    assert vote(votes(("de", "B"), ("zh", "A"))).answer == "A"


def test_weighted_multiplies_path_and_language():
    cast = votes(("en", "1", 2.0), ("de", "2", 1.0), ("zh", "2", 1.5))
    assert vote(cast, rule="weighted").answer == "2"
    assert vote(cast, rule="weighted", weights={"en": 2.0}).answer == "1"
    assert vote(cast, rule="weighted", weights={"en": 2.0}).support == 4.0
    assert vote(cast).answer == "2"


def test_rounding_makes_no_winner():
    cast = votes(("en", "1", 0.1), ("en", "1", 0.2), ("de", "2", 0.3))
    assert vote(cast, rule="weighted").tied


def test_votes_without_weight_are_none():
    assert vote(votes(("en", "1", 0.0)), rule="weighted").answer is None


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_bad_weights_are_named(weight):
    with pytest.raises(StrategyError, match="p0"):
        vote(votes(("en", "1", weight)), rule="weighted")
    with pytest.raises(StrategyError, match="'en'"):
        vote(votes(("en", "1")), rule="weighted", weights={"en": weight})


def test_unknown_rule_is_named():
    with pytest.raises(StrategyError, match="'borda'.*majority"):  # noqa: RUF043
        vote([], rule="borda")


def test_usage_is_carried():
    verdict = vote([], usage=Usage(1, 2), translation_usage=Usage(3, 4), paths=7)
    assert (verdict.usage, verdict.translation_usage, verdict.paths) == (
        Usage(1, 2),
        Usage(3, 4),
        7,
    )


@given(
    SAID,
    st.randoms(),
    st.sampled_from(["majority", "weighted"]),
    st.permutations(["en", "de", "zh", "sw"]),
)
def test_blind_to_order_and_total(cast, random, rule, order):
    one = votes(*cast)
    other = list(one)
    random.shuffle(other)
    verdict = vote(one, rule=rule, order=order)
    assert verdict == vote(other, rule=rule, order=order)
    assert list(verdict.tally) == list(vote(other, rule=rule, order=order).tally)
    assert 0.0 <= verdict.agreement <= 1.0
    if verdict.answer is not None:
        assert math.isclose(verdict.support, math.fsum(verdict.tally[verdict.answer].values()))
        assert all(
            verdict.support >= math.fsum(by.values()) * (1 - 1e-9) for by in verdict.tally.values()
        )


def test_every_order_of_a_small_vote_agrees():
    cast = votes(("en", "1"), ("de", "2"), ("zh", "2"), ("sw", "1"), ("ja", None))
    assert len({vote(order).answer for order in itertools.permutations(cast)}) == 1


def test_confidence_is_compared_within_a_language():
    weights = normalized_weights(["en", "en", "th", "th", "ja"], [10.0, 30.0, 1.0, 3.0, None])
    assert weights == [0.5, 1.5, 0.5, 1.5, 1.0]
    assert normalized_weights(["en"], [0.0]) == [1.0]
    assert normalized_weights(["en", "en"], [math.nan, -2.0]) == [1.0, 1.0]
