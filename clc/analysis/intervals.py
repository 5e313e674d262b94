"""Confidence intervals and tests for clustered outcomes.

All languages of MGSM ask the same 250 items, and all paths of a problem answer the same question:
outcomes of one item are not independent. Each function takes one number per item (cluster), and
with one outcome per item reduces to the textbook formula for independent outcomes.

Pure Python: no numpy, no random numbers, so the same outcomes always give the same figures.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from clc.voting.posterior import beta_cdf

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Difference",
    "Rate",
    "clustered_difference",
    "clustered_rate",
    "effective_size",
    "holm",
    "mcnemar",
    "sign_flip",
    "student_quantile",
    "wilson",
]

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution: a 95 % interval
_ASYMPTOTIC_DF = 10_000  # from here on the quantile's series is exact to 1e-8
_EXACT_FLIPS = 1_000  # more items than this: the sign-flip test is normal to three digits


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of right outcomes with its 95 % interval (all from 0 to 1).

    ``right`` of ``total`` outcomes were right, in ``items`` clusters.
    """

    value: float
    low: float
    high: float
    right: int
    total: int
    items: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference of two shares with its 95 % interval (all from -1 to 1)."""

    value: float
    low: float
    high: float


@lru_cache(maxsize=256)
def student_quantile(df: int) -> float:
    """97.5 % quantile of Student's t with ``df`` >= 1 degrees of freedom.

    >>> round(student_quantile(1), 3), round(student_quantile(10), 3)
    (12.706, 2.228)
    """
    if df >= _ASYMPTOTIC_DF:
        return Z + (Z**3 + Z) / (4 * df)
    low, high = 1.0, 13.0
    for _ in range(60):
        middle = (low + high) / 2
        tails = beta_cdf(df / (df + middle * middle), df / 2, 0.5)
        low, high = (middle, high) if tails > 0.05 else (low, middle)  # noqa: PLR2004
    return (low + high) / 2


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (95 %) of a share seen in ``n`` > 0 outcomes (n may be fractional).

    Wilson 1927. It stays within [0, 1] and has a width at 0 and 1, where Wald's has none.

    >>> tuple(round(bound, 4) for bound in wilson(0.75, 100))
    (0.657, 0.8245)
    """
    z2 = Z * Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def _few_items(items: int, outcomes: int) -> float:
    """Return the factor by which few items widen the quantile; 1 without clusters."""
    return student_quantile(items - 1) / student_quantile(outcomes - 1)


def clustered_rate(right: Sequence[int], totals: Sequence[int]) -> Rate | None:
    """Share of right outcomes; item i has ``right[i]`` of ``totals[i]``. None without outcomes.

    Wilson's interval at the effective sample size n / deff. The design effect deff is the
    cluster-robust variance of the ratio, G / (G - 1) * sum((right - p * total)^2) / n^2, over the
    variance p (1 - p) / (n - 1) of independent outcomes, and at least 1; G is the number of items.
    Few items multiply it by (t(G - 1) / t(n - 1))^2. If nothing can be estimated (all right, all
    wrong, a single item) an item counts as one outcome. With one outcome per item this is Wilson's
    interval itself.

    Sources: Korn and Graubard 1998 (effective sample size), Cameron and Miller 2015 (variance),
    Miller 2024, arXiv 2411.00640 (clustered errors for evaluations).

    >>> rate = clustered_rate([1, 1, 1, 0], [1, 1, 1, 1])
    >>> rate.value, round(rate.low, 3), round(rate.high, 3)
    (0.75, 0.301, 0.954)
    >>> clustered_rate([11, 11, 11, 0], [11, 11, 11, 11]).low < rate.low  # 4 items are still 4
    True
    """
    items, n = sum(t > 0 for t in totals), sum(totals)
    if not n:
        return None
    hits = sum(right)
    share = hits / n
    low, high = wilson(share, effective_size(right, totals))
    return Rate(share, low, high, hits, n, items)


