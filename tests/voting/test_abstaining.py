"""Withheld answers."""

import pytest

from clc.errors import StrategyError
from clc.records import Answer, Vote
from clc.voting.abstaining import Abstaining, given_answer, withhold
from clc.voting.tally import vote


def verdict(*cast):
    return vote([Vote("", language, Answer(answer)) for language, answer in cast])


TWO_OF_THREE = verdict(("en", "18"), ("de", "18"), ("zh", "26"))


@pytest.mark.parametrize(
    ("abstaining", "reason"),
    [
        (None, None),
        (Abstaining(), None),
        (Abstaining(0.66), None),
        (Abstaining(2 / 3), None),
        (Abstaining(0.666667), None),  # as it is shown
        (Abstaining(0.67), "agreement 0.666667 is below 0.67"),
        (Abstaining(languages=2), None),
        (Abstaining(languages=3), "languages that agree: 2, fewer than 3"),
    ],
)
def test_an_answer_is_withheld_where_too_few_agree(abstaining, reason):
    found = withhold(TWO_OF_THREE, abstaining)
    if reason is None:
        assert found == TWO_OF_THREE
        return
    assert found.answer is None
    assert found.details == {"withheld": {"answer": "18", "reason": reason}}
    assert (found.support, found.agreement) == (TWO_OF_THREE.support, TWO_OF_THREE.agreement)
    assert given_answer(found) == given_answer(TWO_OF_THREE) == "18"


def test_paths_of_one_language_are_one_language():
    found = withhold(verdict(("en", "18"), ("en", "18"), ("en", "18")), Abstaining(languages=2))
    assert found.answer is None


def test_agreement_is_exact_despite_rounding():
    cast = [("en", "1")] * 3 + [("de", "2")] * 7
    found = verdict(*cast)
    assert withhold(found, Abstaining(0.7)).answer == "2"


def test_without_a_vote_nothing_is_withheld():
    nothing = vote([])
    assert withhold(nothing, Abstaining(0.9)) is nothing
    assert given_answer(nothing) is None


@pytest.mark.parametrize("settings", [{"below": 1.1}, {"below": -0.1}, {"languages": 0}])
def test_values_out_of_range(settings):
    with pytest.raises(StrategyError, match="abstain_"):
        Abstaining(**settings)
