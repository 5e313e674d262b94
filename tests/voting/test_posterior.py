"""Posteriors of the most frequent answer against worked numbers, quadrature and simulation."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.voting.posterior import beta_posterior, dirichlet_posterior, effective_votes


def test_beta_worked_by_hand():
    # 1 - BetaCDF(1/2; n + 1, 1) = 1 - 2^-(n + 1): 3 unanimous votes are not enough for 0.95.
    assert [beta_posterior(n, 0) for n in range(5)] == [0.5, 0.75, 0.875, 0.9375, 0.96875]
    assert beta_posterior(7, 2) == 968 / 1024  # C(10, 0) + C(10, 1) + C(10, 2) = 56
    assert beta_posterior(9, 9) == 0.5


@pytest.mark.parametrize(("first", "second"), [(1.5, 0), (2.25, 1.75), (7.5, 0.5), (30.1, 22.2)])
def test_beta_with_fractions_against_quadrature(first, second):
    def density(x):
        return x**first * (1 - x) ** second

    def simpson(low, high, n=4000):
        h = (high - low) / n
        inner = sum((4 if i % 2 else 2) * density(low + i * h) for i in range(1, n))
        return (density(low) + inner + density(high)) * h / 3

    expected = simpson(0.5, 1) / (simpson(0, 0.5) + simpson(0.5, 1))
    assert beta_posterior(first, second) == pytest.approx(expected, abs=1e-6)


def test_beta_joins_whole_and_fractional_votes():
    assert beta_posterior(5, 2) == pytest.approx(beta_posterior(5 + 1e-12, 2), abs=1e-9)


def test_beta_against_scipy():
    special = pytest.importorskip("scipy.special")
    rng = random.Random(0)
    pairs = [(rng.uniform(0, 60), rng.uniform(0, 60)) for _ in range(500)]
    for first, second in [*pairs, *itertools.product(range(45), repeat=2)]:
        expected = special.betaincc(first + 1, second + 1, 0.5)
        assert beta_posterior(first, second) == pytest.approx(expected, abs=1e-12)


def test_dirichlet_worked_by_hand():
    # Integral of x^2/2 e^-x (1 - e^-x (1 + x))^2 = 1 - 2 (1/8 + 3/16) + (1/27 + 2/27 + 4/81).
    assert dirichlet_posterior((2, 1, 1)) == pytest.approx(347 / 648, abs=1e-12)
    assert dirichlet_posterior((0, 0, 0, 0)) == pytest.approx(1 / 4, abs=1e-12)
    assert dirichlet_posterior((5, 2)) == beta_posterior(5, 2)


@given(st.lists(st.integers(0, 60), min_size=3, max_size=6))
def test_one_answer_is_the_most_probable(counts):
    chances = [
        dirichlet_posterior((count, *counts[:place], *counts[place + 1 :]))
        for place, count in enumerate(counts)
    ]
    assert sum(chances) == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize("counts", [(4, 2, 1), (6, 5, 1, 1), (20, 14, 9), (300, 280, 10)])
def test_dirichlet_against_draws(counts):
    rng = random.Random(1)
    draws = 20_000
    hits = 0
    for _ in range(draws):
        shares = [rng.gammavariate(count + 1, 1) for count in counts]
        hits += shares[0] == max(shares)
    chance = dirichlet_posterior(counts)
    assert hits / draws == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / draws))


def test_effective_votes():
    votes = {"en": {"1": 4}, "de": {"1": 1, "2": 1}}
    assert effective_votes(votes, 0) == {"1": 5, "2": 1}
    assert effective_votes(votes, 1) == {"1": 1.5, "2": 0.5}  # a language is a vote
    half = effective_votes(votes, 0.5)  # en 4 / 2.5, de 2 / 1.5
    assert half == pytest.approx({"1": 1.6 + 2 / 3, "2": 2 / 3})
