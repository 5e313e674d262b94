"""Paired comparison of two runs, problem by problem."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from clc.analysis.intervals import clustered_difference, mcnemar, sign_flip
from clc.answers.canonical import canonical_gold
from clc.errors import DatasetError
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clc.analysis.scores import Scored

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, a and b, over the problems that both have.

    ``difference`` is a's accuracy less b's, with its 95 % interval ``low`` to ``high``.
    ``wins`` are problems that only a has right, ``losses`` only b. ``p_value`` is
    the exact sign-flip test over items, ``mcnemar_p`` assumes independent problems: the two are
    one test if each item is asked once. ``only_a`` and ``only_b`` problems are in one run only.
    Paths and tokens (translation apart) show whether the budgets are equal.
    """

    problems: int
    items: int
    accuracy_a: float
    accuracy_b: float
    difference: float
    low: float
    high: float
    wins: int
    losses: int
    p_value: float
    mcnemar_p: float
    only_a: int
    only_b: int
    paths_a: int
    paths_b: int
    usage_a: Usage
    usage_b: Usage
    translation_usage_a: Usage
    translation_usage_b: Usage

    def to_json(self) -> dict[str, Any]:
        """Return plain values; reasoning tokens only where there are any."""
        names = ("usage_a", "usage_b", "translation_usage_a", "translation_usage_b")
        return asdict(self) | {name: getattr(self, name).to_json() for name in names}


@dataclass(frozen=True, slots=True)
class _Judged:
    item: str
    gold: str
    right: bool
    paths: int
    usage: Usage
    translation_usage: Usage


def _judged(rows: Iterable[Scored], run: str) -> dict[str, _Judged]:
    judged: dict[str, _Judged] = {}
    for row in rows:
        gold = None if row.gold is None else canonical_gold(row.gold, row.kind)
        if gold is None:
            continue
        if row.id in judged:
            raise DatasetError(f"{run}: two verdicts for problem {row.id!r}; score each once")
        verdict = row.verdict
        judged[row.id] = _Judged(
            row.item,
            gold,
            verdict.answer == gold,
            verdict.paths,
            verdict.usage,
            verdict.translation_usage,
        )
    return judged


def compare(a: Iterable[Scored], b: Iterable[Scored]) -> Comparison:
    """Compare two runs, problem by problem, over the ids with gold that both have.

    A positive difference means that ``a`` is better.

    Raises:
        DatasetError: no problem is in both, a problem occurs twice in one, or its golds differ.
    """
    first, second = _judged(a, "first run"), _judged(b, "second run")
    shared = [key for key in first if key in second]
    if not shared:
        raise DatasetError(
            "the runs share no problem that has a gold answer; compare runs over the same file"
        )
    sums: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    wins = losses = 0
    for key in shared:
        one, other = first[key], second[key]
        if one.gold != other.gold:
            raise DatasetError(
                f"problem {key!r}: gold is {one.gold!r} in the first run and {other.gold!r} in the "
                "second; compare runs over the same file"
            )
        wins += one.right > other.right
        losses += one.right < other.right
        sums[one.item] += one.right - other.right
        totals[one.item] += 1
    by_item = [sums[item] for item in totals]
    difference = clustered_difference(by_item, list(totals.values()))
    return Comparison(
        problems=len(shared),
        items=len(totals),
        accuracy_a=sum(first[key].right for key in shared) / len(shared),
        accuracy_b=sum(second[key].right for key in shared) / len(shared),
        difference=difference.value,
        low=difference.low,
        high=difference.high,
        wins=wins,
        losses=losses,
        p_value=sign_flip(by_item),
        mcnemar_p=mcnemar(wins, losses),
        only_a=len(first) - len(shared),
        only_b=len(second) - len(shared),
        paths_a=sum(first[key].paths for key in shared),
        paths_b=sum(second[key].paths for key in shared),
        usage_a=Usage.sum(first[key].usage for key in shared),
        usage_b=Usage.sum(second[key].usage for key in shared),
        translation_usage_a=Usage.sum(first[key].translation_usage for key in shared),
        translation_usage_b=Usage.sum(second[key].translation_usage for key in shared),
    )
