"""Votes and a verdict from stored paths: derived each time, never stored as truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from clc.answers.option_lines import problem_options
from clc.answers.vocabulary import own_vocabulary, use_vocabulary
from clc.records import AbstainReason, Abstention, Usage, Vote
from clc.records.votes import make_vote
from clc.voting.abstaining import Abstaining, withhold
from clc.voting.outcomes import read_outcome
from clc.voting.rewards import weigh_by_reward
from clc.voting.tally import vote
from clc.voting.text_choice import choose_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.answers.vocabulary import Vocabulary
    from clc.plan import ArmRecord, Plan
    from clc.records import Answer, Problem, ReasoningPath, Verdict
    from clc.voting.outcomes import Reader
    from clc.voting.weighting import Weighting

__all__ = [
    "PATH_CHOICES",
    "Counting",
    "asked_problem",
    "make_verdict",
    "read_vote",
    "read_votes",
    "verdict_fields",
]

PATH_CHOICES = frozenset({"usc", "mbr", "semantic", "best"})
"""Voting rules that choose a path; the others count values."""

_MOST_REASONS = 3  # of lost paths in a verdict
_REASONS = {str(reason): reason for reason in AbstainReason}


@dataclass(frozen=True, slots=True)
class Counting:
    """Settings that turn paths into votes, and votes into a verdict.

    ``voting`` is the strategy's; with ``by_written_language`` a path counts for the language that
    it is written in; ``weighting`` is by confidence; ``abstaining`` withholds unsure answers;
    ``vocabulary`` has the words by which answers are read.
    """

    voting: str = "majority"
    by_written_language: bool = False
    weighting: Weighting | None = None
    abstaining: Abstaining | None = None
    vocabulary: Vocabulary | None = None

    @property
    def by_reward(self) -> bool:
        """Whether votes are weighed by the rewards of a verifier."""
        of_reward = self.weighting is not None and self.weighting.field == "reward"
        return of_reward or self.voting == "reward"

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any] | None) -> Counting:
        """Return the settings of a stored run, or the defaults without a manifest."""
        identity = (manifest or {}).get("identity", {})
        weighting = identity.get("weighting")
        if weighting is not None:
            from clc.voting.weighting import Weighting

            weighting = Weighting(**weighting)
        return cls(
            identity.get("strategy", {}).get("voting", "majority"),
            by_written_language=identity.get("fidelity") == "count",
            weighting=weighting,
            abstaining=Abstaining.from_json(identity.get("abstaining")),
            vocabulary=own_vocabulary(words) if (words := identity.get("words")) else None,
        )


def read_vote(
    problem: Problem,
    arm: ArmRecord,
    path: ReasoningPath | None,
    counting: Counting,
    read: Reader = read_outcome,
) -> Vote:
    """Read the vote of one path.

    Lost and missing paths, and all paths of an arm without a prompt, abstain.
    """
    if arm.fault is not None:
        return Vote("", arm.language, _abstention(arm.fault), arm.weight)
    if path is None:
        return Vote("", arm.language, Abstention(AbstainReason.ENGINE_FAILURE, "missing"))
    language = arm.language
    outcome: Answer | Abstention
    if path.error is not None:
        outcome = _abstention(path.error)
    elif path.finish_reason == "abort":
        outcome = Abstention(AbstainReason.LOW_CONFIDENCE, "aborted")
    else:
        asked = problem if arm.question is None else asked_problem(problem, arm.question)
        if counting.vocabulary is None:
            outcome = read(asked, path)
        else:
            with use_vocabulary(counting.vocabulary):
                outcome = read(asked, path)
        if counting.by_written_language:
            language = _written(path, arm)
    return make_vote(path.key, language, outcome, arm.weight)


def asked_problem(problem: Problem, question: str | None) -> Problem:
    """Return a problem with the translation that was asked, where it holds the options' texts."""
    if question is None or not problem_options(problem.metadata):
        return problem
    return replace(problem, question=question)


