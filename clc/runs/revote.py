"""Votes from a stored run: another answer reader or another rule needs no engine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from clc.thoughts import split
from clc.voting.outcomes import read_outcome
from clc.voting.verdict import Counting, make_verdict, read_votes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.answers.vocabulary import Vocabulary
    from clc.plan import Plan
    from clc.records import Problem, ReasoningPath, Verdict, Vote
    from clc.runs.protocol import Finished, RunFolder
    from clc.voting.outcomes import Reader

__all__ = ["Revoter", "Solved", "revote", "solved", "warn_other_words", "warn_thoughts"]

_log = logging.getLogger(__name__)
_APART = 3  # format from which on a path's thought is stored apart from its text


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

    @property
    def counted_votes(self) -> Sequence[Vote]:
        """The votes, less those of paths that other arms sampled in their place."""
        given = self.plan.given
        return [vote for position, vote in enumerate(self.votes) if position not in given]


def revote(run: RunFolder, read: Reader = read_outcome) -> Iterator[Solved]:
    """Take the vote of every problem that is done, in the order of the file, lazily.

    Where paths of an older clc hold a thought in their text, a warning tells how many at the end.
    """
    revoter = Revoter.of(run, read)
    thoughts = 0
    for one in run.finished():
        thoughts += revoter.thoughts_in_texts(one)
        yield revoter.solved(one)
    warn_thoughts(thoughts)


class Revoter(NamedTuple):
    """Settings that take the votes of a stored run anew.

    ``is_old``: the run is of a format in which a path's text holds its thought.
    """

    counting: Counting
    is_old: bool
    read: Reader

    @classmethod
    def of(cls, run: RunFolder, read: Reader = read_outcome) -> Revoter:
        """Return the settings of a run."""
        manifest = run.manifest()
        is_old = manifest is not None and manifest.get("format", 2) < _APART
        return cls(Counting.from_manifest(manifest), is_old, read)

    def solved(self, one: Finished) -> Solved:
        """Take the vote of one problem."""
        return solved(one, self.counting, self.read)

    def thoughts_in_texts(self, one: Finished) -> int:
        """Count the paths of an older clc that hold a thought in their text."""
        if not self.is_old:
            return 0
        return sum(split(path.text).closed is not None for path in one.paths.values())


def warn_other_words(folder: str, recorded: Vocabulary | None, given: Vocabulary | None) -> None:
    """Warn where answers are read by other words than those that a run recorded."""
    if recorded is not None and given is not None and given.own != recorded.own:
        _log.warning(
            "%s: the words of --prompts replace those that the run recorded; without --prompts "
            "its own are read by",
            folder,
        )


def warn_thoughts(thoughts: int) -> None:
    """Warn of paths of an older clc that hold a thought in their text."""
    if thoughts:
        _log.warning(
            "%s paths of an older clc hold a thought in their text: only what follows it is read",
            f"{thoughts:,}",
        )


def solved(one: Finished, counting: Counting, read: Reader = read_outcome) -> Solved:
    """Take the vote of one problem."""
    problem, plan, paths = one
    votes = read_votes(problem, plan, paths, counting, read)
    return Solved(*one, votes, make_verdict(problem, plan, paths, votes, counting))
