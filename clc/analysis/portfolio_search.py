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
from collections import Counter
from typing import TYPE_CHECKING

from clc.analysis.greedy_search import GreedySearch, affordable, assign_folds, equal_shares
from clc.analysis.intervals import Rate, clustered_difference, clustered_rate
from clc.analysis.portfolio import Portfolio, PortfolioStep
from clc.analysis.portfolio_rows import mean_sizes, path_costs, paths_by_language
from clc.errors import ConfigurationError, DatasetError
from clc.records import Answer, Vote
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.analysis.portfolio import Equal
    from clc.analysis.portfolio_rows import PortfolioRow

__all__ = ["search_portfolio", "vote_is_right"]

_FEWEST_ITEMS = 20  # with fewer the interval of a difference is about 40 points wide
_LARGEST_BUDGET = 500  # exp(votes) stays far below the largest float


def search_portfolio(
    rows: Sequence[PortfolioRow],
    budget: int,
    *,
    folds: int = 5,
    seed: int = 0,
    equal: Equal = "paths",
    unit: str = "tokens",
) -> Portfolio:
    """Learn a portfolio for ``budget`` paths a problem.

    Each path goes to the language that raises the mean log-score most: the log of the share of
    the right answer in exp(votes) of all answers to the problem and of one unseen answer. This is
    gold's log-likelihood under a softmax of the tally, a proper score: a problem that the vote has
    safely won counts little, so a language that is right where the others are wrong is worth more
    than a slightly better one that repeats them. At ``equal`` tokens it is the gain for each token
    that counts, and the portfolio may spend the tokens of ``budget`` paths in equal shares.

    Cross-validation repeats this without each of ``folds`` parts of the items and evaluates it on
    that part, by the votes of ``clc.voting.tally.vote``. The portfolio is supported when the 95 %
    interval of the paired difference, clustered by item, lies above 0.

    Args:
        rows: problems; the languages' order in the first one is the run's order.
        budget: paths a problem, at most as many as every row has. If it is all of them, only the
            order that breaks ties can be learned.
        folds: number of parts that the items are split into.
        seed: seed of the split.
        equal: compare with equal shares at the same number of ``paths`` or of ``tokens``.
        unit: of the rows' sizes, for the record.

    Raises:
        DatasetError: fewer than two languages, a row that lacks one of them, too few items, or
            sizes that are not known where ``equal`` needs them.
        ConfigurationError: the rows do not allow this budget or number of folds.
    """
    depth = paths_by_language(rows)
    items = {row.item for row in rows}
    _check(len(items), depth, budget, folds)
    sizes = mean_sizes(rows, depth)
    costs = path_costs(sizes, depth, equal)
    fold_of = assign_folds(items, folds, seed)
    search = GreedySearch(rows, depth)
    plain = equal_shares(depth, budget)
    total = math.fsum(costs[language] for language in plain)
    learned = search.sequence(range(len(rows)), costs, total)
    without = [
        search.sequence(
            [i for i, row in enumerate(rows) if fold_of[row.item] != fold], costs, total
        )
        for fold in range(folds)
    ]
    pairs = [(row, without[fold_of[row.item]]) for row in rows]
    steps = tuple(_step(pairs, plain, paths, costs, sizes) for paths in _milestones(budget))
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
        sizes=sizes,
        unit=unit if sizes else "",
        equal=equal,
    )


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


def _milestones(budget: int) -> list[int]:
    """Return the numbers of paths to compare at: odd ones, which tie less, then the budget.

    >>> _milestones(11)
    [1, 3, 7, 11]
    """
    return [*(2**n - 1 for n in range(1, budget.bit_length()) if 2**n - 1 < budget), budget]


def _step(
    pairs: Sequence[tuple[PortfolioRow, Sequence[str]]],
    plain: Sequence[str],
    paths: int,
    costs: Mapping[str, float],
    sizes: Mapping[str, float],
) -> PortfolioStep:
    """Compare the sequences, each learned without its row, with the plain majority."""
    total = math.fsum(costs[language] for language in plain[:paths])
    learned_right = plain_right = 0
    sums: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    spent: list[float] = []
    for row, sequence in pairs:
        chosen = affordable(sequence, costs, total)
        learned, equal = vote_is_right(row, chosen), vote_is_right(row, plain[:paths])
        learned_right += learned
        plain_right += equal
        sums[row.item] += learned - equal
        totals[row.item] += 1
        spent.append(sum(sizes.get(language, 0.0) for language in chosen))
    difference = clustered_difference([sums[item] for item in totals], list(totals.values()))
    return PortfolioStep(
        paths,
        learned_right / len(pairs),
        plain_right / len(pairs),
        difference,
        learned_size=math.fsum(spent) / len(pairs),
        plain_size=math.fsum(sizes.get(language, 0.0) for language in plain[:paths]),
    )


def vote_is_right(row: PortfolioRow, sequence: Sequence[str]) -> bool:
    """Whether the vote over the first paths of a row, as many by language as listed, is right."""
    shares = Counter(sequence)  # languages in the order of their first path
    votes = [
        Vote("", language, Answer(answer))
        for language, paths in shares.items()
        for answer in row.votes[language][:paths]
        if answer is not None
    ]
    return vote(votes, order=list(shares)).answer == row.gold


def _accuracy(rows: Sequence[PortfolioRow], depth: Mapping[str, int]) -> dict[str, Rate]:
    """Accuracy of single paths by language; an abstention counts as wrong.

    Paths without a translation do not count.
    """
    rates = {}
    for language, paths in depth.items():
        right: Counter[str] = Counter()
        totals: Counter[str] = Counter()
        for row in rows:
            answers = list(row.votes[language][:paths])
            right[row.item] += answers.count(row.gold)
            totals[row.item] += len(answers)
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
    answers = {
        language: [list(row.votes[language][:paths]) for row in rows]
        for language, paths in depth.items()
    }
    tried = {language: [len(one) for one in found] for language, found in answers.items()}
    right = {
        language: [one.count(row.gold) for one, row in zip(found, rows, strict=True)]
        for language, found in answers.items()
    }
    mean = {language: sum(right[language]) / (sum(tried[language]) or 1) for language in depth}
    phi: dict[str, dict[str, float | None]] = {language: {} for language in depth}
    for a, b in itertools.product(depth, repeat=2):
        pairs = sum(x * (y - (a == b)) for x, y in zip(tried[a], tried[b], strict=True))
        spread = math.sqrt(mean[a] * (1 - mean[a]) * mean[b] * (1 - mean[b]))
        if not pairs or not spread:
            phi[a][b] = None
            continue
        both = sum(x * (y - (a == b)) for x, y in zip(right[a], right[b], strict=True))
        phi[a][b] = (both / pairs - mean[a] * mean[b]) / spread
    return phi
