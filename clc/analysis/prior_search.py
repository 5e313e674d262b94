"""Learn the prior of the stopping rule ``bayes`` from recorded votes, and check it on other items.

The shapes of the questions are learned as ``clc.voting.shapes.learn_shapes`` counts them; no gold
is needed. They are worth their use if they judge early leaders better than the flat prior: with the
votes of the first half of a problem's paths, how probable is it that their leader is also that of
all paths? The measure is the Brier score of this probability on held-out items.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.analysis.greedy_search import assign_folds, equal_shares
from clc.analysis.intervals import Difference, student_quantile
from clc.voting.shapes import FLAT, Shape, learn_shapes, mode_posterior, smooth_shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.analysis.portfolio_rows import PortfolioRow

__all__ = ["ShapePrior", "learn_prior"]

_FEWEST_VOTES = 3


@dataclass(frozen=True, slots=True)
class ShapePrior:
    """The shapes of questions with up to ``paths`` votes, learned from all problems.

    ``difference`` is the flat prior's Brier score less that of the learned shapes on held-out items
    (above 0: the learned ones are better); the prior is ``supported`` when its 95 % interval lies
    above 0.
    """

    paths: int
    shapes: tuple[Shape, ...]
    supported: bool
    difference: Difference

    @property
    def advice(self) -> str:
        """Recommendation with its reason, in words."""
        gain = self.difference
        evidence = (
            f"its Brier score on held-out items is better by {gain.value:+.4f} "
            f"(95 % interval {gain.low:+.4f} to {gain.high:+.4f})"
        )
        if self.supported:
            return f"Use the learned prior with --stopping bayes: {evidence}."
        return f"Leave out the learned prior of --stopping bayes: it is not supported, {evidence}."


def learn_prior(
    rows: Sequence[PortfolioRow], *, folds: int = 5, seed: int = 0
) -> ShapePrior | None:
    """Learn the prior from the votes of ``rows``; None where fewer than ``folds`` items have three.

    Args:
        rows: problems with the answers by language.
        folds: number of parts that the items are split into.
        seed: seed of the split.
    """
    votes = [(row.item, _in_turn(row.votes)) for row in rows]
    votes = [(item, answers) for item, answers in votes if len(answers) >= _FEWEST_VOTES]
    items = {item for item, _ in votes}
    if len(items) < folds:
        return None
    paths = max(len(answers) for _, answers in votes)
    fold_of = assign_folds(items, folds, seed)
    gains: defaultdict[str, float] = defaultdict(float)
    totals: Counter[str] = Counter()
    for fold in range(folds):
        shapes = _shapes((answers for item, answers in votes if fold_of[item] != fold), paths)
        for item, answers in votes:
            if fold_of[item] == fold:
                flat, learned = (_brier(answers, prior) for prior in (FLAT, shapes))
                gains[item] += flat - learned
                totals[item] += 1
    difference = _mean_gain([gains[item] for item in totals], list(totals.values()))
    learned_shapes = learn_shapes([*Counter(answers).values()] for _, answers in votes)
    return ShapePrior(paths, learned_shapes, difference.low > 0, difference)


def _mean_gain(sums: Sequence[float], totals: Sequence[int]) -> Difference:
    """Return the mean gain with Student's interval (95 %) for the mean of a ratio over items.

    The gains are small and of any size, so no pairs are added, as they are for shares.
    """
    items, n = len(totals), sum(totals)
    mean = math.fsum(sums) / n
    spread = math.fsum((one - mean * total) ** 2 for one, total in zip(sums, totals, strict=True))
    half = student_quantile(items - 1) * math.sqrt(spread * items / (items - 1)) / n
    return Difference(mean, mean - half, mean + half)


def _in_turn(votes: Mapping[str, Sequence[str | None]]) -> list[str]:
    """Return the votes in the order in which equal shares sample them."""
    turns = {language: iter(answers) for language, answers in votes.items() if answers}
    depth = {language: len(votes[language]) for language in turns}
    order = equal_shares(depth, sum(depth.values())) if depth else ()
    return [answer for language in order if (answer := next(turns[language])) is not None]


def _shapes(votes: Iterable[Sequence[str]], paths: int) -> tuple[Shape, ...]:
    return smooth_shapes(learn_shapes([*Counter(one).values()] for one in votes), paths)


def _brier(answers: Sequence[str], prior: tuple[Shape, ...]) -> float:
    """Return the squared error of the leader's posterior after half of the votes."""
    half = Counter(answers[: (len(answers) + 1) // 2])
    leader = max(half, key=half.__getitem__)
    counts = (half.pop(leader), *sorted(half.values(), reverse=True))
    every = Counter(answers)
    stays = every[leader] == max(every.values())
    return (mode_posterior(counts, prior) - stays) ** 2
