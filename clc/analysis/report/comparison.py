"""Report sections that compare several runs of the same problems: gains and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.analysis.comparison import compare_strategies
from clc.analysis.comparison_entries import problem_outcome
from clc.analysis.comparison_records import Entry
from clc.analysis.report.measures import INTERVAL
from clc.analysis.report.sections import Column, Section
from clc.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clc.analysis.comparison_records import ProblemOutcome, StrategyComparison, StrategyResult
    from clc.analysis.report.sections import Cell
    from clc.analysis.report.sources import ReportSource

__all__ = ["comparison"]

_BASELINE = "sc"


def comparison(
    runs: Iterable[tuple[str, ReportSource]], reference: str = ""
) -> tuple[Section, ...]:
    """Compare runs over the problems with gold that all of them have.

    Args:
        runs: by name, in the order of the tables.
        reference: the run that the others are paired with; ``sc`` by default, or else the first.

    Returns:
        No section for fewer than two runs, or if a run has no golds.

    Raises:
        StrategyError: the reference is none of the runs, or a name occurs twice.
        DatasetError: no problem is in all runs, or their golds differ.
    """
    given = list(runs)
    names = [name for name, _ in given]
    if len(given) < 2:  # noqa: PLR2004
        return ()
    readers = [_OutcomeReader(source) for _, source in given]
    try:
        result = compare_strategies(
            [
                Entry(name, one.outcomes(), source.manifest.get("seconds"))
                for (name, source), one in zip(given, readers, strict=True)
            ],
            reference=reference or (_BASELINE if _BASELINE in names else names[0]),
        )
    except DatasetError:
        if all(one.golds for one in readers):
            raise
        return ()
    return tuple(_sections(result))


class _OutcomeReader:
    """Reads the outcomes of a run and counts those with gold."""

    def __init__(self, source: ReportSource) -> None:
        self.golds = 0
        self._source = source

    def outcomes(self) -> Iterator[ProblemOutcome]:
        identity = self._source.manifest.get("identity", {})
        voting = identity.get("strategy", {}).get("voting")
        weighted = voting == "weighted" or identity.get("weighting") is not None
        for solved in self._source.solved():
            outcome = problem_outcome(*solved, weighted=weighted)
            self.golds += outcome.gold is not None
            yield outcome


def _sections(result: StrategyComparison) -> Iterator[Section]:
    yield _accuracies(result)
    yield _differences(result)
    if any(one.voters for one in result.strategies):
        yield _voters(result)
    if result.budget > 0:
        yield _equal_tokens(result)
    curves = [(one.name, point) for one in result.strategies for point in one.curve]
    if any(point.k > 1 for _, point in curves):
        yield Section(
            "strategies_paths",
            "Strategies at equal paths",
            "Accuracy of a vote over k paths of each strategy, and the share of problems where "
            "any of the k is right.",
            (
                Column("strategy", "text"),
                Column("paths", "count"),
                Column("problems", "count"),
                Column("vote right", "share"),
                Column("any right", "share"),
            ),
            tuple(
                (name, point.k, result.problems, point.majority, point.oracle)
                for name, point in curves
            ),
            "curve",
        )
    budgets = [row for one in result.strategies for row in _budgets(one)]
    if result.budget > 0 and budgets:
        yield Section(
            "strategies_tokens",
            "Strategies at equal tokens",
            "Accuracy of the vote over the paths that a budget of tokens pays for, translations "
            "included; budgets that buy no path for a tenth of the problems are left out.",
            (
                Column("strategy", "text"),
                Column("tokens a problem", "number"),
                Column("problems", "count"),
                Column("right", "count"),
                Column("right share", "share"),
                *INTERVAL,
            ),
            tuple(budgets),
            "curve",
        )


def _accuracies(result: StrategyComparison) -> Section:
    return Section(
        "strategies",
        "Strategies side by side",
        f"Accuracy over the {result.problems:,} problems that all strategies have, with the paths "
        "and tokens that one problem took; tokens before the paths are those of translations and "
        "first turns.",
        (
            Column("strategy", "text"),
            Column("problems", "count"),
            Column("right", "count"),
            Column("right share", "share"),
            *INTERVAL,
            Column("paths a problem", "number"),
            Column("tokens a problem", "number"),
            Column("of them before the paths", "number"),
            Column("seconds of the run", "number"),
        ),
        tuple(
            (one.name, *_rate(one), one.paths, one.tokens, one.preparation_tokens, one.seconds)
            for one in result.strategies
        ),
        "bars",
    )


def _rate(one: StrategyResult) -> tuple[Cell, ...]:
    rate = one.accuracy
    return rate.total, rate.right, rate.value, rate.low, rate.high


def _differences(result: StrategyComparison) -> Section:
    return Section(
        "strategies_differences",
        f"Gain over {result.reference}",
        f"Accuracy less that of {result.reference} on the same problems, in points; gained are "
        f"problems that only the strategy has right, lost those that only {result.reference} has.",
        (
            Column("strategy", "text"),
            Column("problems", "count"),
            Column("gained", "count"),
            Column("lost", "count"),
            Column("difference", "points"),
            Column("low", "points"),
            Column("high", "points"),
            Column("p", "number"),
            Column("p, all differences (Holm)", "number"),
        ),
        tuple(
            (one.name, result.problems, gain.wins, gain.losses, gain.value, gain.low, gain.high,
             gain.p_value, gain.p_holm)
            for one in result.strategies
            if (gain := one.difference) is not None
        ),
        "bars",
    )  # fmt: skip


def _voters(result: StrategyComparison) -> Section:
    return Section(
        "strategies_voters",
        "Independent languages",
        "How many independent voters the languages of a strategy are worth, by the correlation of "
        "their errors: by Kish's formula and by the eigenvalues of the correlations.",
        (
            Column("strategy", "text"),
            Column("languages", "count"),
            Column("mean correlation", "number"),
            Column("independent (Kish)", "number"),
            Column("independent (eigenvalues)", "number"),
        ),
        tuple(
            (one.name, voters.languages, voters.correlation, voters.kish, voters.eigenvalues)
            for one in result.strategies
            if (voters := one.voters) is not None
        ),
    )


def _equal_tokens(result: StrategyComparison) -> Section:
    rows = []
    for one in result.strategies:
        point = one.equal_tokens
        rate = point.accuracy
        rows.append(
            (one.name, rate.total, rate.right, rate.value, rate.low, rate.high, point.paths,
             point.tokens, point.without)
        )  # fmt: skip
    return Section(
        "strategies_budget",
        f"At {result.budget:,.0f} tokens a problem",
        "Accuracy of the vote over the first paths that this budget pays for, translations "
        "included; a problem that it buys no path for is wrong.",
        (
            Column("strategy", "text"),
            Column("problems", "count"),
            Column("right", "count"),
            Column("right share", "share"),
            *INTERVAL,
            Column("paths a problem", "number"),
            Column("tokens a problem", "number"),
            Column("problems without a path", "count"),
        ),
        tuple(rows),
        "bars",
    )


def _budgets(one: StrategyResult) -> Iterator[tuple[Cell, ...]]:
    for point in one.budgets:
        rate = point.accuracy
        if point.is_plotted:
            yield one.name, point.budget, rate.total, rate.right, rate.value, rate.low, rate.high
