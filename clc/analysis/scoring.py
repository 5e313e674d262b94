"""Scores of verdicts against gold.

Every share has a 95 % interval clustered by question item (see ``clc.analysis.intervals``).
A verdict without an answer counts as wrong, and so does a path that abstains.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from clc.analysis.costs import add_cost
from clc.analysis.scoreboard import Scoreboard
from clc.analysis.scores import scored
from clc.runs.revote import Revoter, revote, warn_thoughts
from clc.runs.spans import map_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clc.analysis.scores import Score, Scored
    from clc.runs.protocol import Finished, RunFolder
    from clc.worker_processes import Workers

__all__ = ["score", "score_run", "scored_rows"]


def score(rows: Iterable[Scored], *, bins: int = 10) -> Score:
    """Score verdicts against their golds, in one pass.

    ``bins`` equal ranges of agreement make the calibration table. The oracle reads the votes, or
    the verdict's tally where there are none.
    """
    return Scoreboard(bins).fill(rows).score()


def score_run(run: RunFolder, workers: Workers | None = None) -> Score:
    """Score every problem of a run that has a plan; ``workers`` take the votes."""
    figures, thoughts = Scoreboard(), 0
    for part, old in map_finished(run, partial(_score_part, Revoter.of(run)), workers):
        figures.merge(part)
        thoughts += old
    warn_thoughts(thoughts)
    return add_cost(figures.score(), run.manifest())


def _score_part(revoter: Revoter, finished: Iterable[Finished]) -> tuple[Scoreboard, int]:
    """Score problems; return their figures, and how many paths of an older clc have thoughts."""
    figures, thoughts = Scoreboard(), 0
    for each in finished:
        thoughts += revoter.thoughts_in_texts(each)
        one = revoter.solved(each)
        figures.fill([scored(one.problem, one.verdict, one.counted_votes)])
    return figures, thoughts


def scored_rows(run: RunFolder) -> Iterator[Scored]:
    """Yield every problem of a run with its verdict, its votes and its gold."""
    for one in revote(run):
        yield scored(one.problem, one.verdict, one.counted_votes)
