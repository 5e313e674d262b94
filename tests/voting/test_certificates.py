"""The rules ``bayes``, ``cite`` and ``mmc``: worked numbers, brute force, guarantees simulated."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.errors import StrategyError
from clc.records import AbstainReason, Abstention, Answer, Vote
from clc.voting.shapes import FLAT, Shape, learn_shapes, mode_posterior, smooth_shapes
from clc.voting.stopping import Stopping, first_stop, next_round_size

ENGLISH = ("en",) * 40
LANGUAGES = ("en", "de", "es", "fr", "ja", "ru", "zh")


def cast(language, answer, weight=1.0):
    outcome = Abstention(AbstainReason.NO_ANSWER) if answer == "." else Answer(answer)
    return Vote("", language, outcome, weight)


def stop_at(rule, text, codes=ENGLISH, budget=40):
    votes = [cast(code, answer) for code, answer in zip(codes, text, strict=False)]
    stop = first_stop(rule, votes, budget, codes)
    return stop and stop.paths


# Shapes and the posterior


def brute_force(counts, shapes):
    """The posterior by listing who is the likeliest and who the second, and the rest vote by vote.

    A vote for the rest goes to an answer with c of its C votes so far with probability
    c / (C + t), and to a new one with probability t / (C + t).
    """
    leading = everything = 0.0
    for shape, first, second in itertools.product(
        shapes, [None, *range(len(counts))], [None, *range(len(counts))]
    ):
        if first == second is not None:
            continue
        likelihood = shape.weight
        rest = 0
        for answer, votes in enumerate(counts):
            for number in range(votes):
                if answer == first:
                    likelihood *= shape.top
                elif answer == second:
                    likelihood *= shape.second
                else:
                    t = shape.rest / shape.second if shape.second else 1
                    likelihood *= shape.rest * (number or t) / (rest + t)
                    rest += 1
        everything += likelihood
        leading += likelihood * (first == 0)
    return leading / everything if everything else 0.0


@pytest.mark.parametrize("counts", [(1,), (4,), (2, 1), (1, 2), (3, 3), (4, 1, 1), (2, 2, 1, 1)])
def test_the_posterior_against_every_assignment(counts):
    shapes = [Shape(0.6, 0.2, 0.2, 2.0), Shape(0.4, 0.3, 0.3, 1.0), Shape(0.5, 0.1, 0.4, 0.5)]
    assert mode_posterior(counts, tuple(shapes)) == pytest.approx(brute_force(counts, shapes))


def test_the_posterior_of_two_answers_worked_by_hand():
    shape = (Shape(0.75, 0.25, 0.0, 1.0),)
    assert mode_posterior((2, 1), shape) == pytest.approx(0.75)  # 27/64 against 9/64, times 1/3
    assert mode_posterior((1, 1, 1), shape) == 0.0  # it has no third answer
    third = (Shape(0.5, 0.25, 0.25, 1.0),)
    # The likeliest 1/4, the second 1/16, one of the rest 1/16 * 1/2 (its second vote joins it).
    assert mode_posterior((2,), third) == pytest.approx((1 / 4) / (1 / 4 + 1 / 16 + 1 / 32))
    assert mode_posterior((), shape) == 0.0


def test_many_votes_do_not_underflow():
    assert mode_posterior((3000, 10), FLAT) > 0.999


def test_shapes_are_learned_and_smoothed():
    shapes = learn_shapes([[11], [11], [6, 5], [0, 4, 4, 3], []])
    assert shapes[0] == (1.0, 0.0, 0.0, 2.0)
    assert len(shapes) == 3
    smoothed = smooth_shapes(shapes, 11)
    assert smoothed[0] == pytest.approx((11.5 / 12.5, 0.04, 0.04, 2.0))
    assert all(one.top + one.second + one.rest == pytest.approx(1) for one in smoothed)


def test_bayes_stops_sooner_with_a_prior_of_easy_questions():
    easy = smooth_shapes([Shape(1.0, 0.0, 0.0, 8.0), Shape(0.8, 0.1, 0.1, 2.0)], 10)
    assert stop_at(Stopping("bayes", prior=easy), "11111111") == 2
    assert stop_at(Stopping("bayes"), "11111111") == 5
    assert stop_at(Stopping("bayes"), "2111111111") == 7
    assert next_round_size(Stopping("bayes", prior=easy), [], ENGLISH) == 2


def test_bayes_counts_correlated_paths_less():
    assert stop_at(Stopping("bayes", correlation=0.5), "1" * 12) is None  # 2 effective votes
    assert stop_at(Stopping("bayes", correlation=0.5), "1" * 12, LANGUAGES * 2) == 5


def test_only_bayes_has_a_prior():
    with pytest.raises(StrategyError, match="'beta' has no prior; bayes has"):
        Stopping("beta", prior=FLAT)


# Certificates


def test_cite_worked_by_hand():
    # Six votes after the first: 2^6 / 2 + (sum of (1 + b)^6 over eight bets) / 16 = 41.01, and
    # the level of the first answer is 0.05 / 2.
    stop = first_stop(Stopping("cite"), [cast("en", "1")] * 9, 40)
    assert stop.paths == 7
    assert stop.probability == pytest.approx(1 - 2 / 41.0075, abs=1e-4)
    assert stop_at(Stopping("cite", threshold=0.9), "1" * 9) == 6
    assert stop_at(Stopping("cite"), "1111111", budget=7) is None


def test_a_second_answer_has_half_of_the_level():
    first, second = ("1" + "1" * 8, "2" + "1" * 10)
    assert stop_at(Stopping("cite"), first) == 7
    assert stop_at(Stopping("cite"), second) == 10  # its first vote and 8 more at level 1/80


def test_an_answer_that_does_not_lead_is_not_certified():
    assert stop_at(Stopping("cite"), "1" * 6 + "2" * 6 + "1" * 3) is None


def test_certificates_weigh_votes():
    light = [cast("en", "1", 0.5)] * 30
    assert first_stop(Stopping("cite"), light, 40).paths == 7
    assert first_stop(Stopping("cite"), light, 40, weighted=True).paths == 12
    sizes = {weight: next_round_size(Stopping("cite"), [], ENGLISH, {"en": weight})
             for weight in (1.0, 0.5)}  # fmt: skip
    assert sizes == {1.0: 7, 0.5: 12}


def test_certificates_of_correlated_paths_need_languages():
    rule = Stopping("cite", threshold=0.8, correlation=1.0)
    assert stop_at(rule, "1" * 39) is None
    assert stop_at(rule, "1" * 21, LANGUAGES * 3) == 5


answers = st.lists(st.sampled_from(["1", "1", "1", "2", "3", "4", "."]), max_size=30).map("".join)


@given(answers, st.sampled_from([0.6, 0.8, 0.95]), st.sampled_from([0.0, 0.5]))
def test_mmc_never_stops_before_cite(text, threshold, correlation):
    cite, mmc = (Stopping(rule, threshold, correlation=correlation) for rule in ("cite", "mmc"))
    early, late = (stop_at(rule, text, LANGUAGES * 6) or 99 for rule in (cite, mmc))
    assert early <= late


@pytest.mark.parametrize("rule", ["cite", "mmc"])
@pytest.mark.parametrize("chances", [(1, 1), (4, 4, 2), (1,) * 8, (30, 30, 40)])
def test_a_tie_is_hardly_ever_certified(rule, chances):
    """No answer is the most probable one but the last: each stop elsewhere is false."""
    rng = random.Random(0)
    names = [str(number) for number in range(len(chances))]
    right = "2" if chances[-1] == 40 else None
    wrong = 0
    questions = 1500
    stopping = Stopping(rule, 0.8)
    for _ in range(questions):
        drawn = [cast("en", one) for one in rng.choices(names, chances, k=40)]
        if stop := first_stop(stopping, drawn, 41):
            votes = [one.answer for one in drawn[: stop.paths]]
            wrong += max(set(votes), key=votes.count) != right
    assert wrong / questions <= 0.2 + 3 * math.sqrt(0.2 * 0.8 / questions)
    if chances == (1, 1):
        assert wrong > 0  # the test can fail


def voted(rng, shape, paths):
    """Votes of a question: answer 0 is the likeliest, 1 the second, and the rest a restaurant."""
    rest = []
    for _ in range(paths):
        (kind,) = rng.choices(["0", "1", "rest"], shape[:3])
        if kind == "rest":
            t = shape.rest / shape.second
            is_new = rng.random() < t / (len(rest) + t)
            rest.append(f"other {len(set(rest))}" if is_new else rng.choice(rest))
            kind = rest[-1]
        yield cast("en", kind)


def test_bayes_is_calibrated_where_its_prior_is_right():
    rng = random.Random(1)
    stopping = Stopping("bayes", 0.9)
    stops = wrong = 0
    for _ in range(1500):
        drawn = list(voted(rng, rng.choice(FLAT), 30))
        if stop := first_stop(stopping, drawn, 31):
            stops += 1
            votes = [one.answer for one in drawn[: stop.paths]]
            wrong += max(set(votes), key=votes.count) != "0"
    assert stops > 700
    assert 0.01 < wrong / stops <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / stops)
