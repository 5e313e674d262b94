"""Ranking of languages by agreement, and by the alignment of hidden states."""

import random

import numpy as np
import pytest

from clc.analysis.alignment import measure_alignment
from clc.analysis.language_ranking import correlation_with_gold, rank_correlation, rank_languages
from clc.analysis.portfolio_rows import PortfolioRow
from clc.errors import DatasetError


def rows(rates, count=200, *, gold=True, seed=1):
    rng = random.Random(seed)

    def answer(number, rate):
        return str(number if rng.random() < rate else number + rng.randint(1, 40))

    for number in range(count):
        votes = {language: [answer(number, rate)] for language, rate in rates.items()}
        yield PortfolioRow(f"item-{number}", str(number) if gold else None, votes)


RATES = {"sw": 0.3, "en": 0.95, "de": 0.7, "th": 0.5}


def test_agreement_orders_languages_as_gold_does():
    ranking = rank_languages(list(rows(RATES)))
    assert ranking.languages == ("en", "de", "th", "sw")
    assert ranking.correlation.value == 1.0
    assert ranking.correlation.low <= 1.0 == ranking.correlation.high
    for rank in ranking.ranks:
        assert rank.best <= ranking.languages.index(rank.language) + 1 <= rank.worst


def test_gold_changes_no_rank():
    blind, known = (rank_languages(list(rows(RATES, gold=gold))) for gold in (False, True))
    assert blind.languages == known.languages
    assert blind.correlation is None
    assert all(rank.accuracy is None for rank in blind.ranks)


def test_a_language_does_not_vote_for_itself():
    # en alone has nine paths and would win every vote that it may take part in.
    row = PortfolioRow("a", "7", {"en": ["7"] * 9, "de": ["8"], "sw": ["8"]})
    ranking = rank_languages([row])
    assert [rank.agreement.value for rank in ranking.ranks] == [0.0, 0.0, 0.0]


def test_languages_that_tie_share_their_ranks():
    rows = [PortfolioRow(f"{n}", "7", {"en": ["7"], "de": ["7"], "fr": ["7"]}) for n in range(9)]
    ranks = rank_languages(rows).ranks
    assert [(rank.best, rank.worst) for rank in ranks] == [(1, 3)] * 3
    assert [rank.language for rank in ranks] == ["en", "de", "fr"]


def test_an_abstention_does_not_agree():
    row = PortfolioRow("a", None, {"en": ["7", None], "de": ["7"], "sw": ["7"]})
    shares = {rank.language: rank.agreement.value for rank in rank_languages([row]).ranks}
    assert shares == {"en": 0.5, "de": 1.0, "sw": 1.0}


def test_problems_may_lack_languages():
    some = [PortfolioRow(str(n), None, {"en": ["7"], "de": ["7"]}) for n in range(3)]
    other = [PortfolioRow("x", None, {"de": ["7"], "fr": ["8"], "en": ["7"]})]
    totals = {rank.language: rank.agreement.total for rank in rank_languages(some + other).ranks}
    assert totals == {"en": 4, "de": 4, "fr": 1}


def test_two_languages_cannot_be_ranked():
    with pytest.raises(DatasetError, match="at least three"):
        rank_languages([PortfolioRow("a", "7", {"en": ["7"], "de": ["8"]})])
    with pytest.raises(DatasetError, match="no language"):
        rank_languages([])


def test_scores_are_compared_with_gold():
    given = list(rows(RATES))
    scores = {"en": 0.9, "de": 0.8, "th": 0.5, "sw": 0.4, "fr": 0.1}
    found = correlation_with_gold(scores, given)
    assert found.value == 1.0
    assert correlation_with_gold(dict.fromkeys(scores, 0.5), given) is None
    assert correlation_with_gold(scores, list(rows(RATES, gold=False))) is None


def test_ranks_of_equal_values_are_their_mean():
    assert rank_correlation([1, 1, 2, 3], [1, 1, 2, 3]) == pytest.approx(1.0)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)


def test_a_translation_that_is_nearest_both_ways_counts():
    sentences = np.eye(4)[None]  # one layer, four sentences, all at right angles
    swapped = sentences[:, [1, 0, 2, 3]]
    found = measure_alignment({"en": sentences, "de": swapped, "fr": sentences * 5})
    assert [(one.language, one.mexa, one.cosine) for one in found] == [
        ("fr", 1.0, 1.0),
        ("de", 0.5, 0.5),
    ]


def test_nearest_one_way_is_not_enough():
    english = np.array([[[1.0, 0.0], [1.0, 0.2]]])
    german = np.array([[[1.0, 0.1], [0.0, 1.0]]])
    # The first German sentence is nearest to the second English one as much as to its own.
    assert measure_alignment({"en": english, "de": german})[0].mexa < 1.0


def test_measures_are_means_over_layers():
    good, bad = np.eye(3), np.eye(3)[[1, 2, 0]]
    (found,) = measure_alignment({"en": np.stack([good, good]), "sw": np.stack([good, bad])})
    assert found.mexa_layers == (1.0, 0.0)
    assert found.mexa == 0.5


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({"de": np.ones((1, 3, 2)), "fr": np.ones((1, 3, 2))}, "give 'en'"),
        ({"en": np.ones((1, 3, 2))}, "another language"),
        ({"en": np.ones((1, 1, 2)), "de": np.ones((1, 1, 2))}, "too few"),
    ],
)
def test_states_that_cannot_be_compared(states, message):
    with pytest.raises(DatasetError, match=message):
        measure_alignment(states)
