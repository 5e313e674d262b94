"""A problem beside the answer that its paths are measured by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.analysis.report.sections import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.analysis.resampling import Drawn
    from clc.records import Verdict

__all__ = ["INTERVAL", "Judged", "Measure"]

INTERVAL = (Column("low", "share"), Column("high", "share"))  # 95 %, after the share they belong to


class Judged(NamedTuple):
    """What was drawn for a problem, and the answer that counts as the right one.

    ``item`` numbers what problems share that ask the same in several languages. ``drawn`` and
    ``order`` are those of ``clc.analysis.comparison_records.Outcome``. ``target`` is the gold, or
    the verdict's own answer where there are no golds.
    """

    item: int
    language: str
    drawn: Sequence[Drawn]
    order: Sequence[str]
    verdict: Verdict
    target: str


class Measure(NamedTuple):
    """What shares of paths and votes are called: right by the golds, or agreeing without any."""

    name: str  # of a column
    said: str  # of paths, in a sentence

    @classmethod
    def by(cls, *, gold: bool) -> Measure:
        """Name what is measured by golds, or by the verdicts."""
        return cls("right", "are right") if gold else cls("agree", "agree with the verdict")
