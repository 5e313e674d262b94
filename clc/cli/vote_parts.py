"""Verdicts of consecutive problems: their rows, their figures, and their paths without a vote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.analysis.scoreboard import Scoreboard
from clc.analysis.scores import Scored
from clc.answers.canonical import canonical_gold
from clc.cli.output import json_line
from clc.cli.unread import Unread
from clc.datasets.generation import row_language
from clc.datasets.levels import read_level
from clc.datasets.recorded_votes import RecordedVotes, recorded_votes
from clc.errors import ClcError
from clc.languages.codes import UNKNOWN_LANGUAGE
from clc.voting.abstaining import withhold
from clc.voting.tally import vote
from clc.voting.weighting import normalized_weights

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from clc.datasets.recorded_votes import VotesOfProblem
    from clc.records import Verdict
    from clc.runs.protocol import Finished
    from clc.runs.revote import Revoter, Solved
    from clc.voting.abstaining import Abstaining

__all__ = ["VotePart", "VoteTaker"]


@dataclass(slots=True)
class VotePart:
    """The verdicts of consecutive problems, up to the first ``error``.

    ``left_out`` problems have no path in the wanted languages, and ``thoughts`` paths of an older
    clc hold a thought in their text.
    """

    rows: bytes
    figures: Scoreboard
    unread: Unread
    error: ClcError | None = None
    left_out: int = 0
    thoughts: int = 0


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

    def of_run(
        self, revoter: Revoter, languages: Collection[str], finished: Iterable[Finished]
    ) -> VotePart:
        """Take the votes of a run's problems, of their paths in ``languages`` if there are any."""
        left_out = thoughts = 0

        def problems() -> Iterator[RecordedVotes]:
            nonlocal left_out, thoughts
            for one in finished:
                thoughts += revoter.thoughts_in_texts(one)
                problem = _of_run(revoter.solved(one), languages)
                if languages and not problem.votes:
                    left_out += 1
                else:
                    yield problem

        part = self.take(problems())
        part.left_out, part.thoughts = left_out, thoughts
        return part

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
        counted = [one for number, one in enumerate(votes) if number not in problem.given]
        verdict = vote(
            votes,
            id=problem.id,
            rule=self.rule,
            order=self.order,
            weights=self.weights,
            paths=len(counted),
        )
        verdict = withhold(verdict, self.abstaining)
        if not self.quiet:
            rows.append(json_line(_row(problem, verdict)))
        return Scored(
            problem.id,
            problem.item,
            problem.question_language or UNKNOWN_LANGUAGE,
            problem.gold,
            verdict,
            counted,
            problem.kind,
            problem.level,
        )


def _of_run(solved: Solved, languages: Collection[str]) -> RecordedVotes:
    """Return the votes of a run's problem as those of a file."""
    problem = solved.problem
    votes = [
        (replace(one, language=row_language(one.language)), number in solved.plan.given)
        for number, one in enumerate(solved.votes)
    ]
    votes = [(one, given) for one, given in votes if not languages or one.language in languages]
    return RecordedVotes(
        problem.id,
        problem.language,
        str(problem.metadata.get("item", problem.id)),
        problem.gold,
        problem.metadata.get("kind"),
        [one for one, _ in votes],
        level=read_level(problem.metadata.get("level")),
        given={number for number, (_, given) in enumerate(votes) if given},
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