def effective_size(right: Sequence[int], totals: Sequence[int]) -> float:
    """Return the number of independent outcomes that are worth as much; see ``clustered_rate``.

    There is one outcome at least.

    >>> effective_size([1, 1, 1, 0], [1, 1, 1, 1]), effective_size([11, 11], [11, 11])
    (4.0, 2.0)
    """
    items, n, hits = sum(t > 0 for t in totals), sum(totals), sum(right)
    if hits in (0, n) or items == 1:
        return float(items)
    share = hits / n
    spread = sum((r - share * t) ** 2 for r, t in zip(right, totals, strict=True))
    variance = items / (items - 1) * spread / n**2
    independent = share * (1 - share) / (n - 1)
    deff = max(1.0, variance / independent)
    return n / deff / _few_items(items, n) ** 2


def clustered_difference(sums: Sequence[float], totals: Sequence[int]) -> Difference:
    """Mean paired difference; item i has ``totals[i]`` pairs whose differences sum to ``sums[i]``.

    Agresti and Min's interval (2005, "Wald + 2": half a pair is added to each of the four cells,
    so that no discordant pair still leaves a width), over item totals instead of single pairs:
    two items of mean size are added. The value itself stays the plain mean. At least one pair.

    >>> d = clustered_difference([1, 1, 1, -1] + [0] * 16, [1] * 20)
    >>> d.value, round(d.low, 3), round(d.high, 3)  # (3 - 1) / 22 -+ 1.96 * sqrt(5 - 4 / 22) / 22
    (0.1, -0.105, 0.286)
    """
    pairs = [(s, t) for s, t in zip(sums, totals, strict=True) if t]
    items, n = len(pairs), sum(t for _, t in pairs)
    total = sum(s for s, _ in pairs)
    size = n / items
    padded = n + 2 * size
    centre = total / padded
    spread = sum((s - centre * t) ** 2 for s, t in pairs)
    spread += size**2 * (1 + 2 * centre**2)
    stretch = _few_items(items, n) if items > 1 else student_quantile(1) / Z
    half = Z * stretch * math.sqrt(spread) / padded
    return Difference(total / n, max(-1.0, centre - half), min(1.0, centre + half))


def mcnemar(wins: int, losses: int) -> float:
    """Exact two-sided McNemar p: the chance of a fair coin to split the pairs as unevenly.

    Pairs are assumed to be independent; for several problems of one item use ``sign_flip``.

    >>> mcnemar(1, 6)  # 2 * (1 + 7) / 2^7
    0.125
    """
    n, least = wins + losses, min(wins, losses)
    if wins == losses:
        return 1.0
    if n <= _EXACT_FLIPS:
        return 2 * sum(math.comb(n, k) for k in range(least + 1)) / (1 << n)
    return 2 * beta_cdf(0.5, n - least, least + 1)


def sign_flip(sums: Sequence[int]) -> float:
    """Return the two-sided p of item sums under random signs: McNemar's test for clusters.

    If neither run is better, each item's sum is as likely to be its negative. The distribution of
    the total is exact up to 1,000 items whose sum is not zero, normal beyond that. With sums of
    -1, 0 and 1 it is exact at any number, and equals ``mcnemar``.

    >>> sign_flip([3, 2]), sign_flip([1, 1, 1, 1, 1, 1, -1]) == mcnemar(6, 1)
    (0.5, True)
    """
    sizes = Counter(abs(s) for s in sums if s)
    seen = abs(sum(sums))
    if not sizes or not seen:
        return 1.0
    divisor = math.gcd(*sizes)
    items = sizes.total()
    if len(sizes) == 1:
        wins = sum(s > 0 for s in sums)
        return mcnemar(wins, items - wins)
    if items > _EXACT_FLIPS:
        return math.erfc(seen / math.sqrt(2 * sum(n * s * s for s, n in sizes.items())))
    # One big integer holds the counts of all sums: coefficient k in bits [k * width, ...).
    width, counts = items + 1, 1
    for size, number in sizes.items():
        for _ in range(number):
            counts += counts << (size // divisor * width)
    span = sum(s * n for s, n in sizes.items())
    tail = counts >> ((span + seen) // (2 * divisor) * width)
    mask = (1 << width) - 1
    extreme = 0
    while tail:
        extreme += tail & mask
        tail >>= width
    return min(1.0, 2 * extreme / (1 << items))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's (1979) step-down correction of p values for all of them, in their order.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
