"""Records of a comparison of strategies, which ``clc.analysis.comparison`` computes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.analysis.intervals import Difference, Rate
    from clc.analysis.resampling import PathOutcome

__all__ = [
    "BudgetPoint",
    "CurvePoint",
    "EffectiveVoters",
    "Entry",
    "GroupedRuns",
    "PairedDifference",
    "ProblemOutcome",
    "StrategyComparison",
    "StrategyResult",
]


_MOST_WITHOUT = 0.1  # share of the problems


@dataclass(frozen=True, slots=True)
class ProblemOutcome:
    """The result of a strategy on one problem.

    ``item`` is shared by the problems that ask the same in several languages. ``gold`` (None: there
    is none) and ``answer``, the verdict's, are canonical. ``paths`` are all paths, including lost
    and abstaining ones, in the order in which a smaller budget would sample them: over the
    languages in turn, not one language after another. ``preparation_tokens`` were spent on all that
    is no path: translations, first turns, plans. ``path_preparation`` is the part of each path that
    a smaller budget spends only if it samples the path: a translation counts for the first path
    that asks it. What it leaves of ``preparation_tokens`` is spent before the first path.
    ``thought_tokens`` of all were thoughts. ``order`` lists the languages that break ties. ``cost``
    is in money, where prices are known.
    """

    id: str
    item: str
    gold: str | None
    answer: str | None
    paths: Sequence[PathOutcome]
    preparation_tokens: int = 0
    order: Sequence[str] = ()
    thought_tokens: int = 0
    cost: float | None = None
    path_preparation: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A strategy to compare: its name, its outcomes (iterated once), and the cost of its run.

    ``seconds`` is wall time, None if unknown; ``reused`` counts paths that were sampled before, for
    another strategy or an earlier run. Entries of one ``group`` are runs of one strategy.
    """

    name: str
    outcomes: Iterable[ProblemOutcome]
    seconds: float | None = None
    reused: int = 0
    currency: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class EffectiveVoters:
    """The number of independent voters that the languages of a strategy are worth.

    Of ``languages`` whose errors vary, with the mean ``correlation`` of their errors; ``kish`` and
    ``eigenvalues`` are the effective numbers of ``clc.analysis.independence``, ``with_others`` is
    the mean correlation of each language with the others.
    """

    languages: int
    correlation: float
    kish: float
    eigenvalues: float
    with_others: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class GroupedRuns:
    """The runs of one strategy together; see ``clc.analysis.nested``.

    ``accuracy`` is their mean with its interval over items and runs, ``difference`` that less the
    mean of the reference's runs (None for these).
    """

    runs: tuple[str, ...]
    accuracy: Difference
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy of the vote over ``k`` paths, and share of problems where any of ``k`` is right.

    ``error`` is the standard error of ``majority`` from random subsets; 0.0 means exact.
    """

    k: int
    majority: float
    oracle: float
    error: float


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """The vote over the first paths that ``budget`` tokens a problem pay for.

    ``paths`` and ``tokens`` (preparation included) are means of what was paid for. ``without``
    counts the problems for which not even one path fits; they count as wrong.
    """

    budget: float
    accuracy: Rate
    paths: float
    tokens: float
    without: int

    @property
    def is_plotted(self) -> bool:
        """Whether the budget buys a path for at least 90 % of the problems."""
        return self.without <= _MOST_WITHOUT * self.accuracy.total


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A strategy's accuracy less the reference's, with its 95 % interval from -1 to 1.

    If the two agree on every item, a bootstrap has no width, and the interval is that of
    ``clc.analysis.intervals.clustered_difference``. ``wins`` are problems that only this strategy
    has right, ``losses`` only the reference. ``mcnemar_p`` is McNemar's exact test over problems;
    ``p_value`` is the same test over items, for items asked in several languages, and
    ``p_holm`` is Holm's correction of it for all differences of the comparison (1979): below 0.05,
    the difference is there whichever of them one looks at.
    """

    value: float
    low: float
    high: float
    wins: int
    losses: int
    p_value: float
    mcnemar_p: float
    p_holm: float = 1.0


@dataclass(frozen=True, slots=True)
class StrategyResult:
    """The figures of one strategy over the shared problems.

    ``accuracy`` is that of its verdicts. ``paths``, ``path_tokens`` and ``preparation_tokens`` are
    means for one problem; ``seconds`` and ``reused`` belong to its whole run. ``least_drawn`` and
    ``most_drawn``, in paths a problem, differ if it stopped early: ``curve`` ends at the least.
    ``equal_tokens`` is the vote at the comparison's budget, ``budgets`` at others. ``difference``
    is None for the reference. ``left_out`` counts problems with gold that are not in all
    strategies, ``without_gold`` problems without gold. ``thought_tokens``, a mean for one problem,
    are part of ``tokens``. ``cost``, a mean for one problem in ``currency``, is None
    without prices. ``voters`` is None where fewer than two languages can be compared.
    """

    name: str
    accuracy: Rate
    difference: PairedDifference | None
    paths: float
    path_tokens: float
    preparation_tokens: float
    tokens: float
    seconds: float | None
    reused: int
    least_drawn: int
    most_drawn: int
    curve: tuple[CurvePoint, ...]
    equal_tokens: BudgetPoint
    budgets: tuple[BudgetPoint, ...]
    left_out: int
    without_gold: int
    thought_tokens: float = 0.0
    cost: float | None = None
    currency: str | None = None
    voters: EffectiveVoters | None = None


@dataclass(frozen=True, slots=True)
class StrategyComparison:
    """Strategies in the order given, over the ``problems`` with gold that all of them have.

    ``budget`` is in tokens for one problem. ``resamples`` is the number of random subsets a problem
    if ``maj@k`` is not exact. ``groups`` are the strategies with all their runs, where any has
    several.
    """

    reference: str
    problems: int
    items: int
    ks: tuple[int, ...]
    budget: float
    resamples: int
    bootstraps: int
    seed: int
    strategies: tuple[StrategyResult, ...]
    groups: tuple[GroupedRuns, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values for comparison.json; thoughts and costs only where there are any."""
        values = asdict(self)
        if not self.groups:
            del values["groups"]
        for strategy in values["strategies"]:
            for name in self.absent:
                del strategy[name]
        return values

    @property
    def absent(self) -> tuple[str, ...]:
        """The fields of strategies that no strategy has."""
        thoughts = () if self.thinks else ("thought_tokens",)
        return thoughts if self.has_costs else (*thoughts, "cost", "currency")

    @property
    def has_costs(self) -> bool:
        """Whether the cost of a strategy in money is known."""
        return any(one.cost is not None for one in self.strategies)

    @property
    def thinks(self) -> bool:
        """Whether a strategy spent tokens on thoughts."""
        return any(one.thought_tokens for one in self.strategies)
