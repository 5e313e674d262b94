"""Language selection: learn a portfolio from a run whose answers are known.

Languages differ in how often they are right, and in how often they are wrong together. A portfolio
is learned greedily, one path at a time, and evaluated on held-out items, because weights and orders
often overfit the items that they are learned from.

The baseline is the plain majority over all languages in equal shares. If the portfolio does not
beat it on held-out items, the plain order is kept, and the portfolio reports it.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clc.analysis.intervals import Rate, clustered_difference, clustered_rate
from clc.analysis.portfolio import Portfolio, PortfolioStep
from clc.errors import ConfigurationError, DatasetError
from clc.records import Answer, Vote
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PortfolioRow", "paths_by_language", "search_portfolio"]

_FEWEST_ITEMS = 20  # with fewer the interval of a difference is about 40 points wide
_LARGEST_BUDGET = 500  # exp(votes) stays far below the largest float
_GROWTH = math.e - 1  # what one more vote adds to exp(votes), by its size


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """One problem of a run.

    ``votes`` maps each language to the canonical answers of its paths in sampling order, None for
    an abstention; ``gold`` is canonical too, None where it is not known. ``item`` is shared by the
    problems that ask the same in several languages. ``sizes`` are the mean tokens of a path by
    language, its share of the translation included (characters where tokens are not known).
    """

    item: str
    gold: str | None
    votes: Mapping[str, Sequence[str | None]]
    question_language: str | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)


def search_portfolio(
    rows: Sequence[PortfolioRow], budget: int, *, folds: int = 5, seed: int = 0
) -> Portfolio:
    """Learn a portfolio for ``budget`` paths a problem.

    Each path goes to the language that raises the mean log-score most: the log of the share of
    the right answer in exp(votes) of all answers to the problem and of one unseen answer. This is
    gold's log-likelihood under a softmax of the tally, a proper score: a problem that the vote has
    safely won counts little, so a language that is right where the others are wrong is worth more
    than a slightly better one that repeats them.

    Cross-validation repeats this without each of ``folds`` parts of the items and evaluates it on
    that part, by the votes of ``clc.voting.tally.vote``. The portfolio is supported when the 95 %
    interval of the paired difference, clustered by item, lies above 0.

    Args:
        rows: problems; the languages' order in the first one is the run's order.
        budget: paths a problem, at most as many as every row has. If it is all of them, only the
            order that breaks ties can be learned.
        folds: number of parts that the items are split into.
        seed: seed of the split.

    Raises:
        DatasetError: fewer than two languages, a row that lacks one of them, or too few items.
        ConfigurationError: the rows do not allow this budget or number of folds.
    """
    depth = paths_by_language(rows)
    items = sorted({row.item for row in rows})
    _check(len(items), depth, budget, folds)
    random.Random(seed).shuffle(items)
    fold_of = {item: position % folds for position, item in enumerate(items)}
    search = _Search(rows, depth)
    plain = _equal_shares(depth, budget)
    learned = search.sequence(range(len(rows)), budget)
    without = [
        search.sequence([i for i, row in enumerate(rows) if fold_of[row.item] != fold], budget)
        for fold in range(folds)
    ]
    pairs = [(row, without[fold_of[row.item]]) for row in rows]
    steps = tuple(_step(pairs, plain, paths) for paths in _milestones(budget))
    supported = steps[-1].difference.low > 0
    return Portfolio(
        sequence=learned if supported else plain,
        supported=supported,
        learned=learned,
        accuracy=_accuracy(rows, depth),
        correlation=_correlation(rows, depth),
        steps=steps,
        problems=len(rows),
        items=len(items),
        folds=folds,
        seed=seed,
    )


def paths_by_language(rows: Sequence[PortfolioRow]) -> dict[str, int]:
    """Count the paths that every row has, by language, in the run's order.

    >>> paths_by_language([
    ...     PortfolioRow("1", "5", {"en": ["5", None], "de": ["5"]}),
    ...     PortfolioRow("2", "7", {"en": ["7"], "de": ["8"]}),
    ... ])
    {'en': 1, 'de': 1}

    Raises:
        DatasetError: fewer than two languages, or a row that lacks one of them.
    """
    if not rows:
        raise DatasetError(
            "no finished problem has a gold answer that can be read; calibrate on a run over "
            "problems that have one"
        )
    first = rows[0]
    depth = {language: len(answers) for language, answers in first.votes.items() if answers}
    for row in rows:
        for language in (*depth, *row.votes):
            paths = len(row.votes.get(language, ()))
            if not paths and language not in depth:
                continue
            if not paths or language not in depth:
                has, lacks = (row, first) if paths else (first, row)
                raise DatasetError(
                    f"a problem of item {lacks.item!r} has no path in {language!r}, one of item "
                    f"{has.item!r} has; calibrate on problems that were all asked in the same "
                    "languages"
                )
            depth[language] = min(depth[language], paths)
    if len(depth) < 2:  # noqa: PLR2004
        raise DatasetError(
            f"all paths are in {' '.join(depth) or 'no language'}; calibrate on problems that were "
            "asked in two languages or more"
        )
    return depth


def _check(items: int, depth: Mapping[str, int], budget: int, folds: int) -> None:
    if items < _FEWEST_ITEMS:
        raise DatasetError(
            f"{items} items with gold are too few to tell languages apart; give at least "
            f"{_FEWEST_ITEMS}, better some hundred"
        )
    if not 2 <= folds <= items:  # noqa: PLR2004
        raise ConfigurationError(f"folds is {folds}; give 2 to {items}, the number of items")
    most = min(sum(depth.values()), _LARGEST_BUDGET)
    if not 1 <= budget <= most:
        paths = ", ".join(f"{language} {number}" for language, number in depth.items())
        raise ConfigurationError(
            f"budget is {budget} paths a problem; give 1 to {most} (every problem has: {paths})"
        )


def _equal_shares(depth: Mapping[str, int], budget: int) -> tuple[str, ...]:
    """Languages in turn, as far as each has paths.

    >>> _equal_shares({"en": 3, "de": 1}, 4)
    ('en', 'de', 'en', 'en')
    """
    turns = range(max(depth.values()))
    order = [language for turn in turns for language, paths in depth.items() if turn < paths]
    return tuple(order[:budget])


def _milestones(budget: int) -> list[int]:
    """Return the numbers of paths to compare at: odd ones, which tie less, then the budget.

    >>> _milestones(11)
    [1, 3, 7, 11]
    """
    return [*(2**n - 1 for n in range(1, budget.bit_length()) if 2**n - 1 < budget), budget]


class _Search:
    """The rows in integer codes, for the many sums of the greedy search.

    Answers of a row are numbered in order of occurrence; gold is 0, an abstention -1.
    ``columns[language][n]`` holds the answer of the n-th path in that language, row by row.
    """

    def __init__(self, rows: Sequence[PortfolioRow], depth: Mapping[str, int]) -> None:
        self.columns = {
            language: [[0] * len(rows) for _ in range(n)] for language, n in depth.items()
        }
        self.answers: list[int] = []  # number of distinct answers, by row
        for index, row in enumerate(rows):
            codes: dict[str | None, int] = {row.gold: 0}
            for language, columns in self.columns.items():
                for column, answer in zip(columns, row.votes[language], strict=False):
                    column[index] = -1 if answer is None else codes.setdefault(answer, len(codes))
            self.answers.append(len(codes))

    def sequence(self, among: Sequence[int], budget: int) -> tuple[str, ...]:
        """Choose ``budget`` paths from the rows ``among``; the run's order breaks ties."""
        weights = {row: [1.0] * self.answers[row] for row in among}  # exp(votes) by answer
        totals = {row: self.answers[row] + 1.0 for row in among}
        left = {language: list(reversed(columns)) for language, columns in self.columns.items()}
        chosen: list[str] = []
        while len(chosen) < budget:
            gains = {
                language: _gain(columns[-1], weights, totals)
                for language, columns in left.items()
                if columns
            }
            best = max(gains, key=gains.__getitem__)
            for row, code in _votes(left[best].pop(), among):
                totals[row] += _GROWTH * weights[row][code]
                weights[row][code] *= math.e
            chosen.append(best)
        return tuple(chosen)


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


