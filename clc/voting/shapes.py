"""Shapes of a question's answers: how probable its likeliest answer, the next and the rest are.

A shape is all that an optimal Bayesian stopping rule needs to know of a question beforehand
(arXiv 2602.05395): which answer stands where is what it learns from the votes. Three numbers
suffice for it there (L = 3: the top answer, the second, and all others together).
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["FLAT", "Shape", "learn_shapes", "mode_posterior", "smooth_shapes"]

_JEFFREYS = 0.5  # votes added to each share
_IMPOSSIBLE = -1e9  # logarithm of a share of 0, finite so that no votes for it are possible
_CELLS = 20  # of a share; shapes in one cell are taken as one
_STEPS = 10  # of a share, in the flat prior


class Shape(NamedTuple):
    """The probabilities of the likeliest answer, of the second, and of all others together.

    They sum to 1. ``weight`` is the share of questions with this shape, up to a factor.
    """

    top: float
    second: float
    rest: float
    weight: float


def learn_shapes(counts: Iterable[Sequence[int]]) -> tuple[Shape, ...]:
    """Return the shapes of questions from their numbers of votes by answer, each with its number.

    Questions without a vote are left out.

    >>> learn_shapes([[4], [3, 1], [1, 3], [2, 1, 1]])[0]
    Shape(top=0.75, second=0.25, rest=0.0, weight=2.0)
    """
    seen: Counter[tuple[float, float, float]] = Counter()
    for one in counts:
        ranked = sorted((votes for votes in one if votes), reverse=True)
        if total := sum(ranked):
            first, second = (*ranked, 0)[:2]
            seen[first / total, second / total, (total - first - second) / total] += 1
    ordered = sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Shape(*shape, float(number)) for shape, number in ordered)


def smooth_shapes(shapes: Iterable[Shape], paths: int) -> tuple[Shape, ...]:
    """Return learned shapes with half a vote added to each share (Jeffreys' prior).

    A question with ``paths`` unanimous votes has other answers that were not sampled. Shapes that
    are closer than votes can tell become their mean: a rule takes them all at each vote.

    >>> [round(share, 3) for share in smooth_shapes([Shape(1, 0, 0, 7)], 4)[0]]
    [0.818, 0.091, 0.091, 7.0]
    """
    total = paths + 3 * _JEFFREYS
    cells: dict[tuple[int, int], list[Shape]] = {}
    for one in shapes:
        cells.setdefault((round(one.top * _CELLS), round(one.second * _CELLS)), []).append(one)
    merged = []
    for cell in cells.values():
        weight = math.fsum(one.weight for one in cell)
        top, second, rest = (
            math.fsum(one.weight * one[place] for one in cell) / weight for place in range(3)
        )
        top, second, rest = ((paths * one + _JEFFREYS) / total for one in (top, second, rest))
        merged.append(Shape(top, second, rest, weight))
    return tuple(merged)


def _flat() -> tuple[Shape, ...]:
    """Return all shapes in tenths, of equal weight; the second is no rarer than a tenth."""
    return (
        Shape(1.0, 0.0, 0.0, 1.0),
        *(
            Shape(top / _STEPS, second / _STEPS, (_STEPS - top - second) / _STEPS, 1.0)
            for top in range(_STEPS - 1, 0, -1)
            for second in range(min(top, _STEPS - top), 0, -1)
        ),
    )


FLAT = _flat()
"""The prior of one who has learned nothing: every shape in tenths is as likely."""


@lru_cache(maxsize=1 << 16)
def mode_posterior(counts: tuple[float, ...], shapes: tuple[Shape, ...]) -> float:
    """Return the posterior that the answer counted first is its question's likeliest.

    Under a shape, each answer seen is the likeliest, the second, or one of the rest, and either of
    the first two may not have been seen. All assignments are equally likely beforehand. How C votes
    for the rest split over k of its answers is a Chinese restaurant process (Pitman 2006), which
    knows no number of answers. Its concentration t is ``rest / second``: an answer of the rest then
    has ``rest / (1 + t)`` on average, less than the second. So an assignment has the likelihood
    ``top ** a * second ** b * rest ** C * t ** k * (c1 - 1)! (c2 - 1)! ... / (t (t + 1) ...
    (t + C - 1))``. The posterior is the sum over shapes and assignments in which the first answer
    is the likeliest, divided by that over all.

    Args:
        counts: votes of each answer, effective votes perhaps.
        shapes: the prior.

    >>> round(mode_posterior((3, 0), (Shape(0.7, 0.3, 0, 1),)), 3)  # 0.343 / (0.343 + 0.027)
    0.927
    """
    votes = tuple(number for number in counts if number)
    if not votes or not counts[0]:
        return 0.0
    assignments = _assignments(votes)
    logs = [(shape.weight, _likelihoods(shape, assignments)) for shape in shapes]
    largest = max(max(terms) for _, terms in logs)
    if largest < _IMPOSSIBLE / 2:
        return 0.0
    leading = everything = 0.0
    for share, terms in logs:
        for one, term in zip(assignments, terms, strict=True):
            likelihood = share * math.exp(term - largest)
            everything += likelihood
            if one.leads:
                leading += likelihood
    return leading / everything


class _Assignment(NamedTuple):
    """Votes of the likeliest, the second and the rest, which has ``answers`` answers."""

    top: float
    second: float
    rest: float
    answers: int
    weight: float  # logarithm: ways to split the votes of the rest, times equal assignments
    leads: bool


def _assignments(votes: Sequence[float]) -> list[_Assignment]:
    """Return all assignments of answers, those of equal likelihood as one."""
    total = math.fsum(votes)
    # Effective votes are fractions: what is less than a vote splits in one way.
    splits = [math.lgamma(max(number, 1.0)) for number in votes]
    every = math.fsum(splits)
    found: dict[_Assignment, int] = {}
    for first in (*range(len(votes)), None):
        for second in (*range(len(votes)), None):
            if first is not None and first == second:
                continue
            placed = [one for one in (first, second) if one is not None]
            one = _Assignment(
                0.0 if first is None else votes[first],
                0.0 if second is None else votes[second],
                max(0.0, total - math.fsum(votes[index] for index in placed)),
                len(votes) - len(placed),
                round(every - math.fsum(splits[index] for index in placed), 12),
                first == 0,
            )
            found[one] = found.get(one, 0) + 1
    return [one._replace(weight=one.weight + math.log(times)) for one, times in found.items()]


def _likelihoods(shape: Shape, assignments: Sequence[_Assignment]) -> list[float]:
    """Return the logarithm of the likelihood of each assignment under a shape."""
    top, second, rest = (math.log(share) if share > 0 else _IMPOSSIBLE for share in shape[:3])
    if shape.rest <= 0 or shape.second <= 0:
        return [
            one.weight + one.top * top + one.second * second + (one.answers and _IMPOSSIBLE)
            for one in assignments
        ]
    concentration = shape.rest / shape.second
    start, tables = math.lgamma(concentration), rest - second
    return [
        one.weight
        + one.top * top
        + one.second * second
        + one.rest * rest
        + one.answers * tables
        + start
        - math.lgamma(concentration + one.rest)
        for one in assignments
    ]
