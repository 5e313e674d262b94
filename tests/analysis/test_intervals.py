"""Intervals and tests against worked numbers, brute force and simulation."""

import itertools
import math
import random

import pytest

from clc.analysis.intervals import (
    clustered_difference,
    clustered_rate,
    mcnemar,
    sign_flip,
    student_quantile,
    wilson,
)
from clc.voting.posterior import beta_cdf


def test_beta_against_binomial_tails():
    # P(X >= k) of Binomial(n, p) is the CDF of Beta(k, n - k + 1) at p.
    for n, k, p in ((10, 3, 0.2), (40, 25, 0.5), (7, 7, 0.9)):
        tail = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
        assert beta_cdf(p, k, n - k + 1) == pytest.approx(tail, abs=1e-12)
    assert (beta_cdf(0, 2, 2), beta_cdf(1, 2, 2)) == (0, 1)


@pytest.mark.parametrize(
    ("df", "table"),
    [(1, 12.7062), (2, 4.3027), (5, 2.5706), (30, 2.0423), (249, 1.9695), (10**6, 1.96)],
)
def test_student_table(df, table):
    assert student_quantile(df) == pytest.approx(table, abs=1e-4)


def test_wilson_worked_by_hand():
    # 81 of 263: Newcombe 1998, table I, method 3.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    # 0 of 20: high = z^2 / (n + z^2) = 3.8415 / 23.8415.
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_one_outcome_an_item_is_wilson():
    rate = clustered_rate([1] * 81 + [0] * 182, [1] * 263)
    assert (rate.low, rate.high) == pytest.approx(wilson(81 / 263, 263))
    assert (rate.right, rate.total, rate.items) == (81, 263, 263)


def test_copies_of_an_item_add_nothing():
    single = clustered_rate([1] * 30 + [0] * 20, [1] * 50)
    copied = clustered_rate([11] * 30 + [0] * 20, [11] * 50)
    assert copied.value == single.value
    # The effective sample is 49 (G - 1 for the variance), its t 2.010 instead of 1.965.
    width, alone = copied.high - copied.low, single.high - single.low
    assert 1.0 < width / alone < 1.05


def test_rates_where_nothing_can_be_estimated():
    assert clustered_rate([], []) is None
    assert clustered_rate([0], [0]) is None
    all_right = clustered_rate([4] * 20, [4] * 20)
    assert (all_right.low, all_right.high) == pytest.approx((1 - 0.1611, 1), abs=5e-5)
    one_item = clustered_rate([3], [8])
    assert one_item.high - one_item.low > 0.7


def test_agreement_within_items_below_chance_does_not_narrow():
    balanced = clustered_rate([1] * 40, [2] * 40)
    low, high = wilson(0.5, 80 / (student_quantile(39) / student_quantile(79)) ** 2)
    assert (balanced.low, balanced.high) == pytest.approx((low, high))


def test_difference_is_agresti_and_min_without_clusters():
    # 20 pairs, 3 only first, 1 only second: (3 - 1) / 22 -+ z sqrt(5 - 4 / 22) / 22.
    found = clustered_difference([1] * 3 + [-1] + [0] * 16, [1] * 20)
    half = 1.959964 * math.sqrt(5 - 4 / 22) / 22
    assert (found.low, found.high) == pytest.approx((2 / 22 - half, 2 / 22 + half))
    same = clustered_difference([0] * 20, [1] * 20)
    assert same.value == 0
    assert same.high == -same.low == pytest.approx(1.959964 / 22)


def test_difference_of_copies_is_as_wide_as_of_the_items():
    single = clustered_difference([1] * 8 + [-1] * 3 + [0] * 89, [1] * 100)
    copied = clustered_difference([5] * 8 + [-5] * 3 + [0] * 89, [5] * 100)
    assert copied.value == pytest.approx(single.value)
    assert copied.high - copied.low == pytest.approx(single.high - single.low, rel=0.02)
    lone = clustered_difference([1], [3])
    assert (lone.low, lone.high) == (-1.0, 1.0)


def test_mcnemar_is_the_binomial_tail():
    for wins, losses in ((0, 0), (5, 5), (1, 6), (12, 3), (40, 61), (560, 500)):
        n = wins + losses
        tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1)) / 2**n
        assert mcnemar(wins, losses) == pytest.approx(min(1.0, 2 * tail))
        assert mcnemar(wins, losses) == mcnemar(losses, wins)


def test_sign_flip_against_all_signs():
    draw = random.Random(5)
    for _ in range(100):
        sums = [draw.randint(-4, 4) for _ in range(draw.randint(1, 9))]
        flips = list(itertools.product((1, -1), repeat=len(sums)))
        extreme = sum(
            abs(sum(f * s for f, s in zip(flip, sums, strict=True))) >= abs(sum(sums))
            for flip in flips
        )
        assert sign_flip(sums) == pytest.approx(extreme / len(flips))


def test_sign_flip_joins_its_normal_limit():
    draw = random.Random(6)
    sums = [draw.choice([-2, -1, -1, 0, 1, 1, 1, 2]) for _ in range(900)]
    normal = math.erfc(abs(sum(sums)) / math.sqrt(2 * sum(s * s for s in sums)))
    assert sign_flip(sums) == pytest.approx(normal, abs=0.003)
    many = sums * 2
    normal = math.erfc(abs(sum(many)) / math.sqrt(2 * sum(s * s for s in many)))
    assert sign_flip(many) == normal


def _correct(draw, ability):
    return sum(draw.random() < ability for _ in range(5))


@pytest.mark.parametrize(("items", "accuracy"), [(12, 0.7), (60, 0.8), (60, 0.95)])
def test_rate_covers_the_truth(items, accuracy):
    """Items of unequal difficulty, five outcomes each: the interval holds the truth ~95 %."""
    draw = random.Random(items)
    runs, inside, naive = 600, 0, 0
    for _ in range(runs):
        right = [
            _correct(draw, draw.betavariate(2 * accuracy, 2 * (1 - accuracy))) for _ in range(items)
        ]
        rate = clustered_rate(right, [5] * items)
        inside += rate.low <= accuracy <= rate.high
        low, high = wilson(rate.value, rate.total)
        naive += low <= accuracy <= high
    assert 0.925 <= inside / runs <= 0.995
    assert naive / runs < 0.88, "without clusters the interval is too narrow"


@pytest.mark.parametrize("effect", [0.0, 0.1])
def test_difference_covers_the_truth(effect):
    draw = random.Random(9)
    runs, inside, rejected = 600, 0, 0
    for _ in range(runs):
        abilities = [draw.betavariate(1.2, 0.8) * (1 - effect) for _ in range(40)]
        shifted = [ability + effect if draw.random() < 0.5 else ability for ability in abilities]
        sums = [
            _correct(draw, high) - _correct(draw, low)
            for high, low in zip(shifted, abilities, strict=True)
        ]
        found = clustered_difference(sums, [5] * 40)
        inside += found.low <= effect / 2 <= found.high
        rejected += sign_flip(sums) < 0.05
    assert 0.925 <= inside / runs <= 0.985
    if not effect:
        assert rejected / runs <= 0.065
