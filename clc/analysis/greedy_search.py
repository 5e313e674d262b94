"""The greedy search behind ``clc calibrate``: which path to sample next, from recorded answers."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.analysis.portfolio_rows import PortfolioRow

__all__ = ["GreedySearch", "affordable", "assign_folds", "equal_shares"]

_GROWTH = math.e - 1  # what one more vote adds to exp(votes), by its size
_ROUNDING = 1e-9  # of sums of sizes


def assign_folds(items: Iterable[str], folds: int, seed: int) -> dict[str, int]:
    """Assign each item to one of ``folds`` parts of nearly equal size."""
    order = sorted(set(items))
    random.Random(seed).shuffle(order)
    return {item: position % folds for position, item in enumerate(order)}


def equal_shares(depth: Mapping[str, int], budget: int) -> tuple[str, ...]:
    """Languages in turn, as far as each has paths.

    >>> equal_shares({"en": 3, "de": 1}, 4)
    ('en', 'de', 'en', 'en')
    """
    turns = range(max(depth.values()))
    order = [language for turn in turns for language, paths in depth.items() if turn < paths]
    return tuple(order[:budget])


def affordable(
    sequence: Sequence[str], sizes: Mapping[str, float], total: float
) -> tuple[str, ...]:
    """Return the longest prefix of a sequence whose sizes sum to ``total`` at most.

    >>> affordable(("en", "de", "en"), {"en": 1.0, "de": 2.0}, 3.5)
    ('en', 'de')
    """
    spent = 0.0
    for position, language in enumerate(sequence):
        spent += sizes[language]
        if spent > total * (1 + _ROUNDING):
            return tuple(sequence[:position])
    return tuple(sequence)


class GreedySearch:
    """The rows in integer codes, for the many sums of the greedy search.

    Answers of a row are numbered in order of occurrence; gold is 0, an abstention -1, as is a path
    that the row does not have.
    ``columns[language][n]`` holds the answer of the n-th path in that language, row by row.
    """

    def __init__(self, rows: Sequence[PortfolioRow], depth: Mapping[str, int]) -> None:
        self.columns = {
            language: [[-1] * len(rows) for _ in range(n)] for language, n in depth.items()
        }
        self.answers: list[int] = []  # number of distinct answers, by row
        for index, row in enumerate(rows):
            codes: dict[str | None, int] = {row.gold: 0}
            for language, columns in self.columns.items():
                for column, answer in zip(columns, row.votes[language], strict=False):
                    column[index] = -1 if answer is None else codes.setdefault(answer, len(codes))
            self.answers.append(len(codes))

    def sequence(
        self, among: Sequence[int], sizes: Mapping[str, float], total: float
    ) -> tuple[str, ...]:
        """Choose paths from the rows ``among``; the run's order breaks ties.

        Args:
            among: numbers of the rows to learn from.
            sizes: what a path costs, by language; 1 for all gives the best next path, tokens the
                best next path for its tokens.
            total: what all paths may cost together.
        """
        weights = {row: [1.0] * self.answers[row] for row in among}  # exp(votes) by answer
        totals = {row: self.answers[row] + 1.0 for row in among}
        left = {language: list(reversed(columns)) for language, columns in self.columns.items()}
        chosen: list[str] = []
        while True:
            room = total * (1 + _ROUNDING) - math.fsum(sizes[language] for language in chosen)
            gains = {
                language: _gain(columns[-1], weights, totals) / sizes[language]
                for language, columns in left.items()
                if columns and sizes[language] <= room
            }
            if not gains:
                return tuple(chosen)
            best = max(gains, key=gains.__getitem__)
            for row, code in _votes(left[best].pop(), among):
                totals[row] += _GROWTH * weights[row][code]
                weights[row][code] *= math.e
            chosen.append(best)


def _votes(column: Sequence[int], among: Sequence[int]) -> list[tuple[int, int]]:
    return [(row, column[row]) for row in among if column[row] >= 0]


def _gain(
    column: Sequence[int], weights: Mapping[int, Sequence[float]], totals: Mapping[int, float]
) -> float:
    """Return the gain of these votes in the sum of log(exp(votes of gold) / total).

    The sum is exact, so that the order of the rows does not change the choice.
    """
    return math.fsum(
        (code == 0) - math.log1p(_GROWTH * weights[row][code] / total)
        for row, total in totals.items()
        if (code := column[row]) >= 0
    )