def read_votes(
    problem: Problem,
    plan: Plan,
    paths: Mapping[str, ReasoningPath],
    counting: Counting = Counting(),
    read: Reader = read_outcome,
) -> list[Vote]:
    """Read the votes of all planned paths, in sampling order."""
    planned = [(arm, key and paths.get(key)) for arm, key in plan.paths]
    votes = [read_vote(problem, arm, path or None, counting, read) for arm, path in planned]
    if counting.by_reward:
        rewards = plan.details.get("rewards") or {}
        return weigh_by_reward(votes, [rewards.get(vote.path_key) for vote in votes])
    if counting.weighting is not None:
        from clc.voting.weighting import weigh

        confidences = [path.confidence if path else None for _, path in planned]
        weighed = weigh(votes, confidences, counting.weighting)
        votes = [
            replace(vote, weight=vote.weight * arm.weight)
            for vote, (arm, _) in zip(weighed, planned, strict=True)
        ]
    return votes


def make_verdict(
    problem: Problem,
    plan: Plan,
    paths: Mapping[str, ReasoningPath],
    votes: Sequence[Vote],
    counting: Counting = Counting(),
) -> Verdict:
    """Take the vote of one problem, whose ``votes`` are those of ``read_votes``.

    The same plan and paths always give the same verdict.
    """
    chooses = counting.voting in PATH_CHOICES
    rule = "majority" if chooses else "weighted" if counting.by_reward else counting.voting
    verdict = vote(
        votes,
        id=problem.id,
        rule=rule if counting.weighting is None else "weighted",
        order=plan.languages,
        paths=sum(path.error is None for path in paths.values()),
        usage=Usage.sum(path.usage for path in paths.values()),
        translation_usage=sum((arm.translation_usage for arm in plan.arms), plan.usage),
    )
    details = plan.details
    if AbstainReason.ENGINE_FAILURE in verdict.abstentions:
        details = {**details, "lost": _count_failures(votes)}
    if details:
        verdict = replace(verdict, details=details)
    if chooses:
        verdict = choose_path(counting.voting, verdict, plan, paths, votes)
    return withhold(verdict, counting.abstaining)


def verdict_fields(verdict: Verdict, *, tokens_after: int = 0) -> dict[str, Any]:
    """Return a verdict as plain values, for verdicts.jsonl and replies of the server.

    ``tokens_after`` were spent on a translation of the answer and count as translation. What
    became of paths without a translation, and the entropy of ``semantic`` voting, are there where
    there are any.
    """
    values: dict[str, Any] = {
        "answer": verdict.answer,
        "support": verdict.support,
        "total": verdict.total,
        "agreement": round(verdict.agreement, 6),
        "tied": verdict.tied,
        "tally": verdict.tally,
        "abstentions": verdict.abstentions,
        "paths": verdict.paths,
        "tokens": {
            "prompt": verdict.usage.prompt_tokens,
            "completion": verdict.usage.completion_tokens,
            "translation": verdict.translation_usage.total + tokens_after,
        },
    }
    if "untranslated" in verdict.details:
        values["untranslated"] = verdict.details["untranslated"]
    if "entropy" in (choice := verdict.details.get("choice") or {}):
        values["entropy"] = round(choice["entropy"], 6)
    return values


def _count_failures(votes: Sequence[Vote]) -> dict[str, int]:
    """Return the commonest reasons of paths that were lost, with their counts."""
    reasons = Counter(
        vote.outcome.detail
        for vote in votes
        if isinstance(vote.outcome, Abstention)
        and vote.outcome.reason is AbstainReason.ENGINE_FAILURE
    )
    ordered = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    return dict(ordered[:_MOST_REASONS])


def _abstention(why: str) -> Abstention:
    """Parse ``reason: detail`` into an abstention; an unknown reason is an engine failure."""
    reason, _, detail = why.partition(": ")
    if reason in _REASONS:
        return Abstention(_REASONS[reason], detail)
    return Abstention(AbstainReason.ENGINE_FAILURE, why)


def _written(path: ReasoningPath, arm: ArmRecord) -> str:
    from clc.thoughts.language import MIXED, reasoning_language

    written = reasoning_language(path)
    return arm.language if written in (None, path.language, MIXED) else written
