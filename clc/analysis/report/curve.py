"""The accuracy of the vote over fewer paths."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from clc.analysis.report.measures import Criterion
from clc.analysis.report.outcomes import rate_of_chances
from clc.analysis.report.sections import Column, Section
from clc.analysis.resampling import Resampler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.analysis.report.measures import Judged

__all__ = ["Curve"]

# Random subsets of paths: in all (the error over all problems is 0.3 points), and the least and the
# most for one problem.
_RESAMPLES, _LEAST, _MOST = 25_000, 10, 100


class _Problem(NamedTuple):
    item: int
    resampler: Resampler


class Curve:
    """``maj@k`` and ``oracle@k``, see ``clc.analysis.resampling``."""

    def __init__(self) -> None:
        self._problems: list[_Problem] = []

    def add(self, one: Judged) -> None:
        """Add the answers of a problem's paths."""
        if one.paths:
            self._problems.append(_Problem(one.item, Resampler(one.paths, one.target, one.order)))

    def sections(self, *, gold: bool, chosen: bool) -> Iterator[Section]:
        """Yield the section of the curve, if any problem has several paths.

        ``chosen``: the run's answers are those of a chosen path.
        """
        lengths = [len(one.resampler) for one in self._problems]
        most = max(lengths, default=0)
        if most < 2:  # noqa: PLR2004
            return
        ks = sorted({1 << power for power in range(most.bit_length())} | {most})
        majority: list[list[tuple[int, float]]] = [[] for _ in ks]
        oracle: list[list[tuple[int, float]]] = [[] for _ in ks]
        resamples = min(max(_RESAMPLES // len(lengths), _LEAST), _MOST)
        for number, (item, resampler) in enumerate(self._problems):
            own = sorted({min(k, len(resampler)) for k in ks})
            shares = dict(zip(own, resampler.majority(own, resamples, Random(number)), strict=True))
            for position, k in enumerate(ks):
                k = min(k, len(resampler))  # noqa: PLW2901  no more than it has
                majority[position].append((item, shares[k].value))
                oracle[position].append((item, resampler.oracle(k)))
        rows = []
        for k, voted, any_of in zip(ks, majority, oracle, strict=True):
            rates = [rate_of_chances(voted), *([rate_of_chances(any_of)] if gold else [])]
            numbers = [n for rate in rates if rate for n in (rate.value, rate.low, rate.high)]
            rows.append((k, len(lengths), *numbers))
        yield self._section(tuple(rows), gold=gold, chosen=chosen, equal=min(lengths) == most)

    def _section(
        self, rows: tuple[tuple[int | float, ...], ...], *, gold: bool, chosen: bool, equal: bool
    ) -> Section:
        name = Criterion.by(gold=gold).name
        note = (
            f"The chance that a vote over k of the paths is right (vote {name}), and that any of "
            f"them is (any {name}): every k of a problem's paths are as likely as any other."
            if gold
            else "The chance that a vote over k of the paths gives the verdict of all of them."
        )
        if not equal:
            note += " A problem with fewer paths counts with all that it has."
        if chosen:
            note += " The vote is the majority's; the run itself chose a path."
        shares = [
            Column(f"{one} {value}", "share")
            for one in (["vote", "any"] if gold else ["vote"])
            for value in (name, "low", "high")
        ]
        columns = (Column("paths", "count"), Column("problems", "count"), *shares)
        return Section("curve", "Fewer paths", note, columns, rows, "curve")
