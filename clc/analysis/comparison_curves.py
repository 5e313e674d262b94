"""Accuracy of a strategy over fewer paths and over the paths that a token budget pays for."""

from __future__ import annotations

from bisect import bisect_right
from math import sqrt
from random import Random
from typing import TYPE_CHECKING

from clc.analysis.compared_problems import average, measure_accuracy
from clc.analysis.comparison_records import BudgetPoint, CurvePoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clc.analysis.compared_problems import ComparedProblem

__all__ = ["at_budgets", "budget_grid", "cheapest_tokens", "default_ks", "path_curve"]

_BUDGETS = 16  # budgets of a curve against tokens


def default_ks(least_drawn: Sequence[int]) -> list[int]:
    """Return the powers of two up to the largest, and each number itself.

    >>> default_ks([11, 1])
    [1, 2, 4, 8, 11]
    """
    powers = (1 << power for power in range(max(least_drawn).bit_length()))
    return sorted({*powers, *least_drawn} - {0})


def cheapest_tokens(columns: Iterable[Sequence[ComparedProblem]]) -> float:
    """Return the mean tokens of the cheapest strategy with several paths, else of all."""
    means = [
        (max(len(row.resampler) for row in rows) < 2, average(row.tokens for row in rows))  # noqa: PLR2004
        for rows in columns
    ]
    return min(means)[1]


def budget_grid(columns: Iterable[Sequence[ComparedProblem]]) -> list[float]:
    """Return budgets in equal ratios, from the cheapest first path to the most costly mean total.

    The smallest ones buy a path for a few problems only, so no strategy's curve begins later than
    its first path.
    """
    pairs = [
        (
            min((row.costs[0] for row in rows if row.costs), default=0),
            average(row.tokens for row in rows),
        )
        for rows in columns
    ]
    low, high = min(low for low, _ in pairs), max(high for _, high in pairs)
    if not 0 < low < high:
        return [high] if high > 0 else []
    ratio = high / low
    return [low * ratio ** (step / (_BUDGETS - 1)) for step in range(_BUDGETS)]


def path_curve(
    keys: Sequence[str],
    rows: Sequence[ComparedProblem],
    ks: Sequence[int],
    resamples: int,
    seed: str,
) -> tuple[CurvePoint, ...]:
    """Return ``maj@k`` and ``oracle@k`` of a column of problems, for each k that all reach.

    Args:
        keys: ids of the problems, which decide their random subsets with ``seed``.
        rows: the problems.
        ks: numbers of paths, rising.
        resamples: random subsets of a problem's paths where ``maj@k`` is not exact.
        seed: of the strategy.
    """
    least = min(len(row.resampler) for row in rows)
    ks = [k for k in ks if k <= least]
    majority, variance, oracle = ([0.0] * len(ks) for _ in range(3))
    for key, row in zip(keys, rows, strict=True):
        shares = row.resampler.majority(ks, resamples, Random(f"{seed}\0{key}"))
        for position, (k, share) in enumerate(zip(ks, shares, strict=True)):
            majority[position] += share.value
            oracle[position] += row.resampler.oracle(k)
            if not share.exact:
                variance[position] += share.value * (1 - share.value) / resamples
    n = len(rows)
    return tuple(
        CurvePoint(k, right / n, any_right / n, sqrt(spread) / n)
        for k, right, any_right, spread in zip(ks, majority, oracle, variance, strict=True)
    )


def at_budgets(rows: Sequence[ComparedProblem], budgets: Sequence[float]) -> list[BudgetPoint]:
    """Return the accuracy of the first paths that each budget of tokens a problem pays for."""
    prefixes = [row.resampler.prefixes() for row in rows]
    points = []
    for budget in budgets:
        bought = [bisect_right(row.costs, budget) for row in rows]
        spent = (row.costs[n - 1] for row, n in zip(rows, bought, strict=True) if n)
        right = [n > 0 and bool(prefix[n - 1]) for prefix, n in zip(prefixes, bought, strict=True)]
        points.append(
            BudgetPoint(
                budget,
                measure_accuracy(rows, right),
                average(bought),
                sum(spent) / len(rows),
                bought.count(0),
            )
        )
    return points
