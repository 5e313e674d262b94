"""Running counts of the votes of one question, which the stopping rules judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["VoteCounts"]


class VoteCounts:
    """Counts of the votes so far, in sampling order; abstentions are no votes.

    Args:
        planned: languages of all planned paths.

    Attributes:
        votes: number of votes.
        by_answer: votes for each answer, the one that was seen first in front.
        by_language: the same, language by language.
        support: sum of the weights of each answer's votes.
        run: number of latest votes that agree.
        history: (language, answer, weight) of each vote.
        weighted: whether a vote weighs another number than 1.
        first: for each answer, the number of votes before its first one.
        left: paths of the budget that are not sampled yet.
    """

    __slots__ = (
        "by_answer", "by_language", "first", "history", "left", "planned", "run", "support",
        "votes", "weighted",
    )  # fmt: skip

    def __init__(self, planned: Collection[str] = ()) -> None:
        self.planned = frozenset(planned)
        self.left = 0
        self.votes = 0
        self.weighted = False
        self.run = 0
        self.by_answer: dict[str, int] = {}
        self.by_language: dict[str, dict[str, int]] = {}
        self.support: dict[str, float] = {}
        self.history: list[tuple[str, str, float]] = []
        self.first: dict[str, int] = {}

    def add(self, language: str, answer: str | None, weight: float = 1.0) -> None:
        """Count a vote; None abstains."""
        if answer is None:
            return
        self.run = self.run + 1 if self.history and answer == self.history[-1][1] else 1
        self.first.setdefault(answer, self.votes)
        self.votes += 1
        self.weighted |= weight != 1
        self.by_answer[answer] = self.by_answer.get(answer, 0) + 1
        self.support[answer] = self.support.get(answer, 0.0) + weight
        in_language = self.by_language.setdefault(language, {})
        in_language[answer] = in_language.get(answer, 0) + 1
        self.history.append((language, answer, weight))

    def copy(self) -> VoteCounts:
        """Return counts of their own, to continue with other votes."""
        other = VoteCounts(self.planned)
        for name in ("by_answer", "support", "first"):
            setattr(other, name, dict(getattr(self, name)))
        other.by_language = {code: dict(votes) for code, votes in self.by_language.items()}
        other.history = list(self.history)
        for name in ("votes", "run", "left", "weighted"):
            setattr(other, name, getattr(self, name))
        return other

    def top_two(self) -> tuple[int, int]:
        """Return the two largest numbers of votes; 0 stands for an answer that is not there."""
        first = second = 0
        for votes in self.by_answer.values():
            if votes > first:
                first, second = votes, first
            elif votes > second:
                second = votes
        return first, second

    def sole_leader(self) -> str | None:
        """Return the answer with more support than any other, or None."""
        ranked = sorted(self.support.values(), reverse=True)
        if not ranked or (len(ranked) > 1 and ranked[0] <= ranked[1]):
            return None
        return max(self.support, key=self.support.__getitem__)
