"""The output of ``clc solve``: progress, results, the end of an interrupted run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from clc.cli.signals import interrupted_status
from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from clc.analysis.scores import Score
    from clc.cli.progress import RunProgress
    from clc.solving.configuration import TotalBudget
    from clc.solving.sampler import Counters

__all__ = ["SolveOutput", "print_interrupted"]

_FINISHED = "This run is finished: there is nothing to sample."


class SolveOutput:
    """The output of the command: progress, results, the end of an interrupted run."""

    def __init__(self, out: str, console: Console, *, as_json: bool) -> None:
        self.out = out
        self.console = console
        self.as_json = as_json

    def progress(self, counters: Counters, total: int | None) -> RunProgress:
        """Return the progress of ``total`` problems, None for an unknown number."""
        from clc.cli.progress import RunProgress

        return RunProgress(counters, total, self.console, quiet=self.as_json)

    def finished(self) -> None:
        """Print that nothing is left to sample."""
        self.console.print(_FINISHED)

    def results(self, score: Score, counters: Counters, reason: str | None) -> None:
        """Print the score and the cost.

        Args:
            score: of the whole run.
            counters: of this call.
            reason: the commonest one of the paths that were lost.

        Raises:
            EngineError: every path was lost.
        """
        from clc.cli.score_tables import print_score

        print_score(score, as_json=self.as_json)
        for line in _run_lines(counters, self.out, reason if score.paths else None):
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)
        if counters.lost and not score.paths:
            raise EngineError(
                f"every path was lost: {reason or 'for an unknown reason'}; the same command tries "
                "them again"
            )

    def beyond_total(self, total: TotalBudget | None, stored: int) -> None:
        """Print that more paths are stored than a total budget of paths has."""
        if total is not None and total.paths is not None and stored > total.paths:
            self.console.print(
                f"{stored:,} paths are stored, {stored - total.paths:,} more than --total-paths "
                f"{total.paths:,}: they were sampled for an earlier spread of the budget, or "
                "replaced.",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )

    def interrupted(self) -> NoReturn:
        """Print how to go on, and exit as a shell does after an interrupt."""
        print_interrupted(self.console, self.out)


def print_interrupted(console: Console, out: str) -> NoReturn:
    """Print how to go on, and exit as a shell does after an interrupt."""
    console.print(
        f"\nInterrupted. What was sampled is in {out}; the same command goes on.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    sys.exit(interrupted_status())


def _run_lines(counters: Counters, folder: str, reason: str | None = None) -> Iterator[str]:
    """Yield the cost of this call and the run folder; ``reason``: why most lost paths were lost."""
    from clc.cli.tables import REASON_MOST
    from clc.cli.text import brief, visible

    if counters.lost:
        yield (
            f"{counters.lost:,} paths or translations were lost (they abstain, with their reasons);"
            " the same command samples them again."
        )
        if reason is not None:
            yield f"Most of them: {visible(brief(reason, REASON_MOST))}"
    if counters.drawn or counters.reused:
        yield f"{counters.drawn:,} paths sampled now, {counters.reused:,} reused."
    yield f"Run folder: {visible(folder)}"
