"""The paths of a question in drawing order, each with its arm."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from clc.bounds import PATHS
from clc.errors import StrategyError
from clc.languages.codes import distinct_languages, read_language
from clc.records import hashed_seed
from clc.strategies.strategy import EVERY, QUESTION, TRANSLATOR, Arm, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Slot", "plan_slots", "resolve_arms"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One path to sample: its arm, with real languages, and its index among the arm's paths."""

    arm: Arm
    index: int


def plan_slots(
    strategy: Strategy,
    question_language: str,
    paths: int,
    *,
    languages: Sequence[str] | None = None,
    sequence: Sequence[str] = (),
    salt: str = "",
) -> list[Slot]:
    """List the paths of a question in drawing order: one of each arm, then the next of each.

    A longer list begins with the shorter one. An arm in the question's own language keeps the
    question as it is; arms that are the same in the end, their shares apart, are one.

    Args:
        strategy: what to plan.
        question_language: BCP-47 code.
        paths: how many.
        languages: what ``"*"`` stands for; the strategy's own by default.
        sequence: languages in drawing order, with repetition, in place of ``languages``;
            ``"question"`` is the question's own.
        salt: decides the languages of ``drawn`` arms.

    >>> from clc.strategies.catalogue import STRATEGIES
    >>> slots = plan_slots(STRATEGIES["clc"], "de", 3, languages=["en", "de"])
    >>> [(slot.arm.language, slot.arm.question, slot.index) for slot in slots]
    [('en', 'translated', 0), ('de', 'original', 0), ('en', 'translated', 1)]

    Raises:
        StrategyError: ``paths`` is not positive, or a sequence meets arms of fixed languages.
    """
    PATHS.check("paths per question", paths, StrategyError)
    if sequence and any(
        EVERY not in (arm.language, arm.into) or arm.drawn for arm in strategy.arms
    ):
        raise StrategyError(
            f"strategy {strategy.name!r} has languages of its own; a portfolio goes with "
            'strategies whose arms all reason in "*"'
        )
    # Where no language is picked by lot, all questions in a language have the same slots.
    drawn = any(arm.drawn for arm in strategy.arms)
    plan = _plan.__wrapped__ if drawn else _plan
    slots = plan(
        strategy.arms,
        question_language,
        paths,
        languages=tuple(languages or strategy.languages),
        sequence=tuple(sequence),
        salt=salt if drawn else "",
    )
    return list(slots)


@lru_cache(maxsize=64)
def _plan(
    arms: tuple[Arm, ...],
    question_language: str,
    paths: int,
    *,
    languages: tuple[str, ...],
    sequence: tuple[str, ...],
    salt: str,
) -> Sequence[Slot]:
    """Return the slots of a question, as ``plan_slots`` does; its arguments can be hashed."""
    sequence = tuple(question_language if code == QUESTION else code for code in sequence)
    chosen = distinct_languages(sequence or languages)
    units: dict[tuple[tuple[Arm, ...], int], None] = {}  # arms to pick one of, and their share
    for arm in arms:
        if arm.drawn:
            others = [code for code in chosen if code != question_language] or chosen
            unit = tuple(_settle(arm, question_language, code) for code in others)
            units[unit, arm.share] = None
        elif not sequence:
            for code in chosen if EVERY in (arm.language, arm.into) else ("",):
                units[(_settle(arm, question_language, code),), arm.share] = None
    rounds = [unit for unit, share in units for _ in range(share)]
    used: Counter[Arm] = Counter()
    slots = []
    for position in range(paths):
        if sequence:
            turn, number = divmod(position, len(arms))
            language = read_language(sequence[turn % len(sequence)])
            arm = _settle(arms[number], question_language, language)
        else:
            turn, number = divmod(position, len(rounds))
            unit = rounds[number]
            pick = 0 if len(unit) == 1 else hashed_seed(number, salt, turn) % len(unit)
            arm = unit[pick]
        slots.append(Slot(arm, used[arm]))
        used[arm] += 1
    return slots


def resolve_arms(slots: Iterable[Slot], order: Sequence[str]) -> list[Arm]:
    """List the distinct arms of slots: by the first slot, but languages of ``order`` in its order.

    The order of arms breaks ties, so it must not depend on the languages that a seed picks.
    """
    rank = {code: position for position, code in enumerate(distinct_languages(order))}
    arms = list(dict.fromkeys(slot.arm for slot in slots))
    ranked = iter(
        sorted(
            (arm for arm in arms if arm.stands_for in rank), key=lambda arm: rank[arm.stands_for]
        )
    )
    return [next(ranked) if arm.stands_for in rank else arm for arm in arms]


@lru_cache(maxsize=4096)  # every problem has the same arms, and an arm's key is made once
def _settle(arm: Arm, question_language: str, chosen: str) -> Arm:
    """Put real languages into an arm; in the question's own language the question stays.

    Arms that sample the same paths become equal: what makes no difference gets its default.
    """
    codes = {QUESTION: question_language, EVERY: chosen}
    language = codes.get(arm.language) or read_language(arm.language)
    into = arm.into and (codes.get(arm.into) or read_language(arm.into))
    form = arm.question
    if (into or language) == question_language:
        form, into = "original", None
    if into == language:
        into = None
    answers_in = arm.answers_in and (codes.get(arm.answers_in) or read_language(arm.answers_in))
    return replace(
        arm,
        language=language,
        question=form,
        into=into,
        answers_in=answers_in,
        translator=TRANSLATOR if form == "original" else arm.translator,
        drawn=False,
        share=1,
    )
