"""Risk and coverage, and the threshold for a precision."""

import random

import pytest

from clc.analysis.scoreboard import Scoreboard
from clc.analysis.scores import Scored
from clc.analysis.scoring import score
from clc.analysis.selective import JudgedVote, find_threshold, lower_bound, risk_coverage
from clc.records import Answer, Vote
from clc.voting.abstaining import Abstaining, withhold
from clc.voting.tally import vote


def judgements(*groups):
    """Judgements from (agreement, right ones, all of them), each of an item of its own."""
    return [
        JudgedVote(f"{agreement}-{index}", agreement, index < right)
        for agreement, right, total in groups
        for index in range(total)
    ]


def test_the_area_is_the_mean_risk_in_random_order_of_ties():
    counts = {1.0: (1, 2), 0.5: (1, 1), 0.0: (0, 1)}
    # Risks of 1 to 4 answered: the pair of ties has half an error on average.
    risks = [0.5, 0.5, 1 / 3, 2 / 4]
    curve = risk_coverage(counts)
    assert curve.area == pytest.approx(sum(risks) / 4)
    assert curve.excess == pytest.approx((sum(risks) - (1 / 3 + 2 / 4)) / 4)
    assert [one.risk for one in curve.points] == pytest.approx([0.5, 1 / 3, 0.5])
    assert [one.coverage for one in curve.points] == [0.5, 0.75, 1.0]


def test_a_perfect_order_has_no_excess_and_nothing_has_no_curve():
    assert risk_coverage({0.9: (5, 5), 0.1: (0, 3)}).excess == 0
    assert risk_coverage({}) is None


def test_the_least_agreement_that_shows_the_precision():
    judged = judgements((1.0, 200, 200), (0.8, 97, 100), (0.6, 50, 100))
    found = find_threshold(judged, 0.95)
    assert (found.agreement, found.rate.right, found.rate.total) == (0.8, 297, 300)
    assert found.coverage == 0.75
    assert found.low == pytest.approx(lower_bound(0.99, 300))
    assert found.low >= 0.95


def test_agreements_with_too_few_problems_do_not_end_the_search():
    judged = judgements((1.0, 8, 8), (0.9, 300, 300))
    assert find_threshold(judged, 0.95).agreement == 0.9


@pytest.mark.parametrize("judged", [judgements((1.0, 20, 20)), judgements((1.0, 90, 100)), []])
def test_a_precision_that_nothing_shows(judged):
    assert find_threshold(judged, 0.95) is None


def test_problems_of_one_item_count_less():
    alone = judgements((1.0, 99, 100))
    repeated = [JudgedVote(f"{index // 10}", 1.0, index >= 10) for index in range(100)]
    alone_low, together_low = (find_threshold(judged, 0.5).low for judged in (alone, repeated))
    assert together_low < alone_low - 0.1


def test_the_bound_holds_in_simulation():
    rng = random.Random(7)
    wrong = 0
    for _ in range(400):
        judged = [
            JudgedVote(str(index), agreement, rng.random() < 0.55 + 0.4 * agreement)
            for index in range(250)
            for agreement in (rng.choice([0.4, 0.6, 0.8, 1.0]),)
        ]
        found = find_threshold(judged, 0.85)
        if found is None:
            continue
        # At a, the mean of 0.55 + 0.4 a over the agreements from a on.
        passed = [one for one in (0.4, 0.6, 0.8, 1.0) if one >= found.agreement]
        wrong += 0.55 + 0.4 * sum(passed) / len(passed) < 0.85
    assert wrong <= 400 * 0.05 + 3 * (400 * 0.05 * 0.95) ** 0.5


def scored_votes(abstaining=None):
    """Two right votes, one wrong and unsure, one without an answer."""
    cast = [["7", "7"], ["7", "7"], ["7", "8", "8"], []]
    for number, answers in enumerate(cast):
        verdict = vote([Vote("", "en", Answer(one)) for one in answers], id=str(number))
        yield Scored(str(number), str(number), "de", "7", withhold(verdict, abstaining))


def test_a_score_has_the_curve_and_the_accuracy_of_what_is_given():
    plain, sure = score(scored_votes()), score(scored_votes(Abstaining(0.9)))
    assert plain.risk_coverage == sure.risk_coverage
    assert [one.answered for one in plain.risk_coverage.points] == [2, 3, 4]
    assert (plain.withheld, plain.selective.value) == (0, pytest.approx(2 / 3))
    assert (sure.withheld, sure.unanswered, sure.selective.value) == (1, 2, 1.0)
    assert sure.accuracy.value == 0.5
    assert "withheld" not in plain.to_json()
    assert sure.to_json()["withheld"] == 1


def test_merged_parts_have_the_same_curve():
    rows = list(scored_votes(Abstaining(0.9)))
    whole = Scoreboard().fill(rows)
    first, second = Scoreboard().fill(rows[:2]), Scoreboard().fill(rows[2:])
    first.merge(second)
    assert first.score() == whole.score()