def _step(
    pairs: Sequence[tuple[PortfolioRow, Sequence[str]]], plain: Sequence[str], paths: int
) -> PortfolioStep:
    """Compare the sequences, each learned without its row, with the plain majority."""
    learned_right = plain_right = 0
    sums: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for row, sequence in pairs:
        learned, equal = _is_right(row, sequence[:paths]), _is_right(row, plain[:paths])
        learned_right += learned
        plain_right += equal
        sums[row.item] += learned - equal
        totals[row.item] += 1
    difference = clustered_difference([sums[item] for item in totals], list(totals.values()))
    return PortfolioStep(paths, learned_right / len(pairs), plain_right / len(pairs), difference)


def _is_right(row: PortfolioRow, sequence: Sequence[str]) -> bool:
    shares = Counter(sequence)  # languages in the order of their first path
    votes = [
        Vote("", language, Answer(answer))
        for language, paths in shares.items()
        for answer in row.votes[language][:paths]
        if answer is not None
    ]
    return vote(votes, order=list(shares)).answer == row.gold


def _accuracy(rows: Sequence[PortfolioRow], depth: Mapping[str, int]) -> dict[str, Rate]:
    """Accuracy of single paths by language; an abstention counts as wrong."""
    rates = {}
    for language, paths in depth.items():
        right: Counter[str] = Counter()
        totals: Counter[str] = Counter()
        for row in rows:
            right[row.item] += list(row.votes[language][:paths]).count(row.gold)
            totals[row.item] += paths
        if rate := clustered_rate([right[item] for item in totals], list(totals.values())):
            rates[language] = rate
    return rates


def _correlation(
    rows: Sequence[PortfolioRow], depth: Mapping[str, int]
) -> dict[str, dict[str, float | None]]:
    """Correlation (phi) of the errors of two paths of a problem, by their languages.

    Over all pairs of different paths. None if a language is always right or always wrong, or has
    one path only.
    """
    right = {
        language: [list(row.votes[language][:paths]).count(row.gold) for row in rows]
        for language, paths in depth.items()
    }
    mean = {language: sum(hits) / (len(rows) * depth[language]) for language, hits in right.items()}
    phi: dict[str, dict[str, float | None]] = {language: {} for language in depth}
    for a, b in itertools.product(depth, repeat=2):
        pairs = depth[a] * (depth[b] - (a == b)) * len(rows)
        spread = math.sqrt(mean[a] * (1 - mean[a]) * mean[b] * (1 - mean[b]))
        if not pairs or not spread:
            phi[a][b] = None
            continue
        both = sum(x * (y - (a == b)) for x, y in zip(right[a], right[b], strict=True))
        phi[a][b] = (both / pairs - mean[a] * mean[b]) / spread
    return phi
