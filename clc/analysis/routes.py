"""Routes: a sampling order of languages for each question language.

Whether to reason in the question's language or in others, and in which, depends on the question's
language as much as on the model (arXiv 2604.16937). A route is learned as a portfolio is, from the
problems in one question language alone.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from clc.analysis.greedy_search import GreedySearch, affordable, assign_folds, equal_shares
from clc.analysis.intervals import clustered_difference
from clc.analysis.portfolio import Route, Routes
from clc.analysis.portfolio_rows import mean_sizes, path_costs, paths_by_language
from clc.analysis.portfolio_search import search_portfolio, vote_is_right

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.analysis.intervals import Difference
    from clc.analysis.portfolio import Equal
    from clc.analysis.portfolio_rows import PortfolioRow

__all__ = ["learn_routes"]

_FEWEST_ITEMS = 20  # in a question language


def learn_routes(
    rows: Sequence[PortfolioRow],
    budget: int,
    *,
    folds: int = 5,
    seed: int = 0,
    equal: Equal = "paths",
) -> Routes | None:
    """Learn a route for each question language, and compare them with one order for all.

    The order for all is that of equal shares, or the portfolio of the other folds' problems in all
    question languages where its gain on their own is supported: what a question gets without a
    route. Items are in one fold in all their languages.

    Returns:
        None where fewer than two question languages have 20 items each.

    Raises:
        DatasetError: the rows do not share their languages.
        ConfigurationError: the budget is more than the rows have.
    """
    groups: dict[str, list[PortfolioRow]] = defaultdict(list)
    for row in rows:
        if row.question_language is not None:
            groups[row.question_language].append(row)
    groups = {
        code: group
        for code, group in groups.items()
        if len({row.item for row in group}) >= _FEWEST_ITEMS
    }
    if len(groups) < 2:  # noqa: PLR2004
        return None
    kept = [row for group in groups.values() for row in group]
    depth = paths_by_language(kept)
    costs = path_costs(mean_sizes(kept, depth), depth, equal)
    plain = equal_shares(depth, budget)
    total = math.fsum(costs[language] for language in plain)
    fold_of = assign_folds((row.item for row in kept), folds, seed)
    baselines = []
    for fold in range(folds):
        others = [row for row in kept if fold_of[row.item] != fold]
        pooled = search_portfolio(others, budget, folds=folds, seed=seed, equal=equal)
        baselines.append(affordable(pooled.sequence, costs, total))
    sequences: dict[str, tuple[str, ...]] = {}
    scores: dict[str, _Score] = {}
    for code, group in groups.items():
        search = GreedySearch(group, depth)
        sequences[code] = search.sequence(range(len(group)), costs, total)
        scores[code] = score = _Score()
        for fold, baseline in enumerate(baselines):
            among = [i for i, row in enumerate(group) if fold_of[row.item] != fold]
            learned = search.sequence(among, costs, total)
            for row in group:
                if fold_of[row.item] == fold:
                    score.add(row.item, vote_is_right(row, learned), vote_is_right(row, baseline))
    everything = sum(scores.values(), _Score())
    difference = everything.difference()
    return Routes(
        {code: score.route(sequences[code]) for code, score in scores.items()},
        difference.low > 0,
        difference,
    )


class _Score:
    """Right answers of two sequences, by item."""

    def __init__(self) -> None:
        self.learned: Counter[str] = Counter()
        self.plain: Counter[str] = Counter()
        self.totals: Counter[str] = Counter()

    def add(self, item: str, learned: bool, plain: bool) -> None:  # noqa: FBT001
        self.learned[item] += learned
        self.plain[item] += plain
        self.totals[item] += 1

    def __add__(self, other: _Score) -> _Score:
        found = _Score()
        for name in ("learned", "plain", "totals"):
            for one in (self, other):
                getattr(found, name).update(getattr(one, name))
        return found

    def difference(self) -> Difference:
        sums = [self.learned[item] - self.plain[item] for item in self.totals]
        return clustered_difference(sums, list(self.totals.values()))

    def route(self, sequence: tuple[str, ...]) -> Route:
        problems = self.totals.total()
        return Route(
            sequence,
            self.learned.total() / problems,
            self.plain.total() / problems,
            self.difference(),
            problems,
        )
