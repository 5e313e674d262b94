"""Votes over subsets against ``clc.voting.tally.vote`` itself, subset by subset."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clc.analysis.resampling import PathOutcome, Resampler
from clc.records import AbstainReason, Abstention, Answer, Vote
from clc.voting.tally import vote

ORDER = ("en", "de", "zh", "sw")
VALUES = st.sampled_from([None, "7", "18", "-5", "1/2", "B", "x+1"])
ONE = st.just(1.0)
SOURCE = random.Random(0)


def drawn(languages=ORDER, weights=ONE, most=9):
    path = st.tuples(st.sampled_from(languages), VALUES, st.just(10), weights)
    return st.lists(path.map(PathOutcome._make), max_size=most)


def elected(paths, order):
    votes = [
        Vote(
            "",
            path.language,
            Abstention(AbstainReason.NO_ANSWER) if path.answer is None else Answer(path.answer),
            path.weight,
        )
        for path in paths
    ]
    return vote(votes, rule="weighted", order=order).answer


def share(paths, k, order):
    """By brute force: the share of k-subsets whose vote is right."""
    subsets = list(itertools.combinations(paths, k))
    return sum(elected(subset, order) == "7" for subset in subsets) / len(subsets)


@given(drawn(most=14), st.permutations(ORDER))
def test_prefixes_are_votes(paths, order):
    found = list(Resampler(paths, "7", order).prefixes())
    assert found == [elected(paths[: k + 1], order) == "7" for k in range(len(paths))]


@given(drawn(most=14), st.lists(st.sampled_from(ORDER), max_size=2))
def test_prefixes_in_languages_that_the_order_leaves_out(paths, order):
    found = list(Resampler(paths, "7", order).prefixes())
    assert found == [elected(paths[: k + 1], order) == "7" for k in range(len(paths))]


WEIGHTS = st.one_of(st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0, 2.0]), st.floats(0, 10))


@given(drawn(weights=WEIGHTS, most=10), st.permutations(ORDER))
def test_prefixes_of_weighted_votes(paths, order):
    found = list(Resampler(paths, "7", order).prefixes())
    assert found == [elected(paths[: k + 1], order) == "7" for k in range(len(paths))]


@settings(deadline=None)
@given(drawn(most=8), st.permutations(ORDER))
def test_every_subset_of_several_languages_counts(paths, order):
    ks = range(1, len(paths) + 1)
    found = Resampler(paths, "7", order).majority(ks, 1, SOURCE)
    assert all(one.exact for one in found)
    assert [one.value for one in found] == pytest.approx([share(paths, k, order) for k in ks])


@settings(deadline=None)
@given(drawn(languages=["de"], most=9))
def test_every_subset_of_one_language_is_counted_by_the_formula(paths):
    ks = range(1, len(paths) + 1)
    found = Resampler(paths, "7", ["de"]).majority(ks, 1, SOURCE)
    assert all(one.exact for one in found)
    assert [one.value for one in found] == pytest.approx([share(paths, k, ["de"]) for k in ks])


@given(drawn(most=9))
def test_oracle_is_the_share_of_subsets_with_a_right_path(paths):
    ballots = Resampler(paths, "7", ORDER)
    for k in range(1, len(paths) + 1):
        subsets = list(itertools.combinations(paths, k))
        hits = sum(any(path.answer == "7" for path in subset) for subset in subsets)
        assert ballots.oracle(k) == pytest.approx(hits / len(subsets))


def paths(count, languages, seed=3):
    draw = random.Random(seed)
    answers = ["7"] * 9 + ["8"] * 5 + ["3"] * 4 + [None] * 2
    return [
        PathOutcome(languages[i % len(languages)], draw.choice(answers), 10) for i in range(count)
    ]


def test_random_subsets_come_near_the_truth():
    many = Resampler(paths(16, ("de", "en")), "7", ("en", "de"))
    truth = share(paths(16, ("de", "en")), 5, ("en", "de"))
    (found,) = many.majority([5], 4_000, random.Random(1))
    assert not found.exact
    assert found.value == pytest.approx(truth, abs=4 * math.sqrt(truth * (1 - truth) / 4_000))
    assert 0.1 < truth < 0.9


def test_what_is_exact_and_what_is_not():
    ks = [1, 2, 8, 43, 44]
    several = Resampler(paths(44, ORDER), "7", ORDER)
    assert [one.exact for one in several.majority(ks, 10, SOURCE)] == [1, 0, 0, 1, 1]
    single = Resampler(paths(44, ("sw",)), "7", ())
    assert all(one.exact for one in single.majority(ks, 10, SOURCE))
    eleven = Resampler(paths(11, ORDER), "7", ORDER)
    assert all(one.exact for one in eleven.majority(range(1, 12), 10, SOURCE))


def test_the_formula_at_64_paths():
    single = Resampler(paths(64, ("sw",)), "7", ())
    (counted,) = single.majority([9], 1, SOURCE)
    # The same paths under two languages that break no tie: random subsets.
    other = Resampler(paths(64, ("sw", "sw-KE")), "7", ())
    (drawn_,) = other.majority([9], 3_000, random.Random(2))
    assert counted.exact
    assert not drawn_.exact
    assert counted.value == pytest.approx(drawn_.value, abs=0.05)


def test_nothing_right_and_nothing_else():
    wrong = Resampler([PathOutcome("en", "8", 1)] * 600, "7", ["en"])
    assert wrong.majority([300], 1, SOURCE) == [(0.0, True)]
    assert wrong.prefixes() == bytes(600)
    right = Resampler([PathOutcome(code, "7", 1) for code in ORDER] * 200, "7", ORDER)
    assert right.majority([1, 300], 1, SOURCE) == [(1.0, True), (1.0, True)]
    mute = Resampler([PathOutcome("en", None, 1), PathOutcome("de", "7", 1)], "7", ORDER)
    assert mute.majority([1, 2], 1, SOURCE) == [(0.5, True), (1.0, True)]


def test_no_paths():
    none = Resampler([], "7", ORDER)
    assert len(none) == 0
    assert none.prefixes() == b""
    assert none.majority([], 1, SOURCE) == []


def test_the_same_source_gives_the_same_shares():
    ballots = Resampler(paths(44, ORDER), "7", ORDER)
    once, again = (ballots.majority([4, 8], 50, random.Random("a")) for _ in range(2))
    assert once == again
