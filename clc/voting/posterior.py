"""Posteriors of the leading answer, from the votes of a question, for the stopping rules."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["beta_cdf", "beta_posterior", "dirichlet_posterior", "effective_votes"]

_FRACTION_TERMS = 100_000
_TINY = 1e-300


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the cumulative distribution of Beta(a, b) at ``x``, exact to about 1e-12.

    Lentz's evaluation of the continued fraction, Numerical Recipes 6.4.

    >>> round(beta_cdf(0.5, 2, 3), 4)  # 11/16
    0.6875
    """
    if x <= 0.0 or x >= 1.0:
        return float(x > 0.0)
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    fraction = d
    for m in range(1, _FRACTION_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            step = c * d
            fraction *= step
        if abs(step - 1.0) < 1e-15:  # noqa: PLR2004
            break
    return front * fraction / a


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


_NEGLIGIBLE = 1e-18


@lru_cache(maxsize=1 << 16)
def beta_posterior(first: float, second: float) -> float:
    """Return the posterior that the first of two answers is the more probable, from their votes.

    ``1 - BetaCDF(1/2; first + 1, second + 1)``. For whole votes it is a binomial tail, the chance
    that more than ``second`` of ``first + second + 1`` fair coins are heads, correctly rounded.

    >>> beta_posterior(4, 0)  # 1 - 1/32
    0.96875
    >>> beta_posterior(5, 1)  # 1 - (1 + 7)/128
    0.9375
    """
    if not (float(first).is_integer() and float(second).is_integer()):
        return 1 - beta_cdf(0.5, first + 1, second + 1)
    coins, least = int(first + second) + 1, int(second)
    outcomes = 1 << coins
    return (outcomes - sum(math.comb(coins, heads) for heads in range(least + 1))) / outcomes


@lru_cache(maxsize=1 << 16)
def dirichlet_posterior(counts: tuple[int, ...]) -> float:
    """Return the posterior that the first answer is the most probable, from all answers' votes.

    The shares under Dirichlet(counts + 1) are independent Gamma(count + 1) variables over their
    sum, so this is the probability that the first of these is the largest: the integral of its
    density times the others' distributions, which are Poisson tails. The trapezoid rule in the
    logarithm of the variable is exact to about 1e-12. A single answer competes with an unseen one.

    >>> round(dirichlet_posterior((1, 1, 1)), 9)
    0.333333333
    >>> dirichlet_posterior((4,)) == beta_posterior(4, 0)
    True
    """
    first, rivals = counts[0], counts[1:] or (0,)
    if len(rivals) == 1:
        return beta_posterior(first, rivals[0])
    shape = first + 1
    step = 0.15 / math.sqrt(shape)
    total = 0.0
    for nodes in (count(0), count(-1, -1)):  # from the density's peak up, then down
        for node in nodes:
            log_x = math.log(shape) + node * step
            x = math.exp(log_x)
            density = math.exp(shape * log_x - x - math.lgamma(shape))
            if density < _NEGLIGIBLE:
                break
            total += density * _all_below(x, log_x, rivals)
    return total * step


def _all_below(x: float, log_x: float, counts: Sequence[int]) -> float:
    """Return the probability that independent Gamma(count + 1) variables are all below x."""
    above = [0.0]  # above[k]: probability that Poisson(x) is under k
    for events in range(max(counts) + 1):
        above.append(above[-1] + math.exp(events * log_x - x - math.lgamma(events + 1)))
    return math.prod(1 - min(1.0, above[votes + 1]) for votes in counts)


def effective_votes(votes: Mapping[str, Mapping[str, int]], correlation: float) -> dict[str, float]:
    """Return the number of independent votes that each answer's votes are worth.

    Args:
        votes: number of votes by language, then by answer.
        correlation: correlation of two paths in one language, from 0 (independent) to 1 (a
            language has one vote, regardless of its number of paths).

    >>> effective_votes({"en": {"18": 2, "26": 1}, "de": {"18": 1}}, 0.5)  # en: 3 / (1 + 2 * 0.5)
    {'18': 2.0, '26': 0.5}
    """
    shares: dict[str, list[float]] = defaultdict(list)
    for by_answer in votes.values():
        design_effect = 1 + (sum(by_answer.values()) - 1) * correlation
        for answer, number in by_answer.items():
            shares[answer].append(number / design_effect)
    return {answer: math.fsum(parts) for answer, parts in shares.items()}  # exact in any order
