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

from bisect import bisect_right
from collections import Counter
from math import sqrt
from random import Random
from statistics import quantiles
from typing import TYPE_CHECKING, Any, cast

from clc.analysis.compared_problems import ComparedProblem, read_entries, shared_ids
from clc.analysis.comparison_records import (
    BudgetPoint,
    CurvePoint,
    Entry,
    PairedDifference,
    ProblemOutcome,
    StrategyComparison,
    StrategyResult,
)
from clc.analysis.costs import currency_of, problem_cost
from clc.analysis.intervals import clustered_difference, clustered_rate, mcnemar, sign_flip
from clc.analysis.resampling import PathOutcome
from clc.analysis.scoring import scored
from clc.answers.canonical import canonical_gold
from clc.errors import ConfigurationError, StrategyError
from clc.prices import RunPrices
from clc.runs.revote import revote
from clc.voting.outcomes import read_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from clc.analysis.intervals import Rate
    from clc.plan import Plan
    from clc.records import Problem, ReasoningPath, Verdict, Vote
    from clc.runs.protocol import RunFolder
    from clc.solving.pool import StrategyPool
    from clc.voting.outcomes import Reader

__all__ = ["compare_strategies", "entries", "problem_outcome", "problem_outcomes"]

RESAMPLES = 100  # random subsets of a problem's paths; 250 problems then err by 0.2 points
BOOTSTRAPS = 2_000  # resamples of the items: interval bounds err by 3 % of the interval's width
_BUDGETS = 16  # budgets of a curve against tokens


def problem_outcome(
    problem: Problem,
    plan: Plan,
    paths: Mapping[str, ReasoningPath],
    votes: Sequence[Vote],
    verdict: Verdict,
    *,
    weighted: bool = False,
    prices: RunPrices | None = None,
) -> ProblemOutcome:
    """Build the outcome of a solved problem: ``problem_outcome(*solved)``, from ``clc.revote``.

    ``votes`` are in sampling order. Their weights count only where the run's voting is
    ``weighted``; a vote keeps its weight when only some of the paths are voted on.
    """
    row = scored(problem, verdict)
    return ProblemOutcome(
        id=row.id,
        item=row.item,
        gold=None if row.gold is None else canonical_gold(row.gold, row.kind),
        answer=verdict.answer,
        paths=[
            PathOutcome(
                vote.language,
                vote.answer,
                paths[vote.path_key].usage.total if vote.path_key in paths else 0,
                vote.weight if weighted else 1.0,
            )
            for vote in votes
        ],
        preparation_tokens=verdict.translation_usage.total,
        order=plan.languages,
        thought_tokens=verdict.usage.reasoning_tokens + verdict.translation_usage.reasoning_tokens,
        cost=problem_cost(verdict, paths.values(), prices),
        path_preparation=_path_preparation(plan),
    )


def _path_preparation(plan: Plan) -> list[int]:
    """Return the tokens of each path's translation and turns, at the first path of each row."""
    left = [arm.translation_usage.total for arm in plan.arms]
    tokens = []
    for position in plan.order:
        tokens.append(left[position])
        left[position] = 0
    return tokens


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
        ks = _default_ks([min(len(row.resampler) for row in rows) for rows in columns.values()])
    ks = tuple(sorted(set(ks)))
    if budget is None:
        budget = _cheapest(columns.values())
    budgets = _grid(columns.values())
    results = [
        StrategyResult(
            name=name,
            accuracy=_rate(rows, [row.right for row in rows]),
            difference=None
            if name == reference
            else _difference(
                rows, columns[reference], bootstraps, Random(f"{seed}\0{name}\0{reference}")
            ),
            **_means(rows),
            seconds=read[name].entry.seconds,
            reused=read[name].entry.reused,
            curve=_curve(shared, rows, ks, resamples, f"{seed}\0{name}"),
            equal_tokens=_at_budgets(rows, [budget])[0],
            budgets=tuple(_at_budgets(rows, budgets)),
            left_out=len(read[name].problems) - len(shared),
            without_gold=read[name].without_gold,
            currency=read[name].entry.currency,
        )
        for name, rows in columns.items()
    ]
    return StrategyComparison(
        reference=reference,
        problems=len(shared),
        items=len({row.item for row in columns[reference]}),
        ks=ks,
        budget=budget,
        resamples=resamples,
        bootstraps=bootstraps,
        seed=seed,
        strategies=tuple(results),
    )


def _means(rows: Sequence[ComparedProblem]) -> dict[str, Any]:
    lengths = [len(row.resampler) for row in rows]
    costs = [row.cost for row in rows]
    tokens, prepared = (_mean(row.tokens for row in rows), _mean(row.preparation for row in rows))
    return {
        "paths": _mean(lengths),
        "path_tokens": tokens - prepared,
        "preparation_tokens": prepared,
        "tokens": tokens,
        "thought_tokens": _mean(row.thought_tokens for row in rows),
        "cost": None if None in costs else _mean(cost for cost in costs if cost is not None),
        "least_drawn": min(lengths),
        "most_drawn": max(lengths),
    }


