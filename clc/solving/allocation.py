"""The runs of many problems under one budget: rounds of paths, each decided by all votes before.

A round begins when the votes of the last one are in, so decisions depend on the stored paths alone:
a run that was killed takes the same ones again, and samples only what is missing.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from clc.errors import ConfigurationError, TemplateError
from clc.records import content_key
from clc.solving.concurrency import all_of
from clc.solving.configuration import TotalBudget
from clc.voting.allocation import certainty, round_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clc.records import Problem
    from clc.solving.problem_run import ProblemRun

__all__ = ["BLOCK", "allocate", "check_total", "divide_total", "naming"]

BLOCK = 1024  # problems that share a part of the budget, and whose votes are held at once


def check_total(total: TotalBudget, problems: int) -> None:
    """Check that a budget has a path for each problem.

    Raises:
        ConfigurationError: it has less. A path takes a token at least.
    """
    name, budget = ("total_paths", total.paths) if total.paths else ("total_tokens", total.tokens)
    if budget is not None and budget < problems:
        raise ConfigurationError(
            f"{name} (--{name.replace('_', '-')}) is {budget:,}, less than one path for each of "
            f"{problems:,} problems; raise it, or take fewer problems (--limit)"
        )


def divide_total(total: TotalBudget, problems: int, size: int = BLOCK) -> Iterator[TotalBudget]:
    """Yield the part of a budget that each block of ``size`` problems has; the parts sum to it.

    >>> [one.paths for one in divide_total(TotalBudget(paths=10), problems=5, size=2)]
    [4, 4, 2]
    """
    ends = [*range(0, problems, size), problems]
    for start, end in pairwise(ends):
        yield TotalBudget(
            *(
                None if budget is None else budget * end // problems - budget * start // problems
                for budget in (total.paths, total.tokens)
            )
        )


@contextmanager
def naming(problem: Problem) -> Iterator[None]:
    """Name the problem in an error about its prompt."""
    try:
        yield
    except TemplateError as error:  # such as of a question that is too long
        raise TemplateError(f"problem {problem.id!r:.60}: {error}") from error


async def allocate(runs: Sequence[ProblemRun], total: TotalBudget, seed: int) -> None:
    """Sample one path of each problem, then further ones where the leading answer is in doubt.

    Each round gives a path to the least certain problems, for a quarter of what is left. Equals
    take turns by number of paths, then by lot.

    Args:
        runs: of the problems; each is closed at the end, with its paths and its plan.
        total: their budget. Paths never exceed it; those of an arm without a translation are not
            sampled, and take nothing of it. Tokens, those of translations included, are known when
            a path ends: no round begins for which less than a path's mean is left, so the last one
            may exceed the budget by what its paths are longer than the mean.
        seed: of the lot.
    """
    lots = {id(run): content_key("lot", [seed, run.problem.id]) for run in runs}
    try:
        await all_of([_sample(run) for run in runs])
        while True:
            waiting = [run for run in runs if run.paths_left]
            count = round_paths(_paths_left(runs, total), len(waiting))
            if not count:
                break
            waiting.sort(key=lambda run: (certainty(run.votes), lots[id(run)]))
            await all_of([_sample(run) for run in waiting[:count]])
    finally:
        await all_of([run.close() for run in runs])
    for run in runs:
        if run.paths_left:
            run.note_stop("total", certainty(run.votes).probability)


async def _sample(run: ProblemRun) -> None:
    with naming(run.problem):
        await run.sample_next()


def _paths_left(runs: Sequence[ProblemRun], total: TotalBudget) -> int:
    """Return how many paths the rest of the budget pays for."""
    sampled = sum(run.sampled for run in runs)
    if total.paths is not None:
        return total.paths - sampled
    assert total.tokens is not None  # noqa: S101 - a budget has one of them
    spent = sum(run.tokens for run in runs)
    return max(0, total.tokens - spent) * max(sampled, 1) // max(spent, 1)
