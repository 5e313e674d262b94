"""A problem with the answer that its paths are measured by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.analysis.report.sections import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.analysis.resampling import PathOutcome
    from clc.records import Verdict

__all__ = ["INTERVAL", "Criterion", "Judged"]

INTERVAL = (Column("low", "share"), Column("high", "share"))  # 95 %, after the share they belong to


class Judged(NamedTuple):
    """The paths of a problem, and the answer that counts as the right one.

    ``item`` is the number shared by the problems that ask the same in several languages. ``paths``
    and ``order`` are those of ``ProblemOutcome``. ``target`` is the gold, or the verdict's own
    answer if there are no golds.
    """

    item: int
    language: str
    paths: Sequence[PathOutcome]
    order: Sequence[str]
    verdict: Verdict
    target: str


class Criterion(NamedTuple):
    """Criterion of paths and votes: right by the golds, or in agreement with the verdict."""

    name: str  # of a column
    phrase: str  # of paths, in a sentence

    @classmethod
    def by(cls, *, gold: bool) -> Criterion:
        """Return the criterion for problems with or without golds."""
        return cls("right", "are right") if gold else cls("agree", "agree with the verdict")
