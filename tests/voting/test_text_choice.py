"""Verdicts whose answer is that of a chosen path: mutual agreement, and clusters."""

import pytest

from clc.plan import ArmRecord, Plan
from clc.records import Problem, ReasoningPath
from clc.voting.mutual_agreement import mutual_agreement, text_similarity
from clc.voting.verdict import Counting, make_verdict, read_votes

PROBLEM = Problem("p", "Why does ice float?", "en")


def verdict(texts, voting="mbr", languages=None, **details):
    arms = [
        ArmRecord(language, f"prompt {number}", 0, 1, 0)
        for number, language in enumerate(languages or ["en"] * len(texts))
    ]
    plan = Plan(tuple(arms), tuple(range(len(arms))), details=details)
    paths = {
        key: ReasoningPath(key, "", arm.language, 0, 0, text, "stop")
        for (arm, key), text in zip(plan.paths, texts, strict=True)
    }
    counting = Counting(voting)
    return make_verdict(
        PROBLEM, plan, paths, read_votes(PROBLEM, plan, paths, counting), counting
    ), plan


LIGHT = "Ice floats because it is less dense than water."
LIGHTER = "Ice floats since it is less dense than liquid water."
COLD = "Cold things rise."


def test_the_text_most_like_the_others_is_the_answer():
    found, _ = verdict([COLD, LIGHT, LIGHTER])
    assert found.answer == LIGHT
    assert 1 < found.support < 3 == found.total
    assert found.agreement == pytest.approx(found.support / 3)
    assert not found.tied


def test_values_alone_are_the_majority_with_its_ties():
    texts = ["Answer: 7", "Answer: 8", "Answer: 8", "Answer: 7"]
    languages = ["de", "en", "en", "de"]
    found, _ = verdict(texts, languages=languages)
    majority, _ = verdict(texts, "majority", languages=languages)
    assert found == majority
    assert found.tied


def test_equal_values_agree_whatever_their_texts():
    found, _ = verdict([LIGHT, "First 3, then 4.\nAnswer: 7", "Sieben.\nAnswer: 7"])
    assert found.answer == "7"
    assert found.support > 2


def test_refusals_and_empty_texts_are_no_candidates():
    found, _ = verdict([LIGHT, "", "I am sorry, but I cannot help with that."])
    assert (found.answer, found.total) == (LIGHT, 1)
    nothing, _ = verdict(["", ""])
    assert nothing.answer is None


def test_ties_go_to_the_earlier_language():
    # Two texts are as like each other both ways; the plan's first language is German.
    found, _ = verdict(["Warum nicht?", LIGHT], languages=["de", "en"])
    assert found.answer == "Warum nicht?"


@pytest.mark.parametrize(
    ("first", "second"), [(LIGHT, LIGHTER), ("a", "ab"), ("", "x"), ("短い答え", "短い答えです")]
)
def test_similarity_is_symmetric_and_within_bounds(first, second):
    assert text_similarity(first, second) == text_similarity(second, first)
    assert 0 <= text_similarity(first, second) < 1
    assert text_similarity(first, first) == 1


def test_similar_texts_are_nearer_than_others():
    assert text_similarity(LIGHT, LIGHTER) > 0.6
    assert text_similarity(LIGHT, COLD) < 0.3


def test_agreement_counts_every_pair_once():
    assert mutual_agreement([]) == []
    assert mutual_agreement([(None, LIGHT)]) == [1.0]
    assert mutual_agreement([(None, LIGHT)] * 3) == [3.0] * 3


def test_a_long_text_is_compared_by_its_end():
    assert text_similarity("x" * 9000 + LIGHT * 200, "y" * 9000 + LIGHT * 200) == 1.0


def test_the_largest_cluster_is_the_answer():
    _, plan = verdict([COLD, LIGHT, LIGHTER], "semantic")
    cold, light, lighter = plan.keys()
    choice = {"path": light, "clusters": [[cold], [light, lighter]], "entropy": 0.64}
    found, _ = verdict([COLD, LIGHT, LIGHTER], "semantic", choice=choice)
    assert found.answer == LIGHT
    assert (found.support, found.total, found.tied) == (2, 3, False)


def test_without_a_choice_the_majority_decides():
    found, _ = verdict(["Answer: 7", "Answer: 7", LIGHT], "semantic")
    assert (found.answer, found.support, found.total) == ("7", 2, 2)
