"""Strategies as data: which arms share the budget, and how their votes are counted.

An arm says in which language to reason, with which template, and how the question gets there.
None has an engine loop of its own: one solver runs them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from clc.errors import StrategyError
from clc.languages import MGSM_LANGUAGES, normalize_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["STRATEGIES", "Arm", "PlannedArm", "Strategy", "get_strategy", "plan_arms"]

QuestionForm = Literal["original", "translated"]

QUESTION = "question"
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to reason.

    ``language`` is a BCP-47 code, ``"question"`` for the question's own, or ``"*"`` for each of
    the languages chosen for the run. ``question`` says whether the question stays as it is or is
    translated into that language first.
    """

    language: str
    template: str = "cot"
    question: QuestionForm = "translated"


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named list of arms with a voting rule and defaults.

    ``paths`` is the default budget for one question; ``languages`` are what ``"*"`` stands for
    unless the run chooses others; ``source`` says where the method was published.
    """

    name: str
    arms: tuple[Arm, ...]
    paths: int
    temperature: float
    summary: str = ""
    source: str = ""
    languages: tuple[str, ...] = MGSM_LANGUAGES
    voting: str = "majority"


@dataclass(frozen=True, slots=True)
class PlannedArm:
    """An arm for one question: its real language, and how many paths of the budget it draws."""

    language: str
    template: str
    question: QuestionForm
    paths: int


_MGSM_PAPER = "MGSM, arXiv 2210.03057"
_CLC_PAPER = "Cross-Lingual Consistency, arXiv 2504.01857"
_SC_PAPER = "Self-Consistency, arXiv 2203.11171"

# Temperature 0.7 and one path a language are our choice: the CLC paper's public record does not
# say them. Single-path baselines are greedy, as in the MGSM paper.
STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Strategy(
            "direct",
            (Arm(QUESTION, "direct", "original"),),
            paths=1,
            temperature=0.0,
            summary="answer at once, without reasoning",
            source=_MGSM_PAPER,
        ),
        Strategy(
            "native-cot",
            (Arm(QUESTION, "cot", "original"),),
            paths=1,
            temperature=0.0,
            summary="one path, reasoning in the question's language",
            source=_MGSM_PAPER,
        ),
        Strategy(
            "en-cot",
            (Arm("en", "cot", "original"),),
            paths=1,
            temperature=0.0,
            summary="one path, the question as it is, reasoning in English",
            source=_MGSM_PAPER,
        ),
        Strategy(
            "translate-en",
            (Arm("en", "cot", "translated"),),
            paths=1,
            temperature=0.0,
            summary="one path, the question translated, reasoning in English",
            source=_MGSM_PAPER,
        ),
        Strategy(
            "sc",
            (Arm(QUESTION, "cot", "original"),),
            paths=11,
            temperature=0.7,
            summary="many paths in the question's language, one vote",
            source=_SC_PAPER,
        ),
        Strategy(
            "sc-en",
            (Arm("en", "cot", "translated"),),
            paths=11,
            temperature=0.7,
            summary="the question translated into English, many paths, one vote",
            source=_SC_PAPER,
        ),
        Strategy(
            "clc",
            (Arm(EVERY, "cot", "translated"),),
            paths=11,
            temperature=0.7,
            summary="the question in every language, paths in each, one vote over all",
            source=_CLC_PAPER,
        ),
        Strategy(
            "clc-bilingual",
            (Arm(QUESTION, "cot", "original"), Arm("en", "cot", "translated")),
            paths=10,
            temperature=0.7,
            summary="the question's language and English, one vote over both",
            source=_CLC_PAPER,
        ),
    )
}


def get_strategy(name: str) -> Strategy:
    """Return the strategy called ``name``.

    Raises:
        StrategyError: there is none of that name.
    """
    try:
        return STRATEGIES[name]
    except KeyError:
        raise StrategyError(
            f"unknown strategy {name!r}; there are: {', '.join(STRATEGIES)}"
        ) from None


def split_budget(paths: int, arms: int) -> list[int]:
    """Split ``paths`` over ``arms`` as evenly as it goes, the remainder by arm order.

    >>> split_budget(10, 4)
    [3, 3, 2, 2]
    """
    share, rest = divmod(paths, arms)
    return [share + (position < rest) for position in range(arms)]


def plan_arms(
    strategy: Strategy, question_language: str, languages: Sequence[str] | None, paths: int
) -> tuple[PlannedArm, ...]:
    """Resolve a strategy's arms for a question in ``question_language``.

    An arm in the question's own language keeps the question as it is; arms that come to the same
    are one; arms that the budget does not reach are left out.

    >>> [(arm.language, arm.paths) for arm in plan_arms(STRATEGIES["clc"], "de", ["en", "de"], 5)]
    [('en', 3), ('de', 2)]

    Raises:
        StrategyError: ``paths`` is not positive, or the strategy has no arms.
    """
    if paths < 1:
        raise StrategyError(f"paths per question must be at least 1, not {paths}")
    chosen = _distinct(normalize_language(code) for code in languages or strategy.languages)
    resolved: dict[tuple[str, str, QuestionForm], None] = {}
    for arm in strategy.arms:
        for language in _languages_of(arm, question_language, chosen):
            same = language == question_language
            resolved[(language, arm.template, "original" if same else arm.question)] = None
    if not resolved:
        raise StrategyError(f"strategy {strategy.name!r} has no arms; give it at least one")
    shares = split_budget(paths, len(resolved))
    return tuple(
        PlannedArm(language, template, form, share)
        for (language, template, form), share in zip(resolved, shares, strict=True)
        if share
    )


def _languages_of(arm: Arm, question_language: str, chosen: Sequence[str]) -> Sequence[str]:
    if arm.language == QUESTION:
        return [question_language]
    return chosen if arm.language == EVERY else [arm.language]


def _distinct(codes: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(codes))
