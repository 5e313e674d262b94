"""Verdicts of consecutive problems: their rows, their figures, and their paths without a vote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.analysis.scoring import Scoreboard, Scored
from clc.answers.canonical import canonical_gold
from clc.cli.output import json_line
from clc.cli.unread import Unread
from clc.datasets.recorded_votes import recorded_votes
from clc.errors import ClcError
from clc.languages import UNKNOWN_LANGUAGE
from clc.voting.abstaining import withhold
from clc.voting.tally import vote
from clc.voting.weighting import normalized_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.datasets.recorded_votes import RecordedVotes, VotesOfProblem
    from clc.records import Verdict
    from clc.voting.abstaining import Abstaining

__all__ = ["VotePart", "VoteTaker"]


@dataclass(slots=True)
class VotePart:
    """The verdicts of consecutive problems, up to the first ``error``."""

    rows: bytes
    figures: Scoreboard
    unread: Unread
    error: ClcError | None = None


class VoteTaker(NamedTuple):
    """Settings of ``clc vote`` that turn the votes of a problem into its verdict.

    ``quiet`` leaves out the rows. ``sources`` are the names of the files by number.
    """

    rule: str
    order: Sequence[str]
    weights: Mapping[str, float] | None
    abstaining: Abstaining | None = None
    quiet: bool = False
    sources: Sequence[str] = ()

    def of_files(self, problems: Iterable[VotesOfProblem]) -> VotePart:
        """Take the votes of problems in files."""
        return self.take((recorded_votes(one, self.sources) for one in problems), in_files=True)

    def take(self, problems: Iterable[RecordedVotes], *, in_files: bool = False) -> VotePart:
        """Take the votes of problems."""
        rows: list[bytes] = []
        part = VotePart(b"", Scoreboard(), Unread(in_files=in_files))
        try:
            for one in problems:
                part.unread.add(one.votes, one.places or repeat(one.id, len(one.votes)))
                part.figures.fill([self._scored(one, rows)])
        except ClcError as error:
            part.error = error
        part.rows = b"".join(rows)
        return part

    def _scored(self, problem: RecordedVotes, rows: list[bytes]) -> Scored:
        votes = problem.votes
        if self.rule == "weighted":
            confident = normalized_weights(
                [one.language for one in votes], [one.weight for one in votes]
            )
            votes = [
                replace(one, weight=weight) for one, weight in zip(votes, confident, strict=True)
            ]
        verdict = vote(votes, id=problem.id, rule=self.rule, order=self.order, weights=self.weights)
        verdict = withhold(verdict, self.abstaining)
        if not self.quiet:
            rows.append(json_line(_row(problem, verdict)))
        return Scored(
            problem.id,
            problem.item,
            problem.question_language or UNKNOWN_LANGUAGE,
            problem.gold,
            verdict,
            votes,
            problem.kind,
            problem.level,
        )


def _row(problem: RecordedVotes, verdict: Verdict) -> dict[str, Any]:
    gold = None if problem.gold is None else canonical_gold(problem.gold, problem.kind)
    row: dict[str, Any] = {
        "id": verdict.id,
        "answer": verdict.answer,
        "support": verdict.support,
        "total": verdict.total,
        "agreement": verdict.agreement,
        "tied": verdict.tied,
        "tally": verdict.tally,
        "abstentions": verdict.abstentions,
        "paths": verdict.paths,
        "gold": problem.gold,
        "correct": None if gold is None else verdict.answer == gold,
    }
    if "withheld" in verdict.details:
        row["withheld"] = verdict.details["withheld"]
    if problem.question_language:
        row["question_language"] = problem.question_language
    return row
