"""Shapes of a question's answers: how probable its likeliest answer, the next and the rest are.

A shape is all that an optimal Bayesian stopping rule needs to know of a question beforehand
(arXiv 2602.05395): which answer stands where is what it learns from the votes. Three numbers
suffice for it there (L = 3: the top answer, the second, and all others together).
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["FLAT", "Shape", "learn_shapes", "mode_posterior", "smooth_shapes"]

_JEFFREYS = 0.5  # votes added to each share
_TINY = 1e-100  # likelihoods below it are as good as 0
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

    Under a shape, the rest is spread evenly over the fewest answers that are no likelier than the
    second, so answers 1, 2, ..., K have known probabilities. Each assignment of the answers seen
    to them is equally likely beforehand, and its likelihood is the product of the probabilities to
    the power of the votes. The posterior is the sum over shapes and assignments in which the first
    answer is number 1, divided by that over all. It is 0 where no shape allows so many answers.

    Args:
        counts: votes of each answer, effective votes perhaps.
        shapes: the prior.

    >>> round(mode_posterior((3, 0), (Shape(0.7, 0.3, 0, 1),)), 3)  # 0.343 / (0.343 + 0.027)
    0.927
    """
    seen = [votes for votes in counts if votes]
    if not seen or not counts[0]:
        return 0.0
    total = math.fsum(seen)
    leading = everything = 0.0
    for shape in shapes:
        mode, all_of_them = _likelihoods(seen, shape, total)
        leading += shape.weight * mode
        everything += shape.weight * all_of_them
    return leading / everything if everything > 0 else 0.0


def _likelihoods(votes: Sequence[float], shape: Shape, total: float) -> tuple[float, float]:
    """Return the likelihood with the first answer as number 1, and that of all assignments.

    Powers are of ratios to the likeliest answer, so that they do not underflow.
    """
    top, second, rest = shape.top, shape.second, shape.rest
    others = math.ceil(rest / second - 1e-9) if second > 0 else 0
    low = rest / others / top if others else 1.0  # without others, all their terms are 0
    rivals = votes[1:]
    # Likelihoods of each rival as number 1, as the second and as one of the others, by the last.
    rare = [max(low**number, _TINY) for number in rivals]
    as_top = [1 / one for one in rare]
    as_second = [(second / top) ** number / one for number, one in zip(rivals, rare, strict=True)]
    tops, seconds = sum(as_top), sum(as_second)
    both = tops * seconds - sum(map(mul, as_top, as_second))
    places = len(rivals)
    none = math.perm(others, places)
    one = math.perm(others, places - 1) if places else 0
    scale = math.prod(rare) * top**total
    mode = scale * (none + one * seconds)  # the second is not seen, or is a rival
    swapped = scale * (second / top) ** votes[0] * (none + one * tops)
    among_others = math.perm(others, places + 1) + none * (tops + seconds) + one * both
    return mode, mode + swapped + scale * low ** votes[0] * among_others
