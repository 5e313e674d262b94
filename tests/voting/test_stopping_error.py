"""The share of wrong stops of a rule, in simulated and in recorded questions."""

import math
import random
from pathlib import Path

import pytest

from clc.datasets.recorded_votes import group_votes
from clc.voting.stopping import Stopping, first_stop
from clc.voting.tally import vote

from .casting import SEVEN, cast

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "recorded"


# By simulation: two answers, the share of one uniform over questions


def simulated(seed, *, correlation, repeats, deep, questions=2500):
    """Questions with their more probable answer: ``repeats`` paths in each of seven languages.

    A language's own share is beta distributed around the question's, so that two of its paths
    are correlated by ``correlation``. Deep draws a language's paths one after another.
    """
    rng = random.Random(seed)
    for _ in range(questions):
        share = rng.random()
        scale = (1 - correlation) / correlation if correlation else 0
        own = {
            code: rng.betavariate(share * scale, (1 - share) * scale) if scale else share
            for code in SEVEN
        }
        codes = sorted(SEVEN * repeats) if deep else SEVEN * repeats
        drawn = [cast(code, "1" if rng.random() < own[code] else "2") for code in codes]
        yield "1" if share > 0.5 else "2", drawn


def wrong_stops(rule, questions):
    """Share of stops at the less probable answer, and the standard error of a share that small."""
    stops = wrong = 0
    for right, drawn in questions:
        stop = first_stop(rule, drawn, len(drawn))
        if stop:
            stops += 1
            heads = sum(one.answer == right for one in drawn[: stop.paths])
            wrong += 2 * heads < stop.paths
    assert stops > 1000
    return wrong / stops, math.sqrt((1 - rule.threshold) * rule.threshold / stops)


@pytest.mark.parametrize("rule", ["beta", "dirichlet"])
@pytest.mark.parametrize("threshold", [0.8, 0.9, 0.95])
def test_independent_paths_keep_the_promise(rule, threshold):
    questions = simulated(2, correlation=0, repeats=4, deep=False)
    share, error = wrong_stops(Stopping(rule, threshold), questions)
    assert share <= 1 - threshold + 3 * error


@pytest.mark.parametrize("correlation", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("threshold", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("languages", [2, 3])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.slow
def test_correlated_paths_keep_the_promise_of_crosslingual(correlation, threshold, languages, deep):
    questions = simulated(3, correlation=correlation, repeats=4, deep=deep)
    rule = Stopping("crosslingual", threshold, languages=languages, correlation=correlation)
    share, error = wrong_stops(rule, questions)
    assert share <= 1 - threshold + 3 * error


@pytest.mark.parametrize("rule", ["beta", "dirichlet"])
def test_correlated_paths_break_the_promise_of_beta(rule):
    questions = simulated(3, correlation=0.5, repeats=4, deep=True)
    share, error = wrong_stops(Stopping(rule, 0.95), questions)
    assert share > 0.05 + 10 * error


# Recorded paths, where they lie beside the checkout; they are never part of the project


@pytest.fixture(scope="module")
def recorded():
    if not RECORDED.is_dir():
        pytest.skip(f"needs the recorded data in {RECORDED}")
    return [
        sorted(one.votes, key=lambda vote: SEVEN.index(vote.language))
        for one in group_votes(sorted(RECORDED.glob("*.clsp.jsonl")))
    ]


@pytest.mark.parametrize(
    ("rule", "most_paths", "least_same"),
    [
        (Stopping("lead"), 5.3, 1.0),
        (Stopping("beta", 0.8), 3.9, 0.97),
        (Stopping("beta", 0.9), 5.2, 0.99),
        (Stopping("crosslingual", 0.9), 5.2, 0.99),
        (Stopping("window", window=3), 5.0, 0.99),
    ],
)
def test_recorded_questions_need_fewer_paths(recorded, rule, most_paths, least_same):
    """Figures as published for all ten question languages, or as measured on these."""
    drawn = same = 0
    for votes in recorded:
        stop = first_stop(rule, votes, len(votes), SEVEN)
        count = stop.paths if stop else len(votes)
        drawn += count
        early, full = vote(votes[:count], order=SEVEN), vote(votes, order=SEVEN)
        same += early.answer == full.answer
    assert drawn / len(recorded) <= most_paths
    assert same / len(recorded) >= least_same