def _default_ks(least_drawn: Sequence[int]) -> list[int]:
    """Powers of two up to the largest, and each number itself.

    >>> _default_ks([11, 1])
    [1, 2, 4, 8, 11]
    """
    powers = (1 << power for power in range(max(least_drawn).bit_length()))
    return sorted({*powers, *least_drawn} - {0})


def _cheapest(columns: Iterable[Sequence[ComparedProblem]]) -> float:
    """Mean tokens of the cheapest strategy with several paths, else of the cheapest of all."""
    means = [
        (max(len(row.resampler) for row in rows) < 2, _mean(row.tokens for row in rows))  # noqa: PLR2004
        for rows in columns
    ]
    return min(means)[1]


def _grid(columns: Iterable[Sequence[ComparedProblem]]) -> list[float]:
    """Budgets in equal ratios, from the cheapest mean first path to the most costly mean total."""
    pairs = [
        (_mean(row.costs[0] if row.costs else 0 for row in rows), _mean(row.tokens for row in rows))
        for rows in columns
    ]
    low, high = min(low for low, _ in pairs), max(high for _, high in pairs)
    if not 0 < low < high:
        return [high] if high > 0 else []
    ratio = high / low
    return [low * ratio ** (step / (_BUDGETS - 1)) for step in range(_BUDGETS)]


def _curve(
    keys: Sequence[str],
    rows: Sequence[ComparedProblem],
    ks: Sequence[int],
    resamples: int,
    seed: str,
) -> tuple[CurvePoint, ...]:
    least = min(len(row.resampler) for row in rows)
    ks = [k for k in ks if k <= least]
    majority, variance, oracle = ([0.0] * len(ks) for _ in range(3))
    for key, row in zip(keys, rows, strict=True):
        shares = row.resampler.majority(ks, resamples, Random(f"{seed}\0{key}"))
        for position, (k, share) in enumerate(zip(ks, shares, strict=True)):
            majority[position] += share.value
            oracle[position] += row.resampler.oracle(k)
            if not share.exact:
                variance[position] += share.value * (1 - share.value) / resamples
    n = len(rows)
    return tuple(
        CurvePoint(k, right / n, any_right / n, sqrt(spread) / n)
        for k, right, any_right, spread in zip(ks, majority, oracle, variance, strict=True)
    )


def _at_budgets(rows: Sequence[ComparedProblem], budgets: Sequence[float]) -> list[BudgetPoint]:
    prefixes = [row.resampler.prefixes() for row in rows]
    points = []
    for budget in budgets:
        bought = [bisect_right(row.costs, budget) for row in rows]
        spent = (row.costs[n - 1] for row, n in zip(rows, bought, strict=True) if n)
        right = [n > 0 and bool(prefix[n - 1]) for prefix, n in zip(prefixes, bought, strict=True)]
        points.append(
            BudgetPoint(
                budget,
                _rate(rows, right),
                _mean(bought),
                sum(spent) / len(rows),
                bought.count(0),
            )
        )
    return points


def _rate(rows: Sequence[ComparedProblem], right: Sequence[bool]) -> Rate:
    # Never None: a comparison has at least one problem.
    return cast("Rate", clustered_rate(*_by_item(rows, right)))


def _by_item(rows: Sequence[ComparedProblem], values: Sequence[int]) -> tuple[list[int], list[int]]:
    """Sums of ``values`` and numbers of problems, item by item."""
    sums: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for row, value in zip(rows, values, strict=True):
        sums[row.item] += value
        totals[row.item] += 1
    return [sums[item] for item in totals], list(totals.values())


def _difference(
    rows: Sequence[ComparedProblem],
    reference: Sequence[ComparedProblem],
    bootstraps: int,
    generator: Random,
) -> PairedDifference:
    gains = [one.right - other.right for one, other in zip(rows, reference, strict=True)]
    sums, totals = _by_item(rows, gains)
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
    # Complex numbers sum both at once: differences in the real part, problems in the imaginary one.
    items = [complex(s, t) for s, t in zip(sums, totals, strict=True)]
    resampled = (sum(generator.choices(items, k=len(items))) for _ in range(bootstraps))
    cuts = quantiles((one.real / one.imag for one in resampled), n=40, method="inclusive")
    return cuts[0], cuts[-1]


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values)


def entries(pool: StrategyPool) -> Iterator[Entry]:
    """Yield each strategy of a pool with its outcomes, from the store."""
    for name, run in pool.runs.items():
        spent = pool.spent(name)
        settings = run.configuration
        weighted = settings.weighting is not None or settings.strategy.voting == "weighted"
        manifest = run.store.manifest()
        prices = run.bill.prices or RunPrices.from_manifest(manifest)
        yield Entry(
            name,
            problem_outcomes(run.store, weighted=weighted, read=run.outcomes.recall, prices=prices),
            spent.seconds,
            spent.reused,
            currency_of(manifest, prices),
        )


def problem_outcomes(
    run: RunFolder,
    *,
    weighted: bool = False,
    read: Reader = read_outcome,
    prices: RunPrices | None = None,
) -> Iterator[ProblemOutcome]:
    """Yield the outcome of every finished problem; ``weighted``: use the votes' weights."""
    for solved in revote(run, read):
        yield problem_outcome(*solved, weighted=weighted, prices=prices)
