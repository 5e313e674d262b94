"""Votes taken anew from what a run stored: another reader or another rule needs no engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from clc.voting.verdict import Counting, verdict_of, votes_of
from clc.voting.weighting import Weighting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.plan import Plan
    from clc.records import Problem, ReasoningPath, Verdict, Vote
    from clc.runs.protocol import Finished, RunFolder

__all__ = ["Solved", "counting_of", "revote", "solved"]


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


def revote(run: RunFolder) -> Iterator[Solved]:
    """Take the vote of every problem that is done, in the order of the file, lazily."""
    counting = counting_of((run.manifest() or {}).get("identity", {}))
    for one in run.finished():
        yield solved(one, counting)


def solved(one: Finished, counting: Counting) -> Solved:
    """Take the vote of one problem."""
    problem, plan, paths = one
    votes = votes_of(problem, plan, paths, counting)
    return Solved(*one, votes, verdict_of(problem, plan, paths, votes, counting))


def counting_of(identity: Mapping[str, Any]) -> Counting:
    """How a run counts its votes, from its manifest."""
    weighting = identity.get("weighting")
    return Counting(
        identity.get("strategy", {}).get("voting", "majority"),
        by_written_language=identity.get("fidelity") == "count",
        weighting=None if weighting is None else Weighting(**weighting),
    )
