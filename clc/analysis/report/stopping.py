"""Report facts and section on early stopping: paths sampled and paths saved."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from clc.analysis.report.format import of, percent
from clc.analysis.report.sections import Column, Fact, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clc.runs.revote import Solved

__all__ = ["EarlyStops"]

_WHOLE, _DEADLINE = "whole budget", "deadline"


class EarlyStops:
    """Problems by number of paths and reason to stop.

    Args:
        identity: the run's configuration, with its budget and its rule; empty if unknown.
    """

    def __init__(self, identity: Mapping[str, Any]) -> None:
        rule = identity.get("stopping", {}).get("rule", "fixed")
        self._rules = rule != "fixed" or identity.get("online") is not None
        self._budget: int = identity.get("paths", 0)
        self._ends: Counter[tuple[int, str]] = Counter()

    def add(self, solved: Solved) -> None:
        """Add a problem."""
        details = solved.plan.details
        stop = details.get("stop")
        whole = _DEADLINE if details.get("deadline") else _WHOLE
        self._rules = self._rules or stop is not None
        self._ends[len(solved.counted_votes), stop["rule"] if stop else whole] += 1

    def facts(self) -> Iterator[Fact]:
        """Yield the share of the budget that was saved, if a rule may stop."""
        problems = self._ends.total()
        if not (self._rules and problems and self._budget):
            return
        sampled = sum(paths * number for (paths, _), number in self._ends.items())
        budget = problems * self._budget
        stopped = sum(
            number for (_, end), number in self._ends.items() if end not in (_WHOLE, _DEADLINE)
        )
        yield Fact(
            "Budget saved",
            percent(1 - sampled / budget),
            f"{of(budget - sampled, budget, 'paths')} were not sampled; "
            f"{of(stopped, problems, 'problems')} stopped early",
        )

    def sections(self) -> Iterator[Section]:
        """Yield the section of paths per problem, if a rule may stop."""
        if not (self._rules and self._ends):
            return
        ends = sorted({end for _, end in self._ends}, key=lambda end: (end == _WHOLE, end))
        lengths = sorted({paths for paths, _ in self._ends})
        yield Section(
            "stopping",
            "Paths until the vote stopped",
            f"Problems by number of paths, of {self._budget} at most, and by what ended "
            "them: the rule that stopped, or the whole budget."
            if self._budget
            else "Problems by number of paths and by what ended them.",
            (Column("paths sampled", "count"), *(Column(end, "count") for end in ends)),
            tuple((paths, *(self._ends[paths, end] for end in ends)) for paths in lengths),
            "stack",
        )
