"""One problem as the page shows it: a row of the list, and the record behind it.

Both are plain values for JSON. Texts stay as they are; what to do about control characters,
markup and length is the page's business.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from clc.answers import extract_answer
from clc.answers.canonical import canonical_gold
from clc.languages import UNKNOWN_LANGUAGE
from clc.records import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.plan import ArmRecord
    from clc.records import Problem, ReasoningPath, Verdict, Vote
    from clc.runs.revote import Solved

__all__ = ["against_the_rest", "problem_record", "problem_row"]

_FEWEST = 2  # languages that must agree before another one can stand against them


def problem_row(solved: Solved) -> dict[str, Any]:
    """What the list shows, filters and searches; ``right`` is None without a readable gold."""
    problem, verdict = solved.problem, solved.verdict
    gold = None
    if problem.gold is not None:
        gold = canonical_gold(problem.gold, problem.metadata.get("kind"))
    return {
        "id": problem.id,
        "language": problem.language,
        "question": problem.question,
        "gold": problem.gold,
        "answer": verdict.answer,
        "right": None if gold is None else gold == verdict.answer,
        "tied": verdict.tied,
        "agreement": round(verdict.agreement, 6),
        "odd": against_the_rest(verdict),
    }


def problem_record(solved: Solved) -> dict[str, Any]:
    """Everything else about a problem: its vote, its translations and every path."""
    problem, plan, paths, votes, verdict = solved
    gold = problem.gold
    return {
        "context": list(problem.context),
        "gold": None if gold is None else canonical_gold(gold, problem.metadata.get("kind")),
        "support": verdict.support,
        "total": verdict.total,
        "tally": list(verdict.tally.items()),  # JavaScript sorts what has numbers for keys
        "abstentions": list(verdict.abstentions.items()),
        "drawn": verdict.paths,
        "tokens": verdict.usage.total,
        "preparation": verdict.translation_usage.total,
        "stop": plan.details.get("stop"),
        "choice": (plan.details.get("choice") or {}).get("path"),
        "translations": _translations(solved),
        "paths": [
            _path(problem, arm, paths.get(key) if key else None, vote)
            for (arm, key), vote in zip(plan.paths, votes, strict=True)
        ],
    }


def against_the_rest(verdict: Verdict) -> str | None:
    """The one language whose own vote is not the verdict, while all others' (two or more) is.

    >>> from clc.records import Vote, Answer
    >>> from clc.voting.tally import vote
    >>> against_the_rest(vote([Vote("", code, Answer(said)) for code, said in
    ...                        [("en", "7"), ("de", "7"), ("th", "9"), ("th", "9")]]))
    'th'
    """
    by_language: dict[str, dict[str, float]] = defaultdict(dict)
    for answer, support in verdict.tally.items():
        for language, weight in support.items():
            by_language[language][answer] = weight
    odd = [
        language
        for language, said in by_language.items()
        if said.get(verdict.answer or "", 0.0) < max(said.values())
    ]
    return odd[0] if len(odd) == 1 and len(by_language) > _FEWEST else None


def _translations(solved: Solved) -> list[dict[str, Any]]:
    """What each language was asked, in the plan's order; an arm that repeats another adds none."""
    told: dict[tuple[str, str | None, str | None], Mapping[str, Any]] = {}
    for arm in solved.plan.arms:
        if arm.question is not None or arm.fault is not None:
            one = (arm.language, arm.question, arm.fault)
            told[one] = dict(zip(("language", "text", "fault"), one, strict=True))
    return [dict(one) for one in told.values()]


def _path(
    problem: Problem, arm: ArmRecord, path: ReasoningPath | None, vote: Vote
) -> dict[str, Any]:
    said = vote.outcome
    text = path.text if path else ""
    shown: dict[str, Any] = {
        "language": vote.language,
        "asked": arm.language,
        "text": text,
        "weight": round(vote.weight, 6),
    }
    if path:
        shown["key"] = path.key
        shown["finish"] = path.finish_reason
        shown["tokens"] = path.usage.completion_tokens
        shown["index"] = path.index
        if path.confidence is not None:
            shown["confidence"] = round(path.confidence.mean, 4)
    if isinstance(said, Answer):
        shown["answer"] = said.value
        span = said.span or (path and _read_again(problem, path, said))
        shown["span"] = span and [_utf16(text, place) for place in span]
    else:
        shown["abstains"] = str(said.reason)
        shown["why"] = said.detail
    return shown


def _read_again(problem: Problem, path: ReasoningPath, said: Answer) -> tuple[int, int] | None:
    """Where the answer stands; recorded generations keep their answers without their places."""
    found = extract_answer(
        path.text,
        None if path.language == UNKNOWN_LANGUAGE else path.language,
        problem.question or None,
        kind=said.kind,
        finish_reason=path.finish_reason,
    )
    return found.span if isinstance(found, Answer) and found.value == said.value else None


def _utf16(text: str, place: int) -> int:
    """Where a place in code points is in JavaScript's text, which counts an emoji as two."""
    return place + sum(character > "\uffff" for character in text[:place])
