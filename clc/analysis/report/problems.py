"""Problems for the page: a row of the list, and the record with its details.

Both are plain values for JSON. Texts are unchanged: the page handles control characters, markup and
length.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from clc.answers import extract_answer
from clc.answers.canonical import canonical_gold
from clc.languages.codes import UNKNOWN_LANGUAGE
from clc.records import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.plan import ArmRecord
    from clc.records import Problem, ReasoningPath, Verdict, Vote
    from clc.runs.revote import Solved

__all__ = ["against_the_rest", "problem_record", "problem_row"]

_FEWEST = 2  # languages that must agree before another one counts as against them


def problem_row(solved: Solved) -> dict[str, Any]:
    """Return a problem's row of the list; ``right`` is None without a readable gold."""
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
    """Return a problem's details: its vote, its translations and every path."""
    problem, plan, paths, votes, verdict = solved
    gold = problem.gold
    return {
        "context": list(problem.context),
        "gold": None if gold is None else canonical_gold(gold, problem.metadata.get("kind")),
        "support": verdict.support,
        "total": verdict.total,
        "tally": list(verdict.tally.items()),  # a list: JavaScript sorts numeric keys
        "abstentions": list(verdict.abstentions.items()),
        "sampled": verdict.paths,
        "tokens": verdict.usage.total,
        "preparation": verdict.translation_usage.total,
        "stop": plan.details.get("stop"),
        "choice": (verdict.details.get("choice") or {}).get("path"),
        "translations": _translations(solved),
        "paths": [
            _path(problem, arm, paths.get(key) if key else None, vote)
            for (arm, key), vote in zip(plan.paths, votes, strict=True)
        ],
    }


def against_the_rest(verdict: Verdict) -> str | None:
    """Return the one language whose own vote is not the verdict, if all others' (two or more) is.

    >>> from clc.records import Vote, Answer
    >>> from clc.voting.tally import vote
    >>> against_the_rest(vote([Vote("", code, Answer(one)) for code, one in
    ...                        [("en", "7"), ("de", "7"), ("th", "9"), ("th", "9")]]))
    'th'
    """
    by_language: dict[str, dict[str, float]] = defaultdict(dict)
    for answer, support in verdict.tally.items():
        for language, weight in support.items():
            by_language[language][answer] = weight
    odd = [
        language
        for language, support in by_language.items()
        if support.get(verdict.answer or "", 0.0) < max(support.values())
    ]
    return odd[0] if len(odd) == 1 and len(by_language) > _FEWEST else None


def _translations(solved: Solved) -> list[dict[str, Any]]:
    """Return the question of each language in the plan's order, without repetitions."""
    translations: dict[tuple[str, str | None, str | None], Mapping[str, Any]] = {}
    for arm in solved.plan.arms:
        if arm.question is not None or arm.fault is not None:
            one = (arm.language, arm.question, arm.fault)
            translations[one] = dict(zip(("language", "text", "fault"), one, strict=True))
    return [dict(one) for one in translations.values()]


def _path(
    problem: Problem, arm: ArmRecord, path: ReasoningPath | None, vote: Vote
) -> dict[str, Any]:
    outcome = vote.outcome
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
        if path.thought:
            shown["thought"] = path.thought
            shown["closed"] = path.closed is not False
        if path.confidence is not None:
            shown["confidence"] = round(path.confidence.mean, 4)
    if isinstance(outcome, Answer):
        shown["answer"] = outcome.value
        span = outcome.span or (path and _find_span(problem, path, outcome))
        shown["span"] = span and [_utf16(text, position) for position in span]
    else:
        shown["abstains"] = str(outcome.reason)
        shown["why"] = outcome.detail
    return shown


def _find_span(problem: Problem, path: ReasoningPath, answer: Answer) -> tuple[int, int] | None:
    """Return the span of an answer, which recorded generations lack, by reading it again."""
    outcome = extract_answer(
        path.text,
        None if path.language == UNKNOWN_LANGUAGE else path.language,
        problem.question or None,
        kind=answer.kind,
        finish_reason=path.finish_reason,
    )
    if isinstance(outcome, Answer) and outcome.value == answer.value:
        return outcome.span
    return None


def _utf16(text: str, position: int) -> int:
    """Convert a position from code points to UTF-16 code units, as JavaScript counts."""
    return len(text[:position].encode("utf-16-le", "surrogatepass")) // 2
