"""Several strategies on the same problems, at the same number of paths and of tokens.

Each accuracy is reported with its cost in paths and tokens, translations included; then the
accuracy at k paths for each k (see ``clc.analysis.resampling``), and the accuracy of the paths that
a token budget pays for.

Strategies are compared over the problems with gold that all of them have. Intervals are 95 % and
clustered by question item: those of accuracies as in ``clc.analysis.intervals``; those of
differences by a bootstrap over items (Efron 1979, percentiles), since two strategies answer the
same items.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from clc.analysis.compared_problems import (
    ComparedProblem,
    average,
    measure_accuracy,
    read_entries,
    shared_ids,
    sum_by_item,
)
from clc.analysis.comparison_curves import (
    at_budgets,
    budget_grid,
    cheapest_tokens,
    default_ks,
    path_curve,
)
from clc.analysis.comparison_records import (
    Entry,
    PairedDifference,
    StrategyComparison,
    StrategyResult,
)
from clc.analysis.independence import effective_voters
from clc.analysis.intervals import (
    clustered_difference,
    holm,
    mcnemar,
    sign_flip,
)
from clc.analysis.nested import grouped_runs
from clc.errors import ConfigurationError, StrategyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


__all__ = ["compare_strategies"]

RESAMPLES = 100  # random subsets of a problem's paths; 250 problems then err by 0.2 points
BOOTSTRAPS = 2_000  # resamples of the items: interval bounds err by 3 % of the interval's width


def compare_strategies(
    entries: Iterable[Entry],
    *,
    reference: str = "sc",
    ks: Sequence[int] | None = None,
    budget: float | None = None,
    resamples: int = RESAMPLES,
    bootstraps: int = BOOTSTRAPS,
    seed: int = 0,
) -> StrategyComparison:
    """Compare strategies over the problems with gold that all of them have.

    The same seed gives the same figures.

    Args:
        entries: the strategies, in the order of the result.
        reference: the strategy that the others are paired with.
        ks: numbers of paths; by default the powers of two and the least number of paths of each
            strategy. A strategy is shown at those that all of its problems reach.
        budget: tokens for one problem; by default the mean cost of the cheapest strategy with
            several paths.
        resamples: random subsets of a problem's paths where ``maj@k`` is not exact.
        bootstraps: resamples of the items for the intervals of differences.
        seed: seed of the random subsets and of the bootstrap.

    >>> from clc.analysis.comparison_records import Entry, ProblemOutcome
    >>> from clc.analysis.resampling import PathOutcome
    >>> def run(*answers):
    ...     paths = [PathOutcome("en", answer, 100) for answer in answers]
    ...     return [ProblemOutcome("a", "a", "7", answers[0], paths, order=("en",))]
    >>> result = compare_strategies([Entry("sc", run("7", "7", "8")), Entry("direct", run("8"))])
    >>> [(point.k, round(point.majority, 3)) for point in result.strategies[0].curve]
    [(1, 0.667), (2, 1.0), (3, 1.0)]
    >>> result.strategies[1].difference.value
    -1.0

    Raises:
        StrategyError: the reference is missing, or a name occurs twice.
        ConfigurationError: ``ks``, ``budget`` or a number of resamples is too small.
        DatasetError: no problem with gold is in all, one occurs twice, or golds or items differ.
    """
    for name, value, least in (("resamples", resamples, 1), ("bootstraps", bootstraps, 2)):
        if value < least:
            raise ConfigurationError(f"{name} is {value}; give at least {least}")
    if budget is not None and not budget > 0:
        raise ConfigurationError(f"budget is {budget}; give a number of tokens above 0")
    if ks is not None and min(ks, default=0) < 1:
        raise ConfigurationError(f"ks are {list(ks)}; give numbers of paths, from 1 up")
    read = read_entries(entries)
    if reference not in read:
        raise StrategyError(
            f"reference {reference!r} is not among the strategies: {', '.join(read) or 'none'}; "
            "add it, or choose one of them"
        )
    shared = shared_ids(read)
    columns = {name: [one.problems[key] for key in shared] for name, one in read.items()}
    if ks is None:
        ks = default_ks([min(len(row.resampler) for row in rows) for rows in columns.values()])
    ks = tuple(sorted(set(ks)))
    if budget is None:
        budget = cheapest_tokens(columns.values())
    budgets = budget_grid(columns.values())
    in_budgets = {name: at_budgets(rows, [budget, *budgets]) for name, rows in columns.items()}
    results = [
        StrategyResult(
            name=name,
            accuracy=measure_accuracy(rows, [row.right for row in rows]),
            difference=None
            if name == reference
            else _difference(
                rows, columns[reference], bootstraps, Random(f"{seed}\0{name}\0{reference}")
            ),
            **_means(rows),
            seconds=read[name].entry.seconds,
            reused=read[name].entry.reused,
            curve=path_curve(shared, rows, ks, resamples, f"{seed}\0{name}"),
            equal_tokens=in_budgets[name][0],
            budgets=tuple(in_budgets[name][1:]),
            left_out=len(read[name].problems) - len(shared),
            without_gold=read[name].without_gold,
            currency=read[name].entry.currency,
            voters=effective_voters([row.resampler.errors() for row in rows]),
        )
        for name, rows in columns.items()
    ]
    groups: dict[str, list[str]] = {}
    for name, one in read.items():
        groups.setdefault(one.entry.group or f"\0{name}", []).append(name)
    return StrategyComparison(
        reference=reference,
        problems=len(shared),
        items=len({row.item for row in columns[reference]}),
        ks=ks,
        budget=budget,
        resamples=resamples,
        bootstraps=bootstraps,
        seed=seed,
        strategies=_corrected(results),
        groups=grouped_runs(
            columns,
            groups,
            next(group for group, names in groups.items() if reference in names),
            bootstraps,
            Random(f"{seed}\0groups"),
        ),
    )


def _corrected(results: Sequence[StrategyResult]) -> tuple[StrategyResult, ...]:
    """Add Holm's correction to the differences."""
    paired = [one.difference for one in results if one.difference is not None]
    corrected = iter(holm([one.p_value for one in paired]))
    return tuple(
        one
        if one.difference is None
        else replace(one, difference=replace(one.difference, p_holm=next(corrected)))
        for one in results
    )


