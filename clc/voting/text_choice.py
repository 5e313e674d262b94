"""Verdicts of voting rules that choose a path: its answer is a value or, without one, its text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.records import AbstainReason, Abstention
from clc.voting.mutual_agreement import mutual_agreement
from clc.voting.rewards import best_rewarded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.plan import Plan
    from clc.records import ReasoningPath, Verdict, Vote

__all__ = ["PathCandidate", "candidates", "choose_path"]


class PathCandidate(NamedTuple):
    """A path that may be chosen: its language, its value if it states one, and its text."""

    key: str
    language: str
    value: str | None
    text: str

    @property
    def answer(self) -> str:
        """The value or, without one, the text."""
        return self.text if self.value is None else self.value


def candidates(votes: Sequence[Vote], paths: Mapping[str, ReasoningPath]) -> list[PathCandidate]:
    """Return the paths that may be chosen, in sampling order.

    They state a value, or a whole text that is no refusal.
    """
    found = []
    for vote in votes:
        path = paths.get(vote.path_key)
        reason = vote.outcome.reason if isinstance(vote.outcome, Abstention) else None
        if path is not None and reason in (None, AbstainReason.NO_ANSWER):
            found.append(PathCandidate(path.key, vote.language, vote.answer, path.text.strip()))
    return found


def choose_path(
    voting: str,
    verdict: Verdict,
    plan: Plan,
    paths: Mapping[str, ReasoningPath],
    votes: Sequence[Vote],
) -> Verdict:
    """Replace the majority's answer by that of the chosen path, if one was chosen.

    Args:
        voting: ``usc`` (the model names a path), ``mbr`` (mutual agreement), ``semantic`` (the
            largest cluster of answers that the model judged to be the same) or ``best`` (the
            largest reward).
        verdict: the majority's.
        plan: of the problem; ``usc`` and ``semantic`` have their choice in its details, ``best``
            the rewards.
        paths: by key.
        votes: in sampling order.
    """
    able = candidates(votes, paths)
    if voting == "mbr":
        return _most_agreeing(verdict, able, plan.languages)
    if voting == "best":
        rewards = plan.details.get("rewards") or {}
        best = best_rewarded([one.language for one in able], [rewards.get(one.key) for one in able])
        choice = {} if best is None else {"path": able[best].key}
    else:
        choice = plan.details.get("choice") or {}
    chosen = next((one for one in able if one.key == choice.get("path")), None)
    if chosen is None:
        return verdict
    if voting == "semantic":
        return _of_cluster(verdict, chosen, choice)
    if chosen.value is None:
        return replace(verdict, answer=chosen.text, support=1, agreement=0.0, tied=False)
    support = sum(verdict.tally[chosen.value].values())
    agreement = support / verdict.total if verdict.total else 0.0
    return replace(verdict, answer=chosen.value, support=support, agreement=agreement, tied=False)


def _most_agreeing(
    verdict: Verdict, able: Sequence[PathCandidate], languages: Sequence[str]
) -> Verdict:
    """Choose by mutual agreement; ties go to the earlier language, then to the earlier path.

    The details have the chosen path, as those of a choice by the model have.
    """
    if all(one.value is not None for one in able):
        return verdict  # the majority is the same, with its tie order
    sums = mutual_agreement([(one.value, one.text) for one in able])
    rank = {code: position for position, code in enumerate(languages)}
    best = min(
        range(len(able)),
        key=lambda number: (-sums[number], rank.get(able[number].language, len(rank)), number),
    )
    return replace(
        verdict,
        answer=able[best].answer,
        support=sums[best],
        total=len(able),
        agreement=sums[best] / len(able),
        tied=False,
        details={**verdict.details, "choice": {"path": able[best].key}},
    )


def _of_cluster(verdict: Verdict, chosen: PathCandidate, choice: Mapping[str, Any]) -> Verdict:
    sizes = sorted((len(cluster) for cluster in choice["clusters"]), reverse=True)
    return replace(
        verdict,
        answer=chosen.answer,
        support=sizes[0],
        total=sum(sizes),
        agreement=sizes[0] / sum(sizes),
        tied=sizes[1:2] == sizes[:1],
    )
