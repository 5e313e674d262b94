"""What goes into a comparison of strategies and out of it; ``clc.analysis.comparison`` makes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clc.analysis.intervals import Rate
    from clc.analysis.resampling import Drawn

__all__ = [
    "BudgetPoint",
    "CurvePoint",
    "Entry",
    "Outcome",
    "PairedDifference",
    "StrategyComparison",
    "StrategyResult",
]


_MOST_WITHOUT_PATH = 0.1  # share of the problems


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a strategy made of one problem.

    ``item`` is what problems that ask the same in several languages share. ``gold`` (None: there
    is none) and ``answer``, the verdict's, are canonical. ``drawn`` are all paths, those that were
    lost or abstain among them, in the order in which a smaller budget would draw them: over the
    languages in turn, not one language after another. ``preparation_tokens`` were spent before the
    first path: translations, first turns, plans. ``order`` are the languages that break ties.
    """

    id: str
    item: str
    gold: str | None
    answer: str | None
    drawn: Sequence[Drawn]
    preparation_tokens: int = 0
    order: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A strategy under its name: its outcomes (read once), and what the run of them was.

    ``seconds`` is wall time, None where it is not known; ``reused`` are paths that were drawn
    before, for another strategy or an earlier run.
    """

    name: str
    outcomes: Iterable[Outcome]
    seconds: float | None = None
    reused: int = 0


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Accuracy of the vote over ``k`` paths, and share of problems where any of ``k`` is right.

    ``error`` is the standard error that random subsets leave in ``majority``; 0.0 means that it is
    exact.
    """

    k: int
    majority: float
    oracle: float
    error: float


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """The vote over the first paths that ``budget`` tokens a problem pay for.

    ``paths`` and ``tokens`` (preparation included) are means of what was bought. ``without`` counts
    the problems for which not even one path fits; they are wrong.
    """

    budget: float
    accuracy: Rate
    paths: float
    tokens: float
    without: int

    @property
    def is_plotted(self) -> bool:
        """Whether the budget buys a path for at least 90 % of the problems."""
        return self.without <= _MOST_WITHOUT_PATH * self.accuracy.total


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A strategy's accuracy less the reference's, with its 95 % interval from -1 to 1.

    Where no item tells the two apart, a bootstrap has no width, and the interval is that of
    ``clc.analysis.intervals.clustered_difference``. ``wins`` are problems that only this strategy
    has right, ``losses`` only the reference. ``mcnemar_p`` is McNemar's exact test over problems;
    ``p_value`` is the same test over items, for those that are asked in several languages.
    """

    value: float
    low: float
    high: float
    wins: int
    losses: int
    p_value: float
    mcnemar_p: float


@dataclass(frozen=True, slots=True)
class StrategyResult:
    """What one strategy came to over the shared problems.

    ``accuracy`` is that of its verdicts. ``paths``, ``path_tokens`` and ``preparation_tokens`` are
    means for one problem; ``seconds`` and ``reused`` belong to its whole run. ``least_drawn`` and
    ``most_drawn`` differ where it stopped early: ``curve`` ends at the least. ``equal_tokens`` is
    the vote at the comparison's budget, ``budgets`` at others. ``difference`` is None for the
    reference. ``left_out`` problems with gold are not in all strategies, ``without_gold`` have
    none.
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


@dataclass(frozen=True, slots=True)
class StrategyComparison:
    """Strategies in the order given, over the ``problems`` with gold that all of them have.

    ``budget`` is in tokens for one problem. ``resamples`` is the number of random subsets a problem
    where ``maj@k`` is not exact.
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

    def to_json(self) -> dict[str, Any]:
        """Plain values for comparison.json."""
        return asdict(self)
