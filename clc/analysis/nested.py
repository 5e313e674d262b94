"""Several runs of one strategy: items and runs resampled together.

A strategy's accuracy varies over the items that were asked and over the runs (seeds) that were
made. The interval of one run covers the items alone. Here both are resampled with replacement
(nested bootstrap; Davison and Hinkley 1997, section 3.8): the items, the same for all strategies,
and for each strategy its runs. The bounds are the 2.5 % and 97.5 % points. A few runs show less
than their true spread: of R runs, (R - 1) / R of its variance.
"""

from __future__ import annotations

from collections import Counter
from statistics import quantiles
from typing import TYPE_CHECKING

from clc.analysis.comparison_records import GroupedRuns
from clc.analysis.intervals import Difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from clc.analysis.compared_problems import ComparedProblem

__all__ = ["grouped_runs"]


def grouped_runs(
    columns: Mapping[str, Sequence[ComparedProblem]],
    groups: Mapping[str, Sequence[str]],
    reference: str,
    bootstraps: int,
    generator: Random,
) -> tuple[GroupedRuns, ...]:
    """Return the mean of each group of runs, less that of the reference's group.

    Args:
        columns: problems by run, all in one order.
        groups: names of runs by group; a group may have one.
        reference: the group that the others are paired with.
        bootstraps: resamples.
        generator: picks items and runs.

    Returns:
        The groups in their order; () where no group has several runs.
    """
    if all(len(runs) < 2 for runs in groups.values()):  # noqa: PLR2004
        return ()
    first = next(iter(columns.values()))
    totals = Counter(row.item for row in first)
    items = list(totals)
    sums: dict[str, list[int]] = {}
    for run, rows in columns.items():
        right = Counter(dict.fromkeys(items, 0))
        for row in rows:
            right[row.item] += row.right
        sums[run] = [right[item] for item in items]
    sizes = [totals[item] for item in items]
    seen = {name: _mean(runs, sums, sizes, range(len(items))) for name, runs in groups.items()}
    resampled: dict[str, list[float]] = {name: [] for name in groups}
    for _ in range(bootstraps):
        chosen = generator.choices(range(len(items)), k=len(items))
        for name, runs in groups.items():
            picked = generator.choices(runs, k=len(runs))
            resampled[name].append(_mean(picked, sums, sizes, chosen))
    results = []
    for name, runs in groups.items():
        gains = [
            own - other for own, other in zip(resampled[name], resampled[reference], strict=True)
        ]
        results.append(
            GroupedRuns(
                tuple(runs),
                Difference(seen[name], *_bounds(resampled[name])),
                None
                if name == reference
                else Difference(seen[name] - seen[reference], *_bounds(gains)),
            )
        )
    return tuple(results)


def _mean(
    runs: Sequence[str],
    sums: Mapping[str, Sequence[int]],
    sizes: Sequence[int],
    chosen: Sequence[int],
) -> float:
    """Return the mean accuracy of the runs over the chosen items."""
    problems = sum(sizes[item] for item in chosen)
    counted = Counter(runs)
    right = sum(times * sum(map(sums[run].__getitem__, chosen)) for run, times in counted.items())
    return right / (problems * len(runs))


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    cuts = quantiles(values, n=40, method="inclusive")
    return cuts[0], cuts[-1]
