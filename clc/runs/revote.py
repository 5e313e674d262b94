"""Votes from a stored run: another answer reader or another rule needs no engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.voting.outcomes import read_outcome
from clc.voting.verdict import Counting, make_verdict, read_votes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.plan import Plan
    from clc.records import Problem, ReasoningPath, Verdict, Vote
    from clc.runs.protocol import Finished, RunFolder
    from clc.voting.outcomes import Reader

__all__ = ["Solved", "revote", "solved"]


class Solved(NamedTuple):
    """A problem with its plan, its paths by key, its votes and its verdict."""

    problem: Problem
    plan: Plan
    paths: Mapping[str, ReasoningPath]
    votes: Sequence[Vote]
    verdict: Verdict

    def drawn(self) -> Iterator[tuple[str, ReasoningPath]]:
        """Yield (language, path) in drawing order, lost paths among them."""
        for arm, key in self.plan.paths:
            if key is not None:
                yield arm.language, self.paths[key]


def revote(run: RunFolder, read: Reader = read_outcome) -> Iterator[Solved]:
    """Take the vote of every problem that is done, in the order of the file, lazily."""
    counting = Counting.from_manifest(run.manifest())
    for one in run.finished():
        yield solved(one, counting, read)


def solved(one: Finished, counting: Counting, read: Reader = read_outcome) -> Solved:
    """Take the vote of one problem."""
    problem, plan, paths = one
    votes = read_votes(problem, plan, paths, counting, read)
    return Solved(*one, votes, make_verdict(problem, plan, paths, votes, counting))
