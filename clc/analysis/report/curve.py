"""What the vote comes to with fewer paths."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple

from clc.analysis.report.measures import Measure
from clc.analysis.report.outcomes import rate_of_chances
from clc.analysis.report.sections import Column, Section
from clc.analysis.resampling import Ballots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.analysis.report.measures import Judged

__all__ = ["Curve"]

# Random subsets of a problem's paths: all problems' together leave an error of 0.3 points, and of
# one problem there are enough to tell a chance.
_RESAMPLES, _LEAST, _MOST = 25_000, 10, 100


class _Problem(NamedTuple):
    item: int
    ballots: Ballots


class Curve:
    """``maj@k`` and ``oracle@k``, see ``clc.analysis.resampling``."""

    def __init__(self) -> None:
        self._problems: list[_Problem] = []

    def add(self, one: Judged) -> None:
        """Keep the answers of a problem's paths."""
        if one.drawn:
            self._problems.append(_Problem(one.item, Ballots(one.drawn, one.target, one.order)))

    def sections(self, *, gold: bool, usc: bool) -> Iterator[Section]:
        """Tell the curve, where any problem has several paths.

        ``usc`` says that the run let the model choose among the paths.
        """
        lengths = [len(one.ballots) for one in self._problems]
        most = max(lengths, default=0)
        if most < 2:  # noqa: PLR2004
            return
        ks = sorted({1 << power for power in range(most.bit_length())} | {most})
        majority: list[list[tuple[int, float]]] = [[] for _ in ks]
        oracle: list[list[tuple[int, float]]] = [[] for _ in ks]
        resamples = min(max(_RESAMPLES // len(lengths), _LEAST), _MOST)
        for number, (item, ballots) in enumerate(self._problems):
            own = sorted({min(k, len(ballots)) for k in ks})
            shares = dict(zip(own, ballots.majority(own, resamples, Random(number)), strict=True))
            for place, k in enumerate(ks):
                k = min(k, len(ballots))  # noqa: PLW2901  no more than it has
                majority[place].append((item, shares[k].value))
                oracle[place].append((item, ballots.oracle(k)))
        rows = []
        for k, voted, any_of in zip(ks, majority, oracle, strict=True):
            found = [rate_of_chances(voted), *([rate_of_chances(any_of)] if gold else [])]
            numbers = [n for rate in found if rate for n in (rate.value, rate.low, rate.high)]
            rows.append((k, len(lengths), *numbers))
        yield self._section(tuple(rows), gold=gold, usc=usc, equal=min(lengths) == most)

    def _section(
        self, rows: tuple[tuple[int | float, ...], ...], *, gold: bool, usc: bool, equal: bool
    ) -> Section:
        name = Measure.by(gold=gold).name
        shown = (
            f"The chance that a vote over k of the paths is right (vote {name}), and that any of "
            f"them is (any {name}): every k of a problem's paths are as likely as any other."
            if gold
            else "The chance that a vote over k of the paths gives the verdict of all of them."
        )
        if not equal:
            shown += " A problem with fewer paths counts with all that it has."
        if usc:
            shown += " The vote is the majority's; the run itself let the model choose a path."
        shares = [
            Column(f"{one} {told}", "share")
            for one in (["vote", "any"] if gold else ["vote"])
            for told in (name, "low", "high")
        ]
        columns = (Column("paths", "count"), Column("problems", "count"), *shares)
        return Section("curve", "Fewer paths", shown, columns, rows, "curve")