def _means(rows: Sequence[ComparedProblem]) -> dict[str, Any]:
    lengths = [len(row.resampler) for row in rows]
    costs = [row.cost for row in rows]
    tokens, prepared = (
        average(row.tokens for row in rows),
        average(row.preparation for row in rows),
    )
    return {
        "paths": average(lengths),
        "path_tokens": tokens - prepared,
        "preparation_tokens": prepared,
        "tokens": tokens,
        "thought_tokens": average(row.thought_tokens for row in rows),
        "cost": None if None in costs else average(cost for cost in costs if cost is not None),
        "least_drawn": min(lengths),
        "most_drawn": max(lengths),
    }


def _difference(
    rows: Sequence[ComparedProblem],
    reference: Sequence[ComparedProblem],
    bootstraps: int,
    generator: Random,
) -> PairedDifference:
    gains = [one.right - other.right for one, other in zip(rows, reference, strict=True)]
    sums, totals = sum_by_item(rows, gains)
    difference = clustered_difference(sums, totals)
    low, high = difference.low, difference.high
    if len({s / t for s, t in zip(sums, totals, strict=True)}) > 1:
        low, high = _bootstrap(sums, totals, bootstraps, generator)
    wins, losses = gains.count(1), gains.count(-1)
    return PairedDifference(
        difference.value, low, high, wins, losses, sign_flip(sums), mcnemar(wins, losses)
    )


def _bootstrap(
    sums: Sequence[int], totals: Sequence[int], bootstraps: int, generator: Random
) -> tuple[float, float]:
    """2.5 % and 97.5 % points of sum / total over items sampled with replacement."""
    # One integer sums both at once: problems in its high digit, differences from -half in its low.
    half = 1 << 31
    items = [s + t * 2 * half for s, t in zip(sums, totals, strict=True)]
    resampled = (
        divmod(sum(generator.choices(items, k=len(items)), start=half), 2 * half)
        for _ in range(bootstraps)
    )
    cuts = quantiles(((low - half) / high for high, low in resampled), n=40, method="inclusive")
    return cuts[0], cuts[-1]
