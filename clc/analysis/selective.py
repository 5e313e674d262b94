"""Answering only when sure: risk against coverage, and the agreement that a precision needs.

A vote answers where its agreement reaches a threshold. Its coverage is the share of the problems
that it answers, its risk the share of wrong ones among them (El-Yaniv and Wiener, JMLR 11, 2010).
A problem without a vote comes last and is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from clc.analysis.intervals import clustered_rate, effective_size
from clc.voting.posterior import beta_cdf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.analysis.intervals import Rate

__all__ = [
    "JudgedVote",
    "RiskCoverage",
    "RiskPoint",
    "Threshold",
    "find_threshold",
    "lower_bound",
    "risk_coverage",
    "rounded",
]

_DIGITS = 6  # of an agreement: votes weighted by confidence would each be a threshold of their own
_ERROR = 0.05


class JudgedVote(NamedTuple):
    """The vote on a problem of an item: its agreement, 0 without a vote, and if it is right."""

    item: str
    agreement: float
    right: bool


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """All verdicts of this agreement or more: their share of the problems, and their accuracy.

    All numbers are from 0 to 1; ``answered`` and ``right`` are numbers of problems.
    """

    agreement: float
    coverage: float
    risk: float
    answered: int
    right: int


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The risk at every coverage, surest verdicts first.

    ``area`` is the mean risk over all numbers of answered problems (AURC; Geifman, Uziel and
    El-Yaniv, arXiv 1805.08206), where problems of equal agreement come in random order.
    ``excess`` is what a perfect order of the same verdicts would leave of it (E-AURC, ibid.).
    ``points`` has a point for each agreement, highest first.
    """

    area: float
    excess: float
    points: tuple[RiskPoint, ...]


def risk_coverage(counts: Mapping[float, tuple[int, int]]) -> RiskCoverage | None:
    """Compute the curve from right and all verdicts of each agreement; None without a verdict.

    >>> curve = risk_coverage({1.0: (3, 3), 0.5: (0, 1)})
    >>> curve.area, curve.excess, [(one.coverage, one.risk) for one in curve.points]
    (0.0625, 0.0, [(0.75, 0.0), (1.0, 0.25)])
    """
    groups = sorted(counts.items(), reverse=True)
    problems = sum(total for _, (_, total) in groups)
    if not problems:
        return None
    points, area = [], 0.0
    answered = wrong = 0
    for agreement, (right, total) in groups:
        rate = (total - right) / total
        area += sum((wrong + rate * k) / (answered + k) for k in range(1, total + 1))
        answered, wrong = answered + total, wrong + total - right
        share = answered / problems
        points.append(RiskPoint(agreement, share, wrong / answered, answered, answered - wrong))
    correct = problems - wrong
    perfect = sum(k / (correct + k) for k in range(1, wrong + 1))
    return RiskCoverage(area / problems, (area - perfect) / problems, tuple(points))


def rounded(agreement: float) -> float:
    """Return an agreement as a threshold is written: with six digits."""
    return round(agreement, _DIGITS)


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least agreement at which the precision is shown, and what is shown there.

    ``low`` is a lower bound of the precision that holds with confidence 95 %; ``rate`` has the
    precision seen, ``coverage`` the share of the problems that are answered.
    """

    agreement: float
    low: float
    coverage: float
    rate: Rate


def find_threshold(judged: Sequence[JudgedVote], precision: float) -> Threshold | None:
    """Find the least agreement above which at least ``precision`` of the answers are right.

    Thresholds are tested from the highest agreement down, each with error 5 %, until one fails:
    fixed-sequence testing, so that the search needs no correction (Learn then Test, arXiv
    2110.01052). The first is the highest that has enough problems: where the precision would be
    shown if all of them were right. The bound is Clopper and Pearson's (1934), at the effective
    number of outcomes where problems ask the same item (Korn and Graubard 1998): exact where every
    problem has an item of its own, approximate otherwise. It holds for problems like these.

    Returns:
        The threshold, or None if no agreement shows the precision.
    """
    best = None
    for agreement, right, totals in _groups(judged):
        if lower_bound(1.0, sum(total > 0 for total in totals)) < precision:
            continue
        count = sum(totals)
        low = lower_bound(sum(right) / count, effective_size(right, totals))
        if low < precision:
            break
        rate = clustered_rate(right, totals)
        assert rate is not None  # noqa: S101  the groups have verdicts
        best = Threshold(agreement, low, count / len(judged), rate)
    return best


def _groups(judged: Sequence[JudgedVote]) -> Iterator[tuple[float, list[int], list[int]]]:
    """Yield each agreement, highest first, with right and all verdicts from there on by item."""
    numbers = {item: number for number, item in enumerate(dict.fromkeys(j.item for j in judged))}
    right, totals = [0] * len(numbers), [0] * len(numbers)
    groups: dict[float, list[JudgedVote]] = defaultdict(list)
    for one in judged:
        if one.agreement > 0:
            groups[rounded(one.agreement)].append(one)
    for agreement in sorted(groups, reverse=True):
        for one in groups[agreement]:
            right[numbers[one.item]] += one.right
            totals[numbers[one.item]] += 1
        yield agreement, right, totals


def lower_bound(share: float, outcomes: float, error: float = _ERROR) -> float:
    """Return the lower bound of a share seen in independent outcomes, one-sided.

    It is above the true share with probability ``error`` at most (Clopper and Pearson 1934); the
    number of outcomes may be fractional.

    >>> round(lower_bound(1.0, 58), 4), round(lower_bound(1.0, 59), 4)  # 0.05 ** (1 / 59)
    (0.9497, 0.9505)
    """
    right = share * outcomes
    if right <= 0:
        return 0.0
    low, high = 0.0, share
    for _ in range(60):
        middle = (low + high) / 2
        # The chance of so many right outcomes or more: I_p(k, n - k + 1).
        chance = beta_cdf(middle, right, outcomes - right + 1)
        low, high = (middle, high) if chance < error else (low, middle)
    return low
