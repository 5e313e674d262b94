"""One budget over many questions: the next paths go where the leading answer is most in doubt.

Source: Blend-ASC, "Optimal Self-Consistency for Efficient Reasoning", arXiv 2511.12309, which gives
each next sample to the question whose mode is least certain and has no parameter. Its ranking
blends the posterior of Adaptive-Consistency with a confidence sequence (PPR-1v1). Ours is the
posterior alone, ``clc.voting.posterior.beta_posterior`` of the two largest counts: on the recorded
votes of ``benchmarks.allocation`` blending it with a rate per path was no better.

It promises the budget and nothing about a single question. A question whose paths never agree
keeps its doubt, and takes paths up to its own limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.voting.posterior import beta_posterior

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.records import Vote

__all__ = ["Certainty", "certainty", "round_paths"]

_ROUND = 4  # a round spends a quarter of what is left: as accurate as path by path on recordings


class Certainty(NamedTuple):
    """The certainty of the leading answer of a question; the smallest one gets the next path.

    ``probability`` is the posterior that the leader is the more probable of the two strongest
    answers; among equals the question with fewer ``paths`` comes first.
    """

    probability: float
    paths: int


def certainty(votes: Sequence[Vote]) -> Certainty:
    """Return the certainty of a question's leading answer.

    >>> certainty([])
    Certainty(probability=0.5, paths=0)
    """
    counts: dict[str, int] = {}
    for one in votes:
        if one.answer is not None:
            counts[one.answer] = counts.get(one.answer, 0) + 1
    first, second = (*sorted(counts.values(), reverse=True), 0, 0)[:2]
    return Certainty(beta_posterior(first, second), len(votes))


def round_paths(left: int, questions: int) -> int:
    """Return how many questions get their next path at once, of ``questions`` that may.

    >>> round_paths(100, 60), round_paths(3, 60), round_paths(0, 60)
    (25, 1, 0)
    """
    return min(questions, -(-left // _ROUND))
