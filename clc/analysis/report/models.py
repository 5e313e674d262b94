"""Report sections by model, for runs whose arms name engine files: how right, how much alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from math import sqrt
from pathlib import PurePath
from typing import TYPE_CHECKING

from clc.analysis.report.measures import INTERVAL, Criterion
from clc.analysis.report.outcomes import Outcomes
from clc.analysis.report.sections import Column, Section
from clc.strategies.voters import OWN
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.analysis.report.measures import Judged
    from clc.records import Vote
    from clc.runs.revote import Solved

__all__ = ["PathsByModel"]


class PathsByModel:
    """Right paths by model, and how the models' own votes go together."""

    def __init__(self) -> None:
        self._paths: dict[str, Outcomes] = {}
        self._pairs: dict[tuple[str, str], Counter[tuple[bool, bool]]] = defaultdict(Counter)

    def add(self, one: Judged, solved: Solved) -> None:
        """Add a problem; abstentions count as wrong."""
        by_model: dict[str, list[Vote]] = defaultdict(list)
        for number, ((arm, _), cast) in enumerate(
            zip(solved.plan.paths, solved.votes, strict=True)
        ):
            if number not in solved.plan.given:
                by_model[arm.engine or OWN].append(cast)
        if set(by_model) <= {OWN}:
            return
        right = {}
        for model, votes in by_model.items():
            hits = sum(cast.answer == one.target for cast in votes)
            self._paths.setdefault(model, Outcomes()).add(one.item, hits, of=len(votes))
            right[model] = vote(votes, order=one.order).answer == one.target
        for pair in combinations(sorted(right), 2):
            self._pairs[pair][right[pair[0]], right[pair[1]]] += 1

    def sections(self, *, gold: bool) -> Iterator[Section]:
        """Yield the sections; none for a run of one model."""
        if not self._paths:
            return
        name, phrase = Criterion.by(gold=gold)
        rates = {model: outcomes.rate() for model, outcomes in sorted(self._paths.items())}
        yield Section(
            "models",
            "Paths by model",
            f"Share of single paths that {phrase}, by the model that sampled them: the run's own, "
            "or the one of an engine file.",
            (
                Column("model", "text"),
                Column("paths", "count"),
                Column(name, "count"),
                Column(f"{name} share", "share"),
                *INTERVAL,
            ),
            tuple(
                (_short(model), r.total, r.right, r.value, r.low, r.high)
                for model, r in rates.items()
                if r is not None
            ),
        )
        if not self._pairs:
            return
        yield Section(
            "models-together",
            "Models together",
            f"Problems on which each model's own vote {'is right' if gold else 'agrees'}: both, "
            "only one of two, neither. The correlation of the errors is 1 where two models err on "
            "the same problems, which then are one voter, and 0 where they err independently "
            "(the phi coefficient of the table of four).",
            (
                Column("first", "text"),
                Column("second", "text"),
                Column("both", "count"),
                Column("first alone", "count"),
                Column("second alone", "count"),
                Column("neither", "count"),
                Column("correlation of errors", "number"),
            ),
            tuple(
                (_short(first), _short(second), *_four(counts), _phi(counts))
                for (first, second), counts in sorted(self._pairs.items())
            ),
        )


def _four(counts: Counter[tuple[bool, bool]]) -> tuple[int, int, int, int]:
    """Return the numbers of both, only the first, only the second, and neither."""
    return counts[True, True], counts[True, False], counts[False, True], counts[False, False]


def _phi(counts: Counter[tuple[bool, bool]]) -> float | None:
    """Return the correlation of two models' errors; None where one is always right or wrong.

    >>> _phi(Counter({(True, True): 3, (False, False): 3}))
    1.0
    >>> _phi(Counter({(True, True): 4})) is None
    True
    """
    both, first, second, neither = _four(counts)
    scale = sqrt((both + first) * (second + neither) * (both + second) * (first + neither))
    return (both * neither - first * second) / scale if scale else None


def _short(model: str) -> str:
    return model if model == OWN else PurePath(model).name
